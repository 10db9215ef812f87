/** Weight distributions: the activations or gradients of each layer as histograms (Glorot and Bengio 2010). */

import { MLP } from "./engine.js";
import { draw as drawWeights, INITIALIZERS } from "./initializers.js";
import { decades, float, paint, sayPower, scale as linear, shape, words } from "./kit.js";
import { Generator } from "./random.js";
import { power } from "./signals.js";

const EXAMPLES = 100;
const WIDTH = 64;
const BINS = 60;
const ROW = 46;
const SHOWN = ["tanh", "sigmoid", "relu", "selu", "linear"];
const RANDOM = Object.keys(INITIALIZERS).filter((name) => !["zeros", "ones", "constant"].includes(name));

const fields = {
  initializer: { value: "fan_in_uniform", options: RANDOM },
  activation: { value: "tanh", options: SHOWN },
  scale: { value: 1, stops: decades(0.2, 5) },
  depth: { value: 5, min: 2, max: 10, step: 1 },
  show: { value: "a", options: ["a", "da"] },
  seed: { value: 0, min: 0, max: 999, step: 1 },
};

function moments(values) {
  let sum = 0;
  for (const value of values) sum += value;
  const mean = sum / values.length;
  let square = 0;
  for (const value of values) square += (value - mean) ** 2;
  return { mean, deviation: Math.sqrt(square / values.length) };
}

function update({ initializer, activation, scale, depth, show, seed }) {
  const rng = new Generator(seed);
  const x = rng.normals(EXAMPLES * WIDTH);
  const y = Float64Array.from({ length: EXAMPLES }, () => rng.integer(1));
  const widths = [...Array(depth + 1).fill(WIDTH), 1];
  const net = new MLP(widths, { activation, initializer: "zeros" });
  net.weights = widths.slice(1).map((units, l) => {
    return drawWeights(initializer, widths[l], units, rng).map((value) => scale * value);
  });
  const trace = net.forward(x);
  const arrays = show === "a" ? trace.a : net.backward(trace, y).a;
  const limit = arrays.reduce((most, array) => array.reduce((top, value) => Math.max(top, Math.abs(value)), most), 0);
  const layers = arrays.map((array) => {
    const counts = new Array(BINS).fill(0);
    for (const value of array) {
      counts[Math.min(BINS - 1, Math.floor(((value + limit) / (2 * limit)) * BINS))] += 1;
    }
    return { ...moments(array), counts };
  });
  return { layers, limit };
}

function histogram(counts, x, base, limit) {
  const top = Math.max(...counts);
  const step = (2 * limit) / BINS;
  let d = `M${x(-limit).toFixed(1)} ${base}`;
  counts.forEach((count, bin) => {
    const y = (base - ((ROW - 8) * count) / top).toFixed(1);
    d += `V${y}H${x(-limit + (bin + 1) * step).toFixed(1)}`;
  });
  return `${d}V${base}Z`;
}

function draw({ svg }) {
  const art = svg.appendChild(shape("g"));
  return ({ show }, { layers, limit }, width) => {
    const size = limit || 1;
    const x = linear([-size, size], [58, width - 84]);
    const top = 26;
    const foot = top + layers.length * ROW;
    const colour = show === "a" ? "act" : "wt";
    paint(art, [
      ["text", { class: "quiet small", x: 58, y: 12 }, show === "a" ? "activations a" : "gradients dL/da"],
      ["text", { class: "quiet small end", x: width, y: 12 }, "deviation"],
      ["line", { class: "guide", x1: x(0), x2: x(0), y1: top, y2: foot }],
      ...layers.flatMap(({ counts, deviation }, at) => {
        const base = top + (at + 1) * ROW;
        return [
          ["path", { class: `fill ${colour}`, d: histogram(counts, x, base, size) }],
          ["line", { class: "axis", x1: x(-size), x2: x(size), y1: base, y2: base }],
          ["text", { class: "small", x: 0, y: base - 4 }, `layer ${at + 1}`],
          ["text", { class: "small number strong end", x: width, y: base - 4 }, sayPower(deviation)],
        ];
      }),
      ...[-size, 0, size].map((tick) => [
        "text",
        { class: "quiet small number middle", x: x(tick), y: foot + 17 },
        tick === 0 ? "0" : sayPower(tick),
      ]),
    ]);
    return foot + 24;
  };
}

function python({ initializer, activation, scale, depth, show, seed }) {
  const scaled = scale !== 1;
  const start = [
    "import numpy as np",
    "",
    `from livegrad import MLP${scaled ? ", initializers" : ""}`,
    "",
    ...(scaled
      ? ["", "def scaled(shape, rng):", `    return ${float(scale)} * initializers.${initializer}(shape, rng)`, "", ""]
      : []),
    `rng = np.random.default_rng(${seed})`,
    `x = rng.standard_normal((${EXAMPLES}, ${WIDTH}))  # (examples, features)`,
    `y = rng.integers(0, 2, ${EXAMPLES})  # (${EXAMPLES},)`,
    `net = MLP([${WIDTH}] + ${depth} * [${WIDTH}] + [1], "${activation}", ${scaled ? "scaled" : `"${initializer}"`}, rng=rng)`,
    "trace = net.forward(x)",
  ];
  const which = show === "a" ? "trace.a" : "net.backward(trace, y).a";
  return `${[
    ...start,
    `for layer, values in enumerate(${which}, start=1):  # each (${EXAMPLES}, ${WIDTH})`,
    '    print(f"layer {layer}: mean {values.mean():.2e}, standard deviation {values.std():.2e}")',
  ].join("\n")}\n`;
}

function prints(state, { layers }) {
  return layers
    .map(({ mean, deviation }, at) => `layer ${at + 1}: mean ${power(mean, 2)}, standard deviation ${power(deviation, 2)}\n`)
    .join("");
}

function says({ initializer, show, depth }, { layers }) {
  const ends = [layers[0], layers.at(-1)].map(({ deviation }) => deviation);
  const what = show === "a" ? "activations" : "gradients";
  // Activations are read forwards, gradients backwards, in the direction in which they are computed.
  const [from, to] = show === "a" ? ends : ends.reverse();
  const names = show === "a" ? `from layer 1 to layer ${depth}` : `from layer ${depth} back to layer 1`;
  return `${initializer}: ${names} the ${what}' standard deviation goes from ${sayPower(from)} to ${sayPower(to)}, a factor of ${sayPower(from ? to / from : 0)}.`;
}

export default {
  name: "weights",
  title: "Explorer: activations layer by layer for each initializer",
  fields,
  controls: [
    { kind: "select", key: "initializer", label: "initializer", words: words(RANDOM) },
    { kind: "chips", key: "show", label: "show", words: { a: "activations", da: "gradients" } },
    { kind: "slider", key: "scale", label: "weights times", text: String },
    { kind: "slider", key: "depth", label: "hidden layers", text: String },
    { kind: "chips", key: "activation", label: "activation", words: words(SHOWN) },
    { kind: "button", label: "Draw anew", act: ({ seed }) => ({ seed: (seed + 1) % 1000 }) },
  ],
  update,
  draw,
  says,
  python,
  prints,
};
