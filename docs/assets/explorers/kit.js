/**
 * What all explorers share: mounting, controls, dragging, the state in the address, drawing, and
 * the fold that gives the same in Python.
 *
 * An explorer is a module `NAME.js` whose default export has this face:
 *
 * @typedef {object} Explorer
 * @property {string} name - of the module, and of its parameter in the address
 * @property {string} title - what a screen reader calls the whole
 * @property {Record<string, Field> | ((element: HTMLElement) => Record<string, Field>)} fields -
 *   the state's parts with their defaults and limits
 * @property {Control[] | ((fields: Record<string, Field>) => Control[])} controls
 * @property {(state: object) => object} update - numbers: all that is drawn, said and compared
 *   with Python. A function of the state alone.
 * @property {(stage: Stage) => (state: object, numbers: object, width: number) => number | void}
 *   draw - is called once to build what stays, and returns what redraws: at most once a frame,
 *   with the width in pixels. It returns the height of `stage.svg`, if it uses that.
 * @property {(state: object, numbers: object) => string} says - the main result in a sentence
 * @property {(state: object) => string} python - code that prints what is on screen
 * @property {(state: object, numbers: object) => string} prints - exactly what that code prints
 *
 * A field is one of
 *   {value: 1, min: 0, max: 2, step: 0.1}     a number, kept on its grid
 *   {value: 1, stops: [0.1, 0.2, 0.5, 1]}     a number from a list
 *   {value: "relu", options: ["relu", ...]}   a word
 *   {value: true}                             a switch
 *   {value: [2, 1], min: -6, max: 6, step: 0.1, least: 2, most: 5}   numbers
 * @typedef {object} Field
 *
 * A control is one of, each with an optional `shown(state)`:
 *   {kind: "slider", key, label, text: (value) => string}
 *   {kind: "chips", key, label, words: {option: label}, read: (state) => option,
 *    write: (option, state) => patch}   (read and write take the place of key)
 *   {kind: "select", key, label, words: {option: label}}
 *   {kind: "toggle", key, label}
 *   {kind: "button", label, act: (state) => patch}
 * @typedef {object} Control
 *
 * For tests, and for pages that steer an explorer, its element gets `element.explorer`: name,
 * state(), set(patch), numbers(), reset(), python(), prints(), link().
 */


const SVG = "http://www.w3.org/2000/svg";
const WRITE_AFTER = 250; // ms: browsers limit how often the address may change
const SAY_AFTER = 500; // ms of rest before a screen reader is told

let named = 0;

// ---------------------------------------------------------------------------------------------
// Numbers as text

/** As Python's f"{x:.2f}": a tie goes to the even digit, and -0.0 keeps its sign. */
export function fixed(x, digits) {
  if (!Number.isFinite(x)) return Number.isNaN(x) ? "nan" : x > 0 ? "inf" : "-inf";
  const scaled = Math.abs(x) * 10 ** digits;
  const tie = scaled % 1 === 0.5 && Number.isInteger(x * 2 ** (digits + 1));
  const size = tie ? (2 * Math.round(scaled / 2)) / 10 ** digits : Math.abs(x);
  return (x < 0 || Object.is(x, -0) ? "-" : "") + size.toFixed(digits);
}

/** As Python's f"{x:.1e}". */
export function scientific(x, digits) {
  return x.toExponential(digits).replace(/e([+-])(\d)$/, "e$10$2");
}

/** A number as Python writes a float: 2.0, 0.25. */
export function float(x) {
  return Number.isInteger(x) && Math.abs(x) < 1e16 ? x.toFixed(1) : String(x);
}

/** For people: a true minus sign, and no negative zero. */
export function say(x, digits = 2) {
  return x.toFixed(digits).replace(/^-(0(?:\.0*)?)$/, "$1").replace("-", "−");
}

const RAISED = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };

/** 10 to a power, as people write it. */
export const tenTo = (power) => (power === 0 ? "1" : `10${[...String(power)].map((c) => RAISED[c]).join("")}`);

/** For people, over many orders of magnitude: 0.25, 1.6 × 10⁻¹⁰. */
export function sayPower(x) {
  if (x === 0 || !Number.isFinite(x)) return String(x).replace("Infinity", "∞").replace("-", "−");
  if (Math.abs(x) >= 0.01 && Math.abs(x) < 1e4) return say(x, Math.abs(x) < 1 ? 3 : 2);
  const [mantissa, power] = x.toExponential(1).replace("+", "").split("e");
  return `${mantissa.replace("-", "−")} × ${tenTo(power)}`;
}

/** Names as they are said on a control. */
export function words(names) {
  return Object.fromEntries(names.map((name) => [name, name]));
}

/** The numbers that a slider over orders of magnitude stops at. */
export function decades(min, max, steps = [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8]) {
  const stops = [];
  for (let power = Math.floor(Math.log10(min)); power <= Math.log10(max); power++) {
    stops.push(...steps.map((step) => Number((step * 10 ** power).toPrecision(3))));
  }
  return stops.filter((stop) => stop >= min && stop <= max);
}

// ---------------------------------------------------------------------------------------------
// The state and its form in the address

function onGrid(x, { min, max, step, stops }) {
  if (stops) return stops.reduce((best, stop) => (Math.abs(stop - x) < Math.abs(best - x) ? stop : best));
  const digits = (String(step).split(".")[1] ?? "").length;
  const near = Number((min + Math.round((x - min) / step) * step).toFixed(digits));
  return Math.min(max, Math.max(min, near)) + 0; // + 0: never -0
}

/** What the field makes of a value: on its grid and within its limits, or its default. */
function fitting(field, value) {
  if (Array.isArray(field.value)) {
    const fits = Array.isArray(value) && value.every(Number.isFinite);
    const { least = 1, most = Infinity } = field;
    if (!fits || value.length < least || value.length > most) return [...field.value];
    return value.map((x) => onGrid(x, field));
  }
  if (typeof field.value === "number") return Number.isFinite(value) ? onGrid(value, field) : field.value;
  if (typeof field.value === "boolean") return Boolean(value);
  return field.options.includes(value) ? value : field.value;
}

function fromText(field, text) {
  if (Array.isArray(field.value)) return text.split(",").map((part) => (part === "" ? NaN : Number(part)));
  if (typeof field.value === "number") return text === "" ? NaN : Number(text);
  if (typeof field.value === "boolean") return text === "1";
  return text;
}

function toText(value) {
  if (typeof value === "boolean") return value ? "1" : "0";
  return Array.isArray(value) ? value.join(",") : String(value);
}

function same(a, b) {
  return toText(a) === toText(b);
}

function readAddress(name, fields) {
  const state = {};
  for (const part of (new URLSearchParams(location.search).get(name) ?? "").split(";")) {
    const [key, text] = part.split(":");
    if (text !== undefined && Object.hasOwn(fields, key)) state[key] = fitting(fields[key], fromText(fields[key], text));
  }
  return state;
}

/** The address with this explorer's parameter; the other parameters stay as they are. */
function addressWith(name, text) {
  const others = location.search.slice(1).split("&").filter((part) => part && part.split("=")[0] !== name);
  const query = [...others, ...(text ? [`${name}=${text}`] : [])].join("&");
  return `${location.pathname}${query ? `?${query}` : ""}`;
}

// ---------------------------------------------------------------------------------------------
// Elements

/** An HTML element; `children` are nodes or text. */
export function node(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}

/**
 * Makes the SVG children of `parent` these, and reuses what is there, so that a change of an
 * attribute can be eased by the style sheet.
 * @param {Element} parent
 * @param {Array} shapes - [tag, attributes, ...children], where the children are shapes or one text
 */
export function paint(parent, shapes) {
  let child = parent.firstChild;
  for (const [tag, attributes, ...inside] of shapes.filter(Boolean)) {
    if (child?.nodeName !== tag) child = parent.insertBefore(document.createElementNS(SVG, tag), child);
    for (const { name } of [...child.attributes]) if (!(name in attributes)) child.removeAttribute(name);
    for (const [name, value] of Object.entries(attributes)) {
      const text = typeof value === "number" ? String(Math.round(value * 100) / 100) : value;
      if (child.getAttribute(name) !== text) child.setAttribute(name, text);
    }
    if (typeof inside[0] === "string") {
      if (child.textContent !== inside[0]) child.textContent = inside[0];
    } else {
      paint(child, inside);
    }
    child = child.nextSibling;
  }
  while (child) {
    const next = child.nextSibling;
    child.remove();
    child = next;
  }
}

/** An SVG element that stays. */
export function shape(tag, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** A linear scale with its inverse. */
export function scale([from, to], [start, end]) {
  const forward = (x) => start + ((x - from) / (to - from)) * (end - start);
  forward.back = (pixel) => from + ((pixel - start) / (end - start)) * (to - from);
  return forward;
}

/** The path of a line through points (x, y) in pixels; a point that is no number interrupts it. */
export function path(points) {
  let pen = "M";
  let d = "";
  for (const [x, y] of points) {
    if (!Number.isFinite(x) || !Number.isFinite(y)) {
      pen = "M";
      continue;
    }
    d += `${pen}${x.toFixed(1)} ${y.toFixed(1)}`;
    pen = "L";
  }
  return d;
}

/** Heights of labels, moved apart until none covers another. */
export function apart(heights, gap = 14) {
  const order = heights.map((_, at) => at).sort((a, b) => heights[a] - heights[b]);
  const placed = [...heights];
  const middle = heights.reduce((sum, y) => sum + y, 0) / heights.length;
  for (let i = 1; i < order.length; i++) {
    placed[order[i]] = Math.max(placed[order[i]], placed[order[i - 1]] + gap);
  }
  const shift = Math.min(0, middle - placed.reduce((sum, y) => sum + y, 0) / placed.length);
  return placed.map((y) => y + shift);
}

export function calm() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}

/**
 * Puts a knob on a surface: it is dragged by mouse, pen and touch, from anywhere on the surface, and
 * moved by the keys that a slider has.
 * @param {SVGElement} surface
 * @param {object} options
 * @param {string} options.label
 * @param {{min: number, max: number, step: number}} options.field
 * @param {() => number} options.read
 * @param {(value: number) => void} options.write
 * @param {(event: PointerEvent) => number} options.at - the value under the pointer
 * @param {(value: number) => string} options.text
 * @returns {(x: number, y: number) => void} places the knob, after each change of the value
 */
export function knob(surface, { label, field, read, write, at, text }) {
  const { min, max, step } = field;
  const handle = shape(
    "g",
    { class: "lgx-knob", role: "slider", tabindex: 0, "aria-label": label, "aria-valuemin": min, "aria-valuemax": max },
    shape("circle", { class: "reach", r: 20 }),
    shape("circle", { class: "ring", r: 13 }),
    shape("circle", { r: 8 }),
  );
  surface.append(handle);
  surface.classList.add("lgx-drags");
  let held = null;

  surface.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    held = event.pointerId;
    surface.setPointerCapture(held);
    handle.focus({ preventScroll: true });
    // A finger may be about to scroll: it moves the handle once it moves sideways, or lets go.
    if (event.pointerType !== "touch") write(at(event));
    event.preventDefault();
  });
  surface.addEventListener("pointermove", (event) => {
    if (event.pointerId === held) write(at(event));
  });
  surface.addEventListener("pointerup", (event) => {
    if (event.pointerId === held) write(at(event));
    held = null;
  });
  surface.addEventListener("pointercancel", () => {
    held = null;
  });
  handle.addEventListener("keydown", (event) => {
    const moves = {
      ArrowRight: read() + step,
      ArrowUp: read() + step,
      ArrowLeft: read() - step,
      ArrowDown: read() - step,
      PageUp: read() + 10 * step,
      PageDown: read() - 10 * step,
      Home: min,
      End: max,
    };
    if (!(event.key in moves) || event.ctrlKey || event.metaKey || event.altKey) return;
    write(moves[event.key]);
    event.preventDefault();
  });
  return (x, y) => {
    handle.setAttribute("transform", `translate(${x.toFixed(1)} ${y})`);
    handle.setAttribute("aria-valuenow", read());
    handle.setAttribute("aria-valuetext", text(read()));
  };
}

// ---------------------------------------------------------------------------------------------
// Controls: each maker returns [element, sync(state)]

const MAKERS = {
  slider({ key, label, text = String }, { fields, set }) {
    const { min, max, step, stops } = fields[key];
    const range = stops ? { min: 0, max: stops.length - 1, step: 1 } : { min, max, step };
    const input = node("input", { type: "range", ...range });
    // Not an output element: that would be read out at each step, beside the slider's own text.
    const output = node("span", { class: "lgx-value", "aria-hidden": "true" });
    input.addEventListener("input", () => {
      set({ [key]: stops ? stops[Number(input.value)] : Number(input.value) });
    });
    const element = node("label", { class: "lgx-slider" }, node("span", {}, label), output, input);
    return [
      element,
      (state) => {
        input.value = stops ? stops.indexOf(state[key]) : state[key];
        input.setAttribute("aria-valuetext", text(state[key]));
        input.style.setProperty("--part", `${(100 * (input.value - range.min)) / (range.max - range.min)}%`);
        output.textContent = text(state[key]);
      },
    ];
  },

  chips({ key, label, words, read = (state) => state[key], write = (option) => ({ [key]: option }) }, { set, state }) {
    const group = `lgx-${++named}`;
    const inputs = Object.entries(words).map(([option, word]) => {
      const input = node("input", { type: "radio", name: group, value: option });
      input.addEventListener("change", () => set(write(option, state()), true));
      return [input, node("label", {}, input, node("span", {}, word))];
    });
    const element = node(
      "fieldset",
      { class: "lgx-chips" },
      node("legend", {}, label),
      node("div", {}, ...inputs.map(([, chip]) => chip)),
    );
    return [
      element,
      (state) => {
        for (const [input] of inputs) input.checked = input.value === String(read(state));
      },
    ];
  },

  select({ key, label, words }, { set }) {
    const options = Object.entries(words).map(([option, word]) => node("option", { value: option }, word));
    const input = node("select", {}, ...options);
    input.addEventListener("change", () => set({ [key]: input.value }, true));
    const element = node("label", { class: "lgx-select" }, node("span", {}, label), input);
    return [
      element,
      (state) => {
        input.value = state[key];
      },
    ];
  },

  toggle({ key, label }, { set }) {
    const input = node("input", { type: "checkbox", role: "switch" });
    input.addEventListener("change", () => set({ [key]: input.checked }, true));
    return [
      node("label", { class: "lgx-toggle" }, input, node("span", {}, label)),
      (state) => {
        input.checked = state[key];
      },
    ];
  },

  button({ label, act }, { set, state }) {
    const button = node("button", { type: "button", class: "lgx-button" }, label);
    button.addEventListener("click", () => set(act(state()), true));
    return [button, () => {}];
  },
};

function makeControls(controls, face) {
  const made = controls.map((control) => [control, ...MAKERS[control.kind](control, face)]);
  const parts = made.map(([, part]) => part);
  const element = node("div", { class: "lgx-controls" }, ...parts.filter((part) => part.tagName !== "BUTTON"));
  const buttons = parts.filter((part) => part.tagName === "BUTTON");
  if (buttons.length) element.append(node("div", { class: "lgx-buttons" }, ...buttons));
  const sync = (state) => {
    for (const [control, part, update] of made) {
      part.hidden = Boolean(control.shown) && !control.shown(state);
      update(state);
    }
  };
  return [element, sync];
}

// ---------------------------------------------------------------------------------------------
// The same in Python

/** The page's fold with its block and output: they follow the state. */
function makeFold(element) {
  const fold = [...element.querySelectorAll("details")].find((details) =>
    details.querySelector("summary")?.textContent.includes("The same in Python"),
  );
  if (!fold) return [null, () => {}];
  const [code, output] = fold.querySelectorAll("pre > code");
  const kept = [code.innerHTML, output.innerHTML];
  const sync = (text, printed, isDefault) => {
    if (isDefault) [code.innerHTML, output.innerHTML] = kept;
    else {
      code.replaceChildren(highlight(text));
      output.textContent = printed;
    }
  };
  return [fold, sync];
}

// ---------------------------------------------------------------------------------------------

/**
 * Puts an explorer in the place of the static figure. The fold stays, and with it whatever has the
 * class `lgx-keep`.
 * @param {HTMLElement} element
 * @param {Explorer} explorer
 */
export function mount(element, explorer) {
  const fields = typeof explorer.fields === "function" ? explorer.fields(element) : explorer.fields;
  const controls = typeof explorer.controls === "function" ? explorer.controls(fields) : explorer.controls;
  const defaults = Object.fromEntries(Object.entries(fields).map(([key, field]) => [key, field.value]));
  const lives = new AbortController();
  let state = { ...structuredClone(defaults), ...readAddress(explorer.name, fields) };
  let numbers = null;
  let frame = 0;
  let writing = 0;
  let saying = 0;

  const svg = shape("svg", { class: "lgx-svg", role: "group", "aria-label": explorer.title });
  const place = node("div", { class: "lgx-stage" }, svg);
  const sentence = node("p", { class: "lgx-says" });
  const live = node("p", { class: "lgx-live", role: "status" });
  const reset = node("button", { type: "button", class: "lgx-button" }, "Reset");
  const copy = node("button", { type: "button", class: "lgx-button" }, "Copy link");

  const face = {
    name: explorer.name,
    element,
    fields,
    defaults,
    /** Aborted when the reader leaves the page: timers and listeners outside end with it. */
    signal: lives.signal,
    state: () => structuredClone(state),
    numbers: () => (numbers ??= explorer.update(state)),
    set,
    /** Draws again in the next frame, for what changes without the state. */
    redraw,
    reset: () => set(defaults, true),
    python: () => explorer.python(state),
    prints: () => explorer.prints(state, face.numbers()),
    link: () => `${location.origin}${addressWith(explorer.name, written())}${element.id ? `#${element.id}` : ""}`,
    leave() {
      lives.abort();
      cancelAnimationFrame(frame);
      clearTimeout(writing);
      clearTimeout(saying);
      observer.disconnect();
    },
  };

  /** What differs from the defaults, or, for a link that lasts, everything. */
  function written(all = true) {
    const keys = Object.keys(fields).filter((key) => all || !same(state[key], defaults[key]));
    return keys.map((key) => `${key}:${encodeURIComponent(toText(state[key])).replace(/%2C/g, ",")}`).join(";");
  }

  function set(patch, eased = false) {
    const before = written();
    state = { ...state };
    for (const [key, value] of Object.entries(patch)) state[key] = fitting(fields[key], value);
    // Also where nothing changed: an input may show what the grid did not take.
    if (written() !== before) numbers = null;
    if (eased && !calm()) {
      element.classList.add("lgx-eased");
      setTimeout(() => element.classList.remove("lgx-eased"), 400);
    }
    redraw();
    clearTimeout(writing);
    writing = setTimeout(() => {
      history.replaceState(history.state, "", addressWith(explorer.name, written(false)) + location.hash);
    }, WRITE_AFTER);
    clearTimeout(saying);
    saying = setTimeout(() => {
      live.textContent = explorer.says(state, face.numbers());
    }, SAY_AFTER);
  }

  function redraw() {
    if (!frame) frame = requestAnimationFrame(draw);
  }

  function draw() {
    frame = 0;
    const found = face.numbers();
    const width = place.clientWidth;
    if (!width) return;
    syncControls(state);
    const height = redrawStage(state, found, width);
    if (height) {
      svg.setAttribute("width", width);
      svg.setAttribute("height", height);
      svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    } else svg.remove();
    sentence.textContent = explorer.says(state, found);
    const isDefault = !written(false);
    reset.disabled = isDefault;
    syncFold(explorer.python(state), explorer.prints(state, found), isDefault);
  }

  const [panel, syncControls] = makeControls(controls, face);
  const [fold, syncFold] = makeFold(element);
  const redrawStage = explorer.draw({ svg, place, ...face });

  reset.addEventListener("click", () => {
    face.reset();
    copy.focus(); // a disabled button loses the focus
  });
  copy.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(face.link());
      live.textContent = copy.textContent = "Link copied";
    } catch {
      live.textContent = copy.textContent = "The address bar has the link";
    }
    setTimeout(() => (copy.textContent = "Copy link"), 2000);
  });

  for (const child of [...element.children]) {
    if (child !== fold && !child.classList.contains("lgx-keep")) child.remove();
  }
  const foot = node("div", { class: "lgx-foot" }, sentence, node("div", {}, reset, copy));
  element.prepend(node("div", { class: "lgx" }, panel, place, foot, live));
  element.setAttribute("role", "group");
  element.setAttribute("aria-label", explorer.title);
  element.dataset.ready = "";
  element.explorer = face;
  const observer = new ResizeObserver(redraw);
  observer.observe(place);
  draw();
  return face;
}

const TOKENS =
  /(?<c1>#.*)|(?<s2>[fr]?"(?:[^"\\\n]|\\.)*")|(?<m>\b\d[\d_]*(?:\.\d*)?(?:e[-+]?\d+)?\b)|(?<n>[A-Za-z_]\w*)|(?<o>[-+*/%=<>@&|^~!]+)|(?<p>[()[\]{},:.;])/g;
const KEYWORDS = new Set(["for", "if", "else", "elif", "while", "return", "def", "lambda", "with", "as", "assert"]);
const IMPORTS = new Set(["import", "from"]);
const WORDS = new Set(["in", "is", "and", "or", "not"]);
const CONSTANTS = new Set(["True", "False", "None"]);
const BUILTINS = new Set(["print", "range", "len", "zip", "enumerate", "sum", "min", "max", "float", "int", "round", "abs", "bool", "list", "dict", "sorted"]);

function kind(name) {
  if (KEYWORDS.has(name)) return "k";
  if (IMPORTS.has(name)) return "kn";
  if (WORDS.has(name)) return "ow";
  if (CONSTANTS.has(name)) return "kc";
  return BUILTINS.has(name) ? "nb" : "n";
}

/**
 * Python in the colours of the build: the same classes as Pygments gives.
 *
 * @returns {DocumentFragment}
 */
export function highlight(code) {
  const result = document.createDocumentFragment();
  let at = 0;
  for (const match of code.matchAll(TOKENS)) {
    result.append(code.slice(at, match.index));
    const [group] = Object.entries(match.groups).find(([, text]) => text !== undefined);
    const token = document.createElement("span");
    token.className = group === "n" ? kind(match[0]) : group === "m" ? (/[.e]/.test(match[0]) ? "mf" : "mi") : group;
    token.textContent = match[0];
    result.append(token);
    at = match.index + match[0].length;
  }
  result.append(code.slice(at));
  return result;
}
