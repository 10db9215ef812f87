/** The product, layer by layer: what weights and activation make of the signal and of the gradient. */

import { pairing } from "./engine.js";
import { decades, fixed, float, knob, paint, path, sayPower, scale as linear, scientific, shape, tenTo, words } from "./kit.js";
import { norm, ratio, spread } from "./matrix.js";
import { drawsData, layersOf, throughDepth } from "./through.js";

const WIDTH = 32;
const DEEPEST = 16;
const REACH = 12; // decades to each side of 1
const PANEL = 148;
const LABEL = 128; // the room of the knob's words
const TITLE = 26;

const fields = {
  depth: { value: 10, min: 1, max: DEEPEST, step: 1 },
  // With Glorot's own scale the weights' factor is near 1, and the other alone would be seen.
  scale: { value: 2, stops: decades(0.2, 5) },
  activation: { value: "sigmoid", options: ["sigmoid", "tanh", "relu", "gelu"] },
};

/** The products, and each layer's factors of both: that of its weights and that of its activation. */
function update(state) {
  const rest = { width: WIDTH, initializer: pairing(state.activation), seed: 0 };
  const [net, trace, back] = throughDepth({ ...state, ...rest });
  const signal = trace.a.map((a, l) => {
    const [before, between, after] = [l ? trace.a[l - 1] : trace.x, trace.z[l], a].map((one) => spread(one, WIDTH));
    return [ratio(between, before), ratio(after, between)];
  });
  const gradient = back.a.map((a, l) => {
    const [before, between, after] = [back.z[l + 1], a, back.z[l]].map(norm);
    return [ratio(between, before), ratio(after, between)];
  });
  const { depth } = net;
  const gain = ratio(norm(back.z[0]), norm(back.z[depth]));
  return { gain, signalGain: spread(trace.a[depth - 1], WIDTH) / spread(trace.x, WIDTH), signal, gradient };
}

/**
 * What weights and activation made so far, each a bar from 1 on, or one on the other where both go one
 * way; and the product, a line. Layers come in the order of `way`, from where the line starts.
 */
function panel({ title, of, product, factors, way, start }, top, x) {
  const log = linear([-REACH, REACH], [top + TITLE + PANEL, top + TITLE]);
  const y = (size) => log(Math.min(Math.max(size, -REACH), REACH));
  const [left, right] = [x(0.5), x(DEEPEST + 0.5)];
  const width = (x(2) - x(1)) * 0.8;
  const bar = (colour, l, from, to) => {
    const [upper, lower] = [y(from), y(to)].sort((a, b) => a - b);
    return ["rect", { class: colour, x: x(l + 1) - width / 2, y: upper, width, height: lower - upper }];
  };
  const bars = [];
  const line = [[start, y(0)]];
  let [weights, activation] = [0, 0];
  for (const l of way) {
    weights += Math.log10(factors[l][0]);
    activation += Math.log10(factors[l][1]);
    const from = weights * activation > 0 ? weights : 0;
    bars.push(bar("wt", l, 0, weights), bar("act", l, from, from + activation));
    line.push([x(l + 1), y(weights + activation)]);
  }
  const ticks = [-REACH, -REACH / 2, 0, REACH / 2, REACH];
  return [
    ["text", { class: "small strong", x: left, y: top + 12 }, ...[[title, ""], ...of].map(([name, colour]) => ["tspan", { class: colour }, name])],
    ["text", { class: "lgx-product number strong end halo", x: right, y: top + 15 }, sayPower(product)],
    ...ticks.map((tick) => ["line", { class: tick ? "grid" : "axis", x1: left, x2: right, y1: log(tick), y2: log(tick) }]),
    ...ticks.map((tick) => ["text", { class: "quiet small end", x: left - 6, y: log(tick) + 4 }, tenTo(tick)]),
    ...bars,
    ["path", { class: "lgx-cut", d: path(line) }],
    ["path", { class: "line ink", d: path(line) }],
    ["circle", { class: "lgx-shown", cx: line.at(-1)[0], cy: line.at(-1)[1], r: 5 }],
  ];
}

function draw({ svg, set, state: read }) {
  const art = svg.appendChild(shape("g"));
  const surface = svg.appendChild(shape("g"));
  const pane = surface.appendChild(shape("rect", { fill: "transparent", x: 0, y: 0 }));
  let x = null;
  const place = knob(surface, {
    label: "hidden layers",
    field: fields.depth,
    read: () => read().depth,
    write: (depth) => set({ depth }),
    at: (event) => x.back(event.clientX - svg.getBoundingClientRect().left) - 1,
    text: (depth) => `${depth}, gradient ${sayPower(update(read()).gain)}`,
  });

  return ({ depth }, { gain, signalGain, signal, gradient }, width) => {
    x = linear([0.5, DEEPEST + 1.5], [36, width - 10]);
    const layers = [...Array(depth).keys()];
    const middle = TITLE + PANEL + 24;
    const below = middle + 20;
    const height = below + TITLE + PANEL + 8;
    const [from, end] = [x(0.5), x(depth + 1)];
    const after = end + LABEL < width;
    const [w, of] = width < 560 ? ["W", ["φ", "φ′"]] : ["weights W", ["activation φ", "slope φ′"]];
    const names = (k) => [[w, "wt"], [" × ", ""], [of[k], "act"]];
    paint(art, [
      ...panel({ title: "signal, forward: ", of: names(0), product: signalGain, factors: signal, way: layers, start: from }, 0, x),
      ["line", { class: "axis", x1: from + 38, x2: after ? end : end - LABEL, y1: middle, y2: middle }],
      ["line", { class: "axis", x1: after ? end + LABEL : end, x2: width, y1: middle, y2: middle }],
      ["line", { class: "guide", x1: end, x2: end, y1: TITLE, y2: height - 8 }],
      ["text", { class: "quiet small", x: from, y: middle + 4 }, "input"],
      ["text", { class: `small strong ${after ? "" : "end"}`, x: after ? end + 16 : end - 16, y: middle + 4 }, layersOf(depth)],
      ...panel({ title: "gradient, back: ", of: names(1), product: gain, factors: gradient, way: layers.toReversed(), start: end }, below, x),
    ]);
    pane.setAttribute("width", width);
    pane.setAttribute("height", height);
    place(end, middle);
    return height;
  };
}

function python({ depth, scale, activation }) {
  return `${[
    "import numpy as np",
    "",
    "from livegrad import MLP, measure",
    "",
    ...drawsData(WIDTH, 0),
    `net = MLP([${WIDTH}] + ${depth} * [${WIDTH}] + [1], "${activation}", rng=rng)`,
    ...(scale === 1 ? [] : ["for weight in net.weights:", `    weight *= ${float(scale)}`]),
    "back = net.backward(net.forward(x), y)",
    `for l in range(${depth - 1}, -1, -1):`,
    "    weights = np.linalg.norm(back.a[l]) / np.linalg.norm(back.z[l + 1])",
    "    slopes = np.linalg.norm(back.z[l]) / np.linalg.norm(back.a[l])",
    '    print(f"layer {l + 1:2}: weights {weights:5.2f}, slopes {slopes:4.2f}")',
    "report = measure(net, x, y)",
    'print(f"gradient {report.gain:.1e}, signal {report.signal_gain:.1e}")',
  ].join("\n")}\n`;
}

function prints(state, { gain, signalGain, gradient }) {
  const rows = gradient.map(([weights, slopes], l) => {
    return `layer ${String(l + 1).padStart(2)}: weights ${fixed(weights, 2).padStart(5)}, slopes ${fixed(slopes, 2)}`;
  });
  return [...rows.reverse(), `gradient ${scientific(gain, 1)}, signal ${scientific(signalGain, 1)}`, ""].join("\n");
}

function says({ depth, activation }, { gain, signalGain }) {
  return `${activation}, ${layersOf(depth)}: of the signal ${sayPower(signalGain)} arrives, of the gradient ${sayPower(gain)} comes back.`;
}

export default {
  name: "product",
  title: "Explorer: the product through depth",
  fields,
  controls: [
    { kind: "chips", key: "activation", label: "activation φ", words: words(fields.activation.options) },
    { kind: "slider", key: "scale", label: "weights W times", text: String },
  ],
  update,
  draw,
  says,
  python,
  prints,
};
