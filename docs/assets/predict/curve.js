/*
 * A curve that a reader draws over empty axes: with a pointer across them, or with keys, each x
 * being a point that the arrow keys move. Afterwards the curve that came out lies over it.
 */

import { node, shape } from "./kept.js";
import { share, sideOfCurve, spoken, ticks, valueAt, written } from "./scale.js";
import { say } from "./words.js";

/** @typedef {import("./scale.js").Axis & {x: number[], y: number[], x_log: boolean, x_label: string, y_label: string}} Asked */

const HEIGHT = 260;
const EDGE = { left: 58, right: 14, top: 12, bottom: 28 };
const STEP = 0.02;
const KEYS = { ArrowUp: STEP, ArrowRight: STEP, ArrowDown: -STEP, ArrowLeft: -STEP, PageUp: 0.1, PageDown: -0.1 };
const clamp = (part) => Math.min(1, Math.max(0, part));

/** @param {Asked} asked - what is drawn @returns {object} the same face as all kinds of guesses */
export function curve(asked) {
  /** @type {(number | null)[]} heights as shares of the axis; null where nothing is drawn yet */
  let drawn = asked.x.map(() => null);
  let locked = false;
  let shown = false;
  let width = 0;
  const across = { low: asked.x[0], high: asked.x.at(-1), log: asked.x_log };
  const name = say("Your curve: {y} over {x}", { x: asked.x_label, y: asked.y_label });
  const svg = shape("svg", { class: "lg-predict__axes", role: "group", "aria-label": name });
  const [grid, lines] = [shape("g"), shape("g", { "aria-hidden": "true" })];
  const points = asked.x.map((x, at) => point(x, at));
  svg.append(grid, lines, ...points);
  const key = node(
    "p",
    { class: "lg-predict__key", hidden: true, "aria-hidden": "true" },
    node("span", { class: "lg-predict__mine" }, say("your curve")),
    node("span", { class: "lg-predict__came-out" }, say("what came out")),
  );
  const hint = node(
    "p",
    { class: "lg-predict__hint" },
    say("Draw across the axes. With keys: Tab leads from point to point, the arrow keys move it."),
  );
  // A table is as wide as its words, and without a class the theme lets it scroll: it stands in a box.
  const table = node("table", { class: "lg-predict__table" });
  const said = node("div", { class: "lg-said", hidden: true }, table);
  const element = node(
    "div",
    { class: "lg-predict__curve" },
    node("p", { class: "lg-predict__label" }, asked.y_label),
    svg,
    node("p", { class: "lg-predict__label lg-predict__label--x" }, asked.x_label),
    hint,
    key,
    said,
  );

  const left = (at) => EDGE.left + (0.03 + 0.94 * share(asked.x[at], across)) * (width - EDGE.left - EDGE.right);
  const top = (part) => EDGE.top + (1 - part) * (HEIGHT - EDGE.top - EDGE.bottom);
  const line = (parts, kind) => {
    const places = parts.flatMap((part, at) => (part === null ? [] : [`${left(at).toFixed(1)},${top(part).toFixed(1)}`]));
    return shape("polyline", { class: kind, points: places.join(" ") });
  };

  function point(x, at) {
    const handle = shape(
      "g",
      {
        class: "lg-predict__point",
        role: "slider",
        tabindex: 0,
        "aria-label": `${asked.x_label} ${written(x)}`,
        "aria-orientation": "vertical",
        "aria-valuemin": 0,
        "aria-valuemax": 100,
      },
      shape("circle", { r: 14, class: "reach" }),
      shape("circle", { r: 6, class: "dot" }),
    );
    handle.addEventListener("keydown", (event) => {
      const ends = { Home: 0, End: 1 };
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (!(event.key in KEYS) && !(event.key in ends)) return;
      event.preventDefault();
      if (locked) return;
      drawn[at] = event.key in ends ? ends[event.key] : clamp((drawn[at] ?? 0.5) + KEYS[event.key]);
      update();
    });
    return handle;
  }

  /** What changes with the curve; the axes change with the width alone. */
  function update() {
    lines.replaceChildren(
      line(drawn, "mine"),
      ...(shown ? [line(asked.y.map((y) => share(y, asked)), "came-out")] : []),
      ...(shown ? asked.y.map((y, at) => shape("circle", { r: 3.5, class: "came-dot", cx: left(at), cy: top(share(y, asked)) })) : []),
    );
    for (const [at, handle] of points.entries()) {
      const part = drawn[at];
      handle.classList.toggle("open", part === null);
      handle.setAttribute("transform", `translate(${left(at).toFixed(1)} ${top(part ?? 0.5).toFixed(1)})`);
      handle.setAttribute("aria-valuenow", Math.round(100 * (part ?? 0.5)));
      handle.setAttribute("aria-valuetext", part === null ? say("not drawn yet") : spoken(valueAt(part, asked)));
      handle.setAttribute("aria-disabled", String(locked));
    }
  }

  function layOut() {
    width = element.clientWidth;
    if (!width) return; // The fold is closed.
    svg.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    const [near, far] = [EDGE.left, width - EDGE.right];
    grid.replaceChildren(
      ...ticks(asked).flatMap((tick) => {
        const y = top(share(tick, asked));
        return [
          shape("line", { class: "grid", x1: near, x2: far, y1: y, y2: y }),
          shape("text", { class: "end", x: near - 8, y: y + 4 }, written(tick)),
        ];
      }),
      ...asked.x.map((x, at) => shape("text", { class: "middle", x: left(at), y: HEIGHT - 8 }, written(x))),
      shape("path", { class: "axis", d: `M${near} ${top(1)}V${top(0)}H${far}` }),
    );
    update();
  }
  new ResizeObserver(layOut).observe(element);

  /** @type {number | null} the x that the pointer was last over, while it draws */
  let last = null;
  function draw(event) {
    const box = svg.getBoundingClientRect();
    const pixel = event.clientX - box.left;
    const part = clamp((top(0) - (event.clientY - box.top)) / (top(0) - top(1)));
    const places = asked.x.map((_, at) => Math.abs(left(at) - pixel));
    const at = places.indexOf(Math.min(...places));
    // A quick hand leaves points out: they lie on the way from the last one.
    const [from, begin] = [last ?? at, drawn[last ?? at] ?? part];
    for (let one = Math.min(from, at); one <= Math.max(from, at); one++) {
      drawn[one] = one === from && from !== at ? begin : from === at ? part : begin + ((part - begin) * (one - from)) / (at - from);
    }
    last = at;
    update();
  }
  svg.addEventListener("pointerdown", (event) => {
    if (locked || event.button !== 0) return;
    svg.setPointerCapture(event.pointerId);
    last = null;
    draw(event);
    points[last].focus({ preventScroll: true });
    event.preventDefault();
  });
  svg.addEventListener("pointermove", (event) => {
    if (!locked && last !== null && svg.hasPointerCapture(event.pointerId)) draw(event);
  });
  svg.addEventListener("pointerup", () => {
    last = null;
  });

  return {
    element,
    read: () => (drawn.includes(null) ? undefined : drawn.map((part) => Number(part.toFixed(3)))),
    missing: () => {
      const open = drawn.filter((part) => part === null).length;
      const count = drawn.length;
      return open === 1
        ? say("Draw through all {count} points first: 1 is open.", { count })
        : say("Draw through all {count} points first: {open} are open.", { count, open });
    },
    judge: (guess) => sideOfCurve(guess, asked),
    fits: (guess) => Array.isArray(guess) && guess.length === asked.x.length && guess.every((part) => part >= 0 && part <= 1),
    words: () => say("the curve that you drew"),
    show(guess) {
      drawn = guess ?? asked.x.map(() => null);
      locked = shown = guess !== undefined;
      key.hidden = said.hidden = !shown;
      hint.hidden = shown;
      svg.classList.toggle("done", shown);
      const cells = (tag, ...texts) => node("tr", {}, ...texts.map((text) => node(tag, {}, text)));
      table.replaceChildren(
        cells("th", asked.x_label, say("your curve"), say("what came out")),
        ...(shown ? asked.x.map((x, at) => cells("td", written(x), spoken(valueAt(drawn[at], asked)), spoken(asked.y[at]))) : []),
      );
      update();
    },
    first: () => points[0],
  };
}
