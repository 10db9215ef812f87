/*
 * What a form says. Its words stand in the scripts, in English; a translated page brings its own
 * along, each by the English one.
 */

const ENGLISH = { decimal: ".", says: {} };
let spoken = ENGLISH;

/** Speak the language of the page that is shown now. */
export function listen() {
  const there = document.querySelector("[data-lg-said]");
  spoken = there ? JSON.parse(there.dataset.lgSaid) : ENGLISH;
}

/**
 * @param {string} english @param {Record<string, string | number>} values - of what stands in braces
 * @returns {string}
 */
export function say(english, values = {}) {
  return (spoken.says[english] ?? english).replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
}

/** @param {string} digits @returns {string} with the page's sign before decimals */
export const decimal = (digits) => digits.replace(".", spoken.decimal);
