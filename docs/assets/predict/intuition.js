/*
 * Your intuition: how well a reader predicted, by topic; whether what the reader was sure of was
 * right; and what was missed. All of it is read from this device, and can be forgotten.
 */

import { KEY, SURE, answers, forget, node, shape } from "./kept.js";

/** So few answers say nothing about how sure one ought to be. */
const ENOUGH = 10;

/**
 * A prediction as the page lists it, with the answer that was given.
 * @typedef {object} Listed
 * @property {string} topic
 * @property {HTMLAnchorElement} link
 * @property {import("./kept.js").Answer | undefined} answer
 */

/** @returns {Listed[]} */
function listed() {
  const known = answers();
  return [...document.querySelectorAll(".lg-intuition [data-predict]")].map((item) => ({
    topic: item.closest("[data-topic]").dataset.topic,
    link: item.querySelector("a"),
    answer: known[item.dataset.predict],
  }));
}

const heading = (text) => node("h2", {}, text);
const percent = (part) => `${Math.round(100 * part)} %`;
const rightOf = (all) => all.filter(({ answer }) => answer.right).length;

/** @param {Listed[]} all @returns {HTMLTableElement} */
function byTopic(all) {
  const row = (tag, ...cells) => node("tr", {}, ...cells.map((cell) => node(tag, {}, String(cell))));
  const rows = Object.entries(Object.groupBy(all, ({ topic }) => topic)).map(([topic, some]) => {
    const done = some.filter(({ answer }) => answer);
    return row("td", topic, some.length, done.length, done.length ? `${rightOf(done)} of ${done.length}` : "");
  });
  const head = node("thead", {}, row("th", "topic", "asked", "answered", "right"));
  return node("table", { class: "lg-intuition__topics" }, head, node("tbody", {}, ...rows));
}

/**
 * For each step of sureness: how many answers, and how many of them right.
 * @param {Listed[]} done @returns {{sure: number, word: string, count: number, right: number}[]}
 */
function steps(done) {
  return Object.entries(SURE)
    .map(([share, word]) => {
      const some = done.filter(({ answer }) => answer.sure === Number(share));
      return { sure: Number(share), word, count: some.length, right: rightOf(some) };
    })
    .filter(({ count }) => count);
}

/** @param {ReturnType<typeof steps>} found @returns {SVGElement} stated sureness against share right */
function drawn(found) {
  const x = (sure) => 62 + ((sure - 45) / 55) * 250;
  const y = (part) => 208 - part * 176;
  const words = found.map(({ sure, right, count }) => `of those at ${sure} %, ${right} of ${count} right`);
  return shape(
    "svg",
    { viewBox: "0 0 336 252", role: "img", "aria-label": `Sureness against share right: ${words.join("; ")}` },
    shape("path", { class: "axis", d: `M${x(45)} ${y(1)}V${y(0)}H${x(100)}` }),
    shape("path", { class: "even", d: `M${x(50)} ${y(0.5)}L${x(100)} ${y(1)}` }),
    ...[0, 0.5, 1].map((part) => shape("text", { class: "end", x: x(45) - 8, y: y(part) + 4 }, percent(part))),
    ...Object.keys(SURE).map((sure) => shape("text", { class: "middle", x: x(sure), y: y(0) + 18 }, `${sure} %`)),
    shape("text", { class: "middle", x: x(72.5), y: y(0) + 38 }, "how sure you said you were"),
    shape("text", { x: 4, y: 12 }, "right"),
    shape("polyline", { class: "own", points: found.map(({ sure, right, count }) => `${x(sure)},${y(right / count)}`).join(" ") }),
    ...found.map(({ sure, right, count }) => shape("circle", { cx: x(sure), cy: y(right / count), r: 3 + Math.min(6, Math.sqrt(count)) })),
  );
}

/** @param {Listed[]} done @returns {Node[]} */
function calibration(done) {
  const title = heading("Are you as sure as you are right?");
  if (done.length < ENOUGH) {
    return [title, node("p", {}, `After ${ENOUGH} answers this page compares how sure you were with how often you were right.`)];
  }
  const found = steps(done);
  const expected = done.reduce((sum, { answer }) => sum + answer.sure / 100, 0) / done.length;
  const came = `You expected to be right in ${percent(expected)} of them, and were in ${percent(rightOf(done) / done.length)}.`;
  const lines = found.map(({ sure, word, right, count }) => node("li", {}, `${word}, ${sure} %: ${right} of ${count} right`));
  const how = "On the broken line you are right as often as you say; below it you are surer than that.";
  return [title, drawn(found), node("p", {}, `${came} ${how}`), node("ul", {}, ...lines)];
}

/** @param {Listed[]} done @returns {Node[]} */
function missed(done) {
  const wrong = done.filter(({ answer }) => !answer.right);
  if (!wrong.length) return [];
  // What one was sure of teaches most.
  wrong.sort((a, b) => b.answer.sure - a.answer.sure);
  const items = wrong.map(({ link, answer }) => node("li", {}, link.cloneNode(true), ` (${SURE[answer.sure]})`));
  return [heading("What you missed"), node("ul", {}, ...items)];
}

function show() {
  const place = document.querySelector(".lg-intuition__own");
  if (!place) return;
  const all = listed();
  const done = all.filter(({ answer }) => answer);
  if (!done.length) {
    const begin = all[0]?.link.cloneNode(true);
    place.replaceChildren(node("p", {}, "Nothing is answered on this device yet.", ...(begin ? [" Begin with: ", begin] : [])));
    return;
  }
  const button = node("button", { type: "button" }, "Forget all");
  button.addEventListener("click", () => {
    forget();
    show();
    place.tabIndex = -1;
    place.focus();
  });
  place.replaceChildren(
    node("p", {}, `${done.length} of ${all.length} answered, ${rightOf(done)} of them right.`),
    heading("By topic"),
    byTopic(all),
    ...calibration(done),
    ...missed(done),
    heading("Forget"),
    node("p", {}, "Your answers are kept on this device alone. "),
    button,
  );
}

window.document$.subscribe(show);
window.addEventListener("storage", (event) => {
  if (event.key === KEY) show();
});
