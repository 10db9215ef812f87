/** Activation lab: any activation with its slope, laid over another; drag the input. */

import { ACTIVATIONS, logSoftmax, softmax } from "./activations.js";
import { apart, decades, fixed, float, knob, paint, path, say, sayPower, scale, scientific, shape } from "./kit.js";

const LIMIT = 5;
const GRID = Array.from({ length: 401 }, (_, i) => -LIMIT + (2 * LIMIT * i) / 400);
// The package counts an activation as saturated where its slope is below this share of the largest.
const A_TWENTIETH = 0.05;

/** Softmax has no slope of its own: its first output, as a function of the first of three logits. */
const SLICES = {
  softmax: {
    value: (z, T) => softmax([z, 0, 0], T)[0],
    derivative: (z, T) => {
      const p = softmax([z, 0, 0], T)[0];
      return (p * (1 - p)) / T;
    },
    parameter: "temperature",
    saturates: "both",
    maxSlope: 0.25,
  },
  log_softmax: {
    value: (z) => logSoftmax([z, 0, 0])[0],
    derivative: (z) => 1 - softmax([z, 0, 0])[0],
    saturates: "no",
  },
};
const ALL = { ...ACTIVATIONS, ...SLICES };
const NAMES = Object.keys(ALL);
const KEYS = { negative_slope: "slope", alpha: "alpha", temperature: "T" };

const fields = {
  f: { value: "sigmoid", options: NAMES },
  g: { value: "relu", options: ["none", ...NAMES] },
  z: { value: 2, min: -LIMIT, max: LIMIT, step: 0.1 },
  slope: { value: 0.01, stops: [0, ...decades(0.001, 1, [1, 2, 3, 5])] },
  alpha: { value: 1, min: 0, max: 2, step: 0.1 },
  T: { value: 1, stops: decades(0.2, 5) },
};

/** The activation of that name as functions of z alone, with the parameters of the state. */
function chosen(name, state) {
  const { value, derivative, parameter, saturates, maxSlope } = ALL[name];
  const given = parameter && KEYS[parameter] ? [state[KEYS[parameter]]] : [];
  const slope = (z) => derivative(z, ...given);
  return {
    value: (z) => value(z, ...given),
    slope,
    saturated: (z) => saturates !== "no" && Math.abs(slope(z)) < A_TWENTIETH * maxSlope,
  };
}

function at(name, state) {
  const { value, slope, saturated } = chosen(name, state);
  const z = state.z;
  return { value: value(z), slope: slope(z), ten: slope(z) ** 10, saturated: saturated(z) };
}

function hasOther({ f, g }) {
  return g !== "none" && g !== f;
}

function update(state) {
  return { ...at(state.f, state), other: hasOther(state) ? at(state.g, state) : null };
}

/** The stretches of the grid where a condition holds, as [from, to]. */
function stretches(holds) {
  const found = [];
  GRID.forEach((z, i) => {
    if (!holds(z)) return;
    if (found.length && found.at(-1)[2] === i - 1) found[found.length - 1] = [found.at(-1)[0], z, i];
    else found.push([z, z, i]);
  });
  return found.map(([from, to]) => [from, to]);
}

function draw({ svg, set, state: read }) {
  const art = svg.appendChild(shape("g"));
  const surface = svg.appendChild(shape("g"));
  const panes = [0, 1].map(() => surface.appendChild(shape("rect", { fill: "transparent" })));
  let plots = [];

  const place = knob(surface, {
    label: "input z",
    field: fields.z,
    read: () => read().z,
    write: (z) => set({ z }),
    at: (event) => {
      const box = svg.getBoundingClientRect();
      const [x, y] = [event.clientX - box.left, event.clientY - box.top];
      const second = plots[1];
      return (x >= second.left - 20 && y >= second.top - 30 ? second : plots[0]).x.back(x);
    },
    text: (z) => {
      const { value, slope } = update(read());
      return `${say(z, 1)}, value ${say(value, 3)}, slope ${say(slope, 3)}`;
    },
  });

  return (state, numbers, width) => {
    const [f, g] = [chosen(state.f, state), hasOther(state) ? chosen(state.g, state) : null];
    const wide = width >= 560;
    const heights = wide ? [230, 230] : [180, 140];
    const across = wide ? (width - 40) / 2 : width;
    const curves = [f, ...(g ? [g] : [])];
    const values = curves.flatMap(({ value }) => GRID.map(value));
    const slopes = curves.flatMap(({ slope }) => GRID.map(slope));
    plots = [
      plot(0, 34, across, heights[0], [
        Math.max(-5.9, Math.min(-1.2, ...values)),
        Math.min(3.4, Math.max(1.3, ...values)),
      ]),
      plot(wide ? across + 40 : 0, wide ? 34 : heights[0] + 106, across, heights[1], [
        Math.min(-0.1, 1.08 * Math.min(...slopes)),
        Math.max(1.12, 1.08 * Math.max(...slopes)),
      ]),
    ];
    const shaded = stretches(f.saturated);
    const shapes = [
      ...background(plots[0], shaded, [-4, -2, 0, 2, 4], "value φ(z)"),
      ...background(plots[1], shaded, [0, 0.25, 0.5, 1, 1.5], "slope φ′(z), the factor of the product"),
    ];
    for (const [of, kind] of [[g, "other dashed"], [f, "act"]]) {
      if (of) shapes.push(curve(plots[0], of.value, kind), curve(plots[1], of.slope, kind));
    }
    shapes.push(...names(plots[0], state, Boolean(g), shaded.length > 0));
    shapes.push(...readings(plots[0], state.z, [f.value, g?.value]));
    shapes.push(...readings(plots[1], state.z, [f.slope, g?.slope]));
    for (const { x, bottom } of plots) {
      shapes.push(["circle", { class: "act", cx: x(state.z), cy: bottom, r: 5 }]);
    }
    shapes.push([
      "text",
      { class: "number strong middle halo", x: clamp(plots[0].x(state.z), 30, width - 30), y: plots[0].bottom + 32 },
      `z = ${say(state.z, 1)}`,
    ]);
    paint(art, shapes);
    panes.forEach((pane, i) => {
      const { left, right, top, bottom } = plots[i];
      pane.setAttribute("x", left);
      pane.setAttribute("y", top - 10);
      pane.setAttribute("width", right - left);
      pane.setAttribute("height", bottom - top + 50);
    });
    place(plots[0].x(state.z), plots[0].bottom);
    return plots[1].bottom + 40;
  };
}

function clamp(x, low, high) {
  return Math.min(high, Math.max(low, x));
}

function plot(start, top, width, height, range) {
  const [left, right, bottom] = [start + 34, start + width - 6, top + height];
  const x = scale([-LIMIT, LIMIT], [left, right]);
  const y = scale(range, [bottom, top]);
  const inside = (value) => clamp(value, range[0], range[1]);
  return { left, right, top, bottom, x, y: (value) => y(inside(value)), range, raw: y };
}

function background({ left, right, top, bottom, x, raw, range }, shaded, ticks, title) {
  const within = ticks.filter((tick) => tick >= range[0] && tick <= range[1]);
  return [
    ["text", { class: "quiet small", x: left - 34, y: top - 18 }, title],
    ...shaded.map(([from, to]) => [
      "rect",
      { class: "shade", x: x(from), y: top, width: Math.max(0, x(to) - x(from)), height: bottom - top },
    ]),
    ...within.map((tick) => ["line", { class: tick === 0 ? "axis" : "grid", x1: left, x2: right, y1: raw(tick), y2: raw(tick) }]),
    ...within.map((tick) => ["text", { class: "quiet small number end", x: left - 6, y: raw(tick) + 4 }, say(tick, tick % 1 ? (tick === 0.25 ? 2 : 1) : 0)]),
    ["line", { class: "axis", x1: left, x2: right, y1: bottom, y2: bottom }],
    ...[-4, -2, 0, 2, 4].map((tick) => ["text", { class: "quiet small number middle", x: x(tick), y: bottom + 17 }, say(tick, 0)]),
  ];
}

/** A curve, interrupted where it jumps and where it leaves the plot. */
function curve({ x, raw, range }, of, kind) {
  const margin = 0.02 * (range[1] - range[0]);
  let last = NaN;
  const points = GRID.map((z) => {
    const value = of(z);
    const jumps = Math.abs(value - last) > 0.25;
    last = value;
    const out = value < range[0] - margin || value > range[1] + margin;
    return jumps || out ? [NaN, NaN] : [x(z), raw(value)];
  });
  return ["path", { class: `line ${kind}`, d: path(points) }];
}

function names({ left, top }, { f, g }, both, shaded) {
  const line = (y, kind, name) => [
    ["line", { class: `line ${kind}`, x1: left + 8, x2: left + 34, y1: y - 4, y2: y - 4 }],
    ["text", { class: `halo strong ${kind.split(" ")[0]}`, x: left + 42, y }, name],
  ];
  const y = top + (both ? 52 : 34);
  const shade = [
    ["rect", { class: "shade", x: left + 8, y: y - 11, width: 26, height: 13 }],
    ["text", { class: "halo small quiet", x: left + 42, y }, f === "relu" ? "slope 0" : `${f} saturated`],
  ];
  return [...line(top + 16, "act", f), ...(both ? line(top + 34, "other dashed", g) : []), ...(shaded ? shade : [])];
}

/** The vertical through the input, and what both curves are there, said where no curve runs. */
function readings({ x, y, top, bottom, right }, z, functions) {
  const at = x(z);
  const toLeft = at > right - 60;
  const curves = functions.filter(Boolean);
  const found = curves.map((of) => of(z));
  const wanted = curves.map((of, i) => {
    const above = of(z + 0.3) > of(z - 0.3) === toLeft;
    return clamp(y(found[i]) + (above ? -9 : 19), top + 10, bottom - 6);
  });
  // The larger value's text stands above the other's, whatever side of its curve it took.
  const inOrder = apart([...wanted].sort((a, b) => a - b), 17);
  const heights = found[0] < found[1] ? inOrder.reverse() : inOrder;
  const kinds = ["act strong", "other"];
  return [
    ["line", { class: "guide", x1: at, x2: at, y1: top, y2: bottom }],
    ...found.map((value, i) => ["circle", { class: i ? "hollow other" : "act", cx: at, cy: y(value), r: i ? 4.5 : 6 }]).reverse(),
    ...found.map((value, i) => [
      "text",
      { class: `number halo ${kinds[i]}${toLeft ? " end" : ""}`, x: at + (toLeft ? -11 : 11), y: heights[i] },
      say(value, 3),
    ]),
  ];
}

function call(name, state) {
  const { parameter } = ALL[name];
  const key = KEYS[parameter];
  const given = key && (state[key] !== fields[key].value || name === "softmax") ? `, ${parameter}=${float(state[key])}` : "";
  return name in SLICES
    ? [`${name}([z, 0, 0]${given})[0]`, `${name}.jacobian([z, 0, 0]${given})[0, 0]`]
    : [`${name}(z${given})`, `${name}.derivative(z${given})`];
}

function python(state) {
  const used = hasOther(state) ? [state.f, state.g] : [state.f];
  const lines = [`from livegrad.activations import ${[...used].sort().join(", ")}`, "", `z = ${float(state.z)}`];
  for (const name of used) {
    const [value, slope] = call(name, state);
    lines.push(`value = ${value}`, `slope = ${slope}`);
    lines.push(`print(f"${name}: value {value:.3f}, slope {slope:.3f}, ten such slopes {slope**10:.1e}")`);
  }
  return `${lines.join("\n")}\n`;
}

function prints(state, numbers) {
  const line = (name, { value, slope, ten }) =>
    `${name}: value ${fixed(value, 3)}, slope ${fixed(slope, 3)}, ten such slopes ${scientific(ten, 1)}\n`;
  return line(state.f, numbers) + (numbers.other ? line(state.g, numbers.other) : "");
}

function says(state, { slope, ten, saturated, other }) {
  const where = `At z = ${say(state.z, 1)}`;
  const mine = `${where} the slope of ${state.f} is ${say(slope, 3)}${saturated && state.f !== "relu" ? " (saturated)" : ""}; ten such factors in a row make ${sayPower(ten)}.`;
  return other ? `${mine} With ${state.g} it is ${say(other.slope, 3)}, and ten make ${sayPower(other.ten)}.` : mine;
}

const uses = (name) => (state) => state.f === name || state.g === name;
const WORDS = Object.fromEntries(NAMES.map((name) => [name, name]));

export default {
  name: "activation",
  title: "Explorer: activations and their slopes",
  fields,
  controls: [
    { kind: "chips", key: "f", label: "activation", words: WORDS },
    { kind: "select", key: "g", label: "laid over", words: { none: "nothing", ...WORDS } },
    { kind: "slider", key: "slope", label: "negative slope of leaky_relu", text: String, shown: uses("leaky_relu") },
    { kind: "slider", key: "alpha", label: "alpha of elu", text: (alpha) => say(alpha, 1), shown: uses("elu") },
    { kind: "slider", key: "T", label: "temperature of softmax", text: String, shown: uses("softmax") },
  ],
  update,
  draw,
  python,
  prints,
  says,
};
