/** Gradient through depth: what each layer leaves of the signal and of the gradient. */

import { ACTIVATIONS } from "./activations.js";
import { throughBlocks } from "./blocks.js";
import { INITIALIZERS } from "./initializers.js";
import { loadKernel } from "./kernel.js";
import { decades, float, paint, path, sayPower, scale as linear, shape, tenTo, words } from "./kit.js";
import { norm, ratio, spread } from "./matrix.js";
import { Passes } from "./passes.js";
import { GRADIENT_BOUNDS, judge, power, short, SIGNAL_BOUNDS, table } from "./signals.js";
import { draws, drawsData, EXAMPLES, layersOf, throughDepth } from "./through.js";

const DEEPEST = 64;
const PANEL = 150;
const GAUGE = 12; // decades to each side of 1
const RANDOM = Object.keys(INITIALIZERS).filter((name) => !["zeros", "ones", "constant"].includes(name));
const NORMS = { none: "none", batch: "batch", layer: "layer", rms: "RMS" };
const BLOCKS = { batch: "BatchNorm", layer: "LayerNorm", rms: "RMSNorm" };
const SHORTCUTS = { none: "none", identity: "identity", scaled: "learnt scale" };

const kernel = await loadKernel();
const passes = kernel && new Passes(kernel);

const fields = {
  depth: { value: 10, min: 1, max: DEEPEST, step: 1 },
  width: { value: 32, stops: [4, 8, 16, 24, 32, 48, 64] },
  activation: { value: "sigmoid", options: Object.keys(ACTIVATIONS) },
  initializer: { value: "glorot_uniform", options: RANDOM },
  norm: { value: "none", options: Object.keys(NORMS) },
  shortcut: { value: "none", options: Object.keys(SHORTCUTS) },
  start: { value: 0, stops: [0, 0.1, 0.2, 0.3, 0.5, 0.7, 1] },
  scale: { value: 1, stops: decades(0.2, 5) },
  seed: { value: 0, min: 0, max: 999, step: 1 },
};

const plain = ({ norm: kind, shortcut }) => kind === "none" && shortcut === "none";

const ratios = (above, below) => above.map((one, at) => ratio(one, below[at]));

function update(state) {
  if (plain(state)) return judge(...throughDepth(state, passes));
  const { activation, norm: normalization, shortcut, start, width } = state;
  const { x, y, weights } = draws(state);
  const branch = shortcut === "none" ? {} : { keep: 1, scale: shortcut === "scaled" ? start : 1 };
  const found = throughBlocks({ weights, activation, normalization, ...branch }, x, y);
  const spreads = found.h.map((signal) => spread(signal, width));
  const sizes = found.deltas.map(norm);
  const signal = ratios(spreads.slice(1), spreads);
  const gradient = ratios(sizes.slice(0, -1), sizes.slice(1));
  return {
    layers: signal.map((signalGain, l) => ({ signalGain, gain: gradient[l], gradientNorm: norm(found.weights[l]) })),
    signalGain: spreads.at(-1) / spreads[0],
    gain: sizes[0] / sizes.at(-1),
  };
}

/** Whole decades around the values, at least two of them. */
function decadesAround(values) {
  const powers = values.filter((value) => value > 0 && value < Infinity).map(Math.log10);
  if (powers.length === 0) return [-1, 1];
  const low = Math.floor(Math.min(...powers) + 1e-9);
  const high = Math.max(Math.ceil(Math.max(...powers) - 1e-9), low + 1);
  if (high > low + 1) return [low, high];
  // The one decade that holds all gets another on the side that they are on.
  return powers[0] < low + 0.5 ? [low - 1, high] : [low, high + 1];
}

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

/** A product on an axis of its own, beside its bounds where there are any. */
function gauge(title, product, bounds, top, left, width) {
  const x = linear([-GAUGE, GAUGE], [left + 8, left + width - 8]);
  const at = (value) => x(value > 0 ? Math.min(Math.max(Math.log10(value), -GAUGE), GAUGE) : -GAUGE);
  const side = at(product) > left + width * 0.7 ? "end" : at(product) < left + width * 0.3 ? "" : "middle";
  const inside = (place) => Math.min(Math.max(place, left + 14), left + width - 14);
  return [
    ["text", { class: "small strong", x: left, y: top }, title],
    bounds && ["rect", { class: "shade", x: at(bounds[0]), y: top + 26, width: at(bounds[1]) - at(bounds[0]), height: 16 }],
    ["line", { class: "axis", x1: left + 8, x2: left + width - 8, y1: top + 34, y2: top + 34 }],
    ...[-12, -6, 0, 6, 12].map((power) => ["text", { class: "quiet small middle", x: inside(x(power)), y: top + 58 }, tenTo(power)]),
    ["circle", { class: "other", cx: at(product), cy: top + 34, r: 7 }],
    ["text", { class: `number strong halo ${side}`, x: at(product), y: top + 20 }, sayPower(product)],
  ];
}

function draw({ svg }) {
  const art = svg.appendChild(shape("g"));
  return (state, { layers, gain, signalGain }, width) => {
    const { depth } = state;
    const hidden = layers.slice(0, depth);
    // The bounds were measured on plain networks.
    const [ofSignal, ofGradient] = plain(state) ? [SIGNAL_BOUNDS, GRADIENT_BOUNDS] : [];
    const roots = (bounds) => bounds?.map((bound) => bound ** (1 / depth));
    const panels = [
      { title: "signal's gain", values: hidden.map((layer) => layer.signalGain), colour: "act", band: roots(ofSignal) },
      { title: "gradient's gain", values: hidden.map((layer) => layer.gain), colour: "other", band: roots(ofGradient) },
      { title: "norm of dL/dW", values: hidden.map((layer) => layer.gradientNorm), colour: "wt" },
    ];
    const gauges = [
      ["product of the signal's gains", signalGain, ofSignal],
      ["product of the gradient's gains", gain, ofGradient],
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

function python(state) {
  const { depth, width, activation, initializer, scale, seed } = state;
  const scaled = ["", "def scaled(shape, rng):", `    return ${float(scale)} * initializers.${initializer}(shape, rng)`, "", ""];
  const first = scale === 1 ? `"${initializer}"` : "scaled";
  const lines = scale === 1 ? [] : ["from livegrad import initializers"];
  if (!plain(state)) lines.unshift("import numpy as np", "");
  lines.push(plain(state) ? "from livegrad.signals import through_depth" : `from livegrad.blocks import ${blocks(state)}`, "");
  if (scale !== 1) lines.push(...scaled);
  if (plain(state)) {
    const call = `"${activation}", ${first}, depth=${depth}, width=${width}, n=${EXAMPLES}, rng=${seed}`;
    return `${[...lines, `report = through_depth(${call})`, "print(report)"].join("\n")}\n`;
  }
  return `${[...lines, ...ofBlocks(state, first)].join("\n")}\n`;
}

/** What the code with blocks imports. */
function blocks({ norm: kind, shortcut }) {
  const used = ["Activate", "Dense", "Network", shortcut === "none" ? "Sequential" : "Residual"];
  if (kind !== "none") used.push(BLOCKS[kind]);
  return used.sort().join(", ");
}

function ofBlocks({ depth, width, activation, norm: kind, shortcut, start, seed }, initializer) {
  const parts = ["dense[-1]", ...(kind === "none" ? [] : [`${BLOCKS[kind]}(${width})`]), `Activate("${activation}")`];
  if (shortcut === "scaled") parts.push(`scale=${float(start)}`);
  return [
    ...drawsData(width, seed),
    "dense, layers = [], []",
    `for _ in range(${depth}):`,
    `    dense.append(Dense(${width}, ${width}, ${initializer}, rng))`,
    `    layers.append(${shortcut === "none" ? "Sequential" : "Residual"}(${parts.join(", ")}))`,
    `net = Network(*layers, Dense(${width}, 1, ${initializer}, rng))`,
    "net.loss_and_gradients(x, y)",
    "spread = np.array([np.sqrt(h.var(axis=0).mean()) for h in net.values[:-1]])",
    "size = np.array([np.linalg.norm(delta) for delta in net.deltas[:-1]])",
    `signal = np.divide(spread[1:], spread[:-1], out=np.zeros(${depth}), where=spread[:-1] > 0)`,
    `gradient = np.divide(size[:-1], size[1:], out=np.zeros(${depth}), where=size[1:] > 0)`,
    'print("            signal  gradient   |dL/dW|")',
    "for l, layer in enumerate(dense):",
    "    norm = np.linalg.norm(layer.gradients[0])",
    '    print(f"layer {l + 1:2}  {signal[l]:8.3g}  {gradient[l]:8.3g}  {norm:8.1e}")',
    'print(f"product   {spread[-1] / spread[0]:8.3g}  {size[0] / size[-1]:8.3g}")',
  ];
}

function prints(state, numbers) {
  if (plain(state)) return table(numbers);
  const { layers, signalGain, gain } = numbers;
  const cell = (value) => `  ${short(value).padStart(8)}`;
  const rows = layers.map((one, l) => {
    const norm = power(one.gradientNorm, 1).padStart(8);
    return `layer ${String(l + 1).padStart(2)}${cell(one.signalGain)}${cell(one.gain)}  ${norm}`;
  });
  return ["            signal  gradient   |dL/dW|", ...rows, `product ${cell(signalGain)}${cell(gain)}`, ""].join("\n");
}

function says(state, { gain, signalGain, verdict, why }) {
  const { depth, activation, norm: kind, shortcut, start } = state;
  const layers = layersOf(depth);
  const products = `the gradient's product is ${sayPower(gain)}, the signal's ${sayPower(signalGain)}`;
  if (plain(state)) return `${activation}, ${layers}: ${products}. Verdict: ${verdict}; ${why}.`;
  const parts = [activation, layers];
  if (kind !== "none") parts.push(`${NORMS[kind]} normalisation`);
  if (shortcut !== "none") parts.push(shortcut === "identity" ? "shortcuts" : `shortcuts, branches times ${start}`);
  const still = " At the scale 0 a block is the identity, and its weights get no gradient until the scale has moved.";
  return `${parts.join(", ")}: ${products}. Here the gradient is dL/dh, between the blocks; the bounds were measured on plain networks and are not drawn.${shortcut === "scaled" && start === 0 ? still : ""}`;
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
    { kind: "chips", key: "norm", label: "normalisation", words: NORMS },
    { kind: "chips", key: "shortcut", label: "shortcut", words: SHORTCUTS },
    { kind: "slider", key: "start", label: "scale of the branch", text: String, shown: ({ shortcut }) => shortcut === "scaled" },
    { kind: "select", key: "initializer", label: "initializer", words: words(RANDOM) },
    { kind: "button", label: "Draw anew", act: ({ seed }) => ({ seed: (seed + 1) % 1000 }) },
  ],
  update,
  draw,
  says,
  python,
  prints,
};
