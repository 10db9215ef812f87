/*
 * What a reader predicted, kept on the reader's own device and nowhere else. The first answer to a
 * question is the one that counts: it is kept, and later tries are not.
 *
 * @typedef {object} Answer
 * @property {number | number[]} guess - a choice's place, a number, or heights in shares of an axis
 * @property {number} sure - how sure the reader was, in per cent
 * @property {boolean} right
 */

export const KEY = `${window.__md_scope.pathname}.predicted`;

/** Three steps of sureness, in per cent, and what they are called. */
export const SURE = { 50: "a guess", 75: "fairly sure", 95: "sure" };

/** @param {any} one @returns {boolean} whether this is an answer, and not something else's */
const sound = (one) => typeof one?.right === "boolean" && one.sure in SURE;

/** @returns {Record<string, Answer>} by the address of the page, "#", and the prediction's name */
export function answers() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? "{}");
    return Object.fromEntries(Object.entries(kept ?? {}).filter(([, one]) => sound(one)));
  } catch {
    return {};
  }
}

/** @param {string} name @param {Answer} answer @returns {boolean} whether it was the first */
export function keep(name, answer) {
  const known = answers();
  if (name in known) return false;
  try {
    localStorage.setItem(KEY, JSON.stringify({ ...known, [name]: answer }));
  } catch {
    // A reader who forbids storage predicts all the same, and has no score.
  }
  return true;
}

export function forget() {
  try {
    localStorage.removeItem(KEY);
  } catch {
    // Nothing was kept.
  }
}

/**
 * An HTML element; `children` are nodes or text.
 * @param {string} tag @param {Record<string, string | number | boolean>} attributes
 * @param {...(Node | string)} children
 */
export function node(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** An element of SVG, likewise. */
export function shape(tag, attributes = {}, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function filled(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== false) made.setAttribute(name, value === true ? "" : String(value));
  }
  made.append(...children);
  return made;
}
