/** Gradient through depth: what each layer leaves of the signal and of the gradient. */

import { ACTIVATIONS } from "./activations.js";
import { MLP } from "./engine.js";
import { draw as drawWeights, INITIALIZERS } from "./initializers.js";
import { loadKernel } from "./kernel.js";
import { decades, float, paint, path, sayPower, scale as linear, shape, words } from "./kit.js";
import { Passes } from "./passes.js";
import { Generator } from "./random.js";
import { GRADIENT_BOUNDS, judge, SIGNAL_BOUNDS, table } from "./signals.js";

const EXAMPLES = 60;
const DEEPEST = 64;
const PANEL = 150;
const GAUGE = 12; // decades to each side of 1
const RANDOM = Object.keys(INITIALIZERS).filter((name) => !["zeros", "ones", "constant"].includes(name));

const kernel = await loadKernel();
const passes = kernel && new Passes(kernel);

const fields = {
  depth: { value: 10, min: 1, max: DEEPEST, step: 1 },
  width: { value: 32, stops: [4, 8, 16, 24, 32, 48, 64] },
  activation: { value: "sigmoid", options: Object.keys(ACTIVATIONS) },
  initializer: { value: "glorot_uniform", options: RANDOM },
  scale: { value: 1, stops: decades(0.2, 5) },
  seed: { value: 0, min: 0, max: 999, step: 1 },
};

let drawn = {};

/** Data and weights, drawn in the order of Python's `through_depth`; a deeper network only adds layers. */
function draws({ width, initializer, seed }, depth) {
  const key = `${width} ${initializer} ${seed}`;
  if (drawn.key !== key) {
    const rng = new Generator(seed);
    const x = rng.normals(EXAMPLES * width);
    const y = Float64Array.from({ length: EXAMPLES }, () => rng.integer(1));
    drawn = { key, x, y, layers: [], after: [rng] };
  }
  const { layers, after } = drawn;
  while (layers.length < depth) {
    const rng = after[layers.length].copy();
    layers.push(drawWeights(initializer, width, width, rng));
    after.push(rng);
  }
  const last = drawWeights(initializer, width, 1, after[depth].copy());
  return { x: drawn.x, y: drawn.y, weights: [...layers.slice(0, depth), last] };
}

function update(state) {
  const { depth, width, activation, scale } = state;
  const { x, y, weights } = draws(state, depth);
  const net = new MLP([width, ...Array(depth).fill(width), 1], { activation, initializer: "zeros" });
  net.weights = scale === 1 ? weights : weights.map((array) => array.map((value) => scale * value));
  if (passes) return judge(net, ...passes.run(net, x, y));
  const trace = net.forward(x);
  return judge(net, trace, net.backward(trace, y));
}

/** Whole decades around the values, at least two of them. */
function decadesAround(values) {
  const powers = values.filter((value) => value > 0 && value < Infinity).map(Math.log10);
  if (powers.length === 0) return [-1, 1];
  const low = Math.floor(Math.min(...powers) + 1e-9);
  return [low, Math.max(Math.ceil(Math.max(...powers) - 1e-9), low + 2)];
}

const SUPERSCRIPT = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };
const tenTo = (power) => (power === 0 ? "1" : `10${[...String(power)].map((c) => SUPERSCRIPT[c]).join("")}`);

/** One panel: a value a layer on a logarithmic axis, with a band where there are bounds. */
function panel({ title, values, colour, band }, left, top, width, depth) {
  const [low, high] = decadesAround(band ? [...values, ...band] : values);
  const from = left + 38;
  const x = linear([0.5, depth + 0.5], [from, left + width]);
  const log = linear([low, high], [top + PANEL, top]);
  const y = (value) => (value > 0 ? Math.min(Math.max(log(Math.log10(value)), top), top + PANEL) : top + PANEL);
  const every = Math.ceil((high - low) / 4);
  const ticks = [];
  for (let power = low; power <= high; power += every) ticks.push(power);
  const marks = depth <= 24;
  return [
    ["text", { class: "small strong", x: left, y: top - 12 }, title],
    band && ["rect", { class: "shade", x: from, y: y(band[1]), width: left + width - from, height: y(band[0]) - y(band[1]) }],
    ...ticks.map((power) => ["line", { class: "grid", x1: from, x2: left + width, y1: log(power), y2: log(power) }]),
    ...ticks.map((power) => ["text", { class: "quiet small end", x: from - 5, y: log(power) + 4 }, tenTo(power)]),
    ["path", { class: `line ${colour}`, d: path(values.map((value, l) => [x(l + 1), value > 0 ? y(value) : NaN])) }],
    ...values.map((value, l) =>
      value > 0 && value < Infinity
        ? marks && ["circle", { class: colour, cx: x(l + 1), cy: y(value), r: 3 }]
        : ["text", { class: "small middle strong", x: x(l + 1), y: value > 0 ? top + 8 : top + PANEL }, "×"],
    ),
    ...[...new Set([1, depth])].map((l) => ["text", { class: "quiet small middle", x: x(l), y: top + PANEL + 16 }, String(l)]),
    depth > 1 && ["text", { class: "quiet small middle", x: x((depth + 1) / 2), y: top + PANEL + 16 }, "hidden layer"],
  ];
}

/** A product on an axis of its own, beside its bounds. */
function gauge(title, product, [least, most], top, left, width) {
  const x = linear([-GAUGE, GAUGE], [left + 8, left + width - 8]);
  const at = (value) => x(value > 0 ? Math.min(Math.max(Math.log10(value), -GAUGE), GAUGE) : -GAUGE);
  const side = at(product) > left + width * 0.7 ? "end" : at(product) < left + width * 0.3 ? "" : "middle";
  const inside = (place) => Math.min(Math.max(place, left + 14), left + width - 14);
  return [
    ["text", { class: "small strong", x: left, y: top }, title],
    ["rect", { class: "shade", x: at(least), y: top + 26, width: at(most) - at(least), height: 16 }],
    ["line", { class: "axis", x1: left + 8, x2: left + width - 8, y1: top + 34, y2: top + 34 }],
    ...[-12, -6, 0, 6, 12].map((power) => ["text", { class: "quiet small middle", x: inside(x(power)), y: top + 58 }, tenTo(power)]),
    ["circle", { class: "other", cx: at(product), cy: top + 34, r: 7 }],
    ["text", { class: `number strong halo ${side}`, x: at(product), y: top + 20 }, sayPower(product)],
  ];
}

function draw({ svg }) {
  const art = svg.appendChild(shape("g"));
  return ({ depth }, { layers, gain, signalGain }, width) => {
    const hidden = layers.slice(0, -1);
    const roots = (bounds) => bounds.map((bound) => bound ** (1 / depth));
    const panels = [
      { title: "signal's gain", values: hidden.map((layer) => layer.signalGain), colour: "act", band: roots(SIGNAL_BOUNDS) },
      { title: "gradient's gain", values: hidden.map((layer) => layer.gain), colour: "other", band: roots(GRADIENT_BOUNDS) },
      { title: "norm of dL/dW", values: hidden.map((layer) => layer.gradientNorm), colour: "wt" },
    ];
    const gauges = [
      ["product of the signal's gains", signalGain, SIGNAL_BOUNDS],
      ["product of the gradient's gains", gain, GRADIENT_BOUNDS],
    ];
    const columns = width < 560 ? 1 : 3;
    const gap = 22;
    const each = (width - (columns - 1) * gap) / columns;
    const shapes = panels.flatMap((one, at) => {
      const column = at % columns;
      const row = Math.floor(at / columns);
      return panel(one, column * (each + gap), 24 + row * (PANEL + 56), each, depth);
    });
    const below = 24 + (panels.length / columns) * (PANEL + 56) + 4;
    const wide = columns > 1 ? (width - gap) / 2 : width;
    for (const [at, [title, product, bounds]] of gauges.entries()) {
      const [left, top] = columns > 1 ? [at * (wide + gap), below] : [0, below + at * 80];
      shapes.push(...gauge(title, product, bounds, top, left, wide));
    }
    paint(art, shapes);
    return below + (columns > 1 ? 66 : 146);
  };
}

function python({ depth, width, activation, initializer, scale, seed }) {
  const lines = scale === 1 ? [] : ["from livegrad import initializers"];
  lines.push("from livegrad.signals import through_depth", "");
  if (scale !== 1) {
    lines.push("", "def scaled(shape, rng):", `    return ${float(scale)} * initializers.${initializer}(shape, rng)`, "", "");
  }
  const first = scale === 1 ? `"${initializer}"` : "scaled";
  lines.push(`report = through_depth("${activation}", ${first}, depth=${depth}, width=${width}, n=${EXAMPLES}, rng=${seed})`);
  return `${[...lines, "print(report)"].join("\n")}\n`;
}

function says({ depth, activation }, { gain, signalGain, verdict, why }) {
  const layers = depth === 1 ? "one hidden layer" : `${depth} hidden layers`;
  const products = `the gradient's product is ${sayPower(gain)}, the signal's ${sayPower(signalGain)}`;
  return `${activation}, ${layers}: ${products}. Verdict: ${verdict}; ${why}.`;
}

export default {
  name: "depth",
  title: "Explorer: the gradient through depth",
  fields,
  controls: [
    { kind: "slider", key: "depth", label: "hidden layers", text: String },
    { kind: "slider", key: "scale", label: "weights times", text: String },
    { kind: "slider", key: "width", label: "units per layer", text: String },
    { kind: "chips", key: "activation", label: "activation", words: words(fields.activation.options) },
    { kind: "select", key: "initializer", label: "initializer", words: words(RANDOM) },
    { kind: "button", label: "Draw anew", act: ({ seed }) => ({ seed: (seed + 1) % 1000 }) },
  ],
  update,
  draw,
  says,
  python,
  prints: (state, report) => table(report),
};
