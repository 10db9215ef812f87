/** Train it here: a small network learns points of the plane while its gradients are watched. */

import { ACTIVATIONS } from "./activations.js";
import { DATA } from "./data.js";
import { MLP } from "./engine.js";
import { HEADS } from "./heads.js";
import { INITIALIZERS } from "./initializers.js";
import { loadKernel } from "./kernel.js";
import { calm, decades, fixed, float, node, paint, path, say, sayPower, scale as linear, shape, words } from "./kit.js";
import { OPTIMIZERS, warmup } from "./optimizers.js";
import { Generator } from "./random.js";
import { judge, percent, power } from "./signals.js";
import { Trainer } from "./trainer.js";

const KEEP_EVERY = 20; // epochs between the states that going back starts from
const SIDE = 2.6; // the plane reaches from -SIDE to SIDE
const CELLS = 56;
const LEVELS = [0, 0.25, 0.5, 0.75];
const SMALLEST_BAR = -8; // decades
const LARGEST_BAR = 1;
// What each optimizer starts from when it is chosen: at the rate of another it would seem worse than it is.
const RATES = { sgd: 0.1, momentum: 0.02, adam: 0.01 };

const kernel = await loadKernel();

const fields = {
  data: { value: "spirals", options: Object.keys(DATA) },
  depth: { value: 3, min: 1, max: 8, step: 1 },
  width: { value: 16, stops: [2, 4, 8, 16, 32] },
  activation: { value: "relu", options: Object.keys(ACTIVATIONS) },
  initializer: { value: "he_normal", options: Object.keys(INITIALIZERS).filter((name) => name !== "constant") },
  dropout: { value: 0, min: 0, max: 0.8, step: 0.1 },
  optimizer: { value: "sgd", options: OPTIMIZERS },
  rate: { value: 0.1, stops: decades(0.001, 5, [1, 2, 3, 5]) },
  warmup: { value: 0, stops: [0, 20, 50, 100, 200, 500, 1000] },
  batch: { value: 10, stops: [1, 2, 5, 10, 20, 50, 100, 200] },
  epochs: { value: 120, min: 0, max: 600, step: 1 },
  seed: { value: 0, min: 0, max: 999, step: 1 },
};

/** One training run; it goes on from where it is, and back by starting from what it kept. */
class Run {
  #trainer;
  #kept = new Map();
  #epoch = 0;
  losses = [];

  constructor({ data, depth, width, activation, initializer, dropout, optimizer, rate, warmup: steps, batch, seed }) {
    const rng = new Generator(seed);
    Object.assign(this, DATA[data].draw(rng));
    const options = { activation, initializer, dropout, rng, optimizer };
    this.net = new MLP([2, ...Array(depth).fill(width), 1], options);
    this.#trainer = kernel ? new Trainer(this.net, kernel) : this.net;
    this.steps = { learningRate: steps ? warmup(rate, steps) : rate, batchSize: batch };
    // A second network with the same weights, for the grid: each keeps its own arrays.
    this.plane = new MLP(this.net.widths, { activation, initializer: "zeros" });
    this.plane.weights = this.net.weights;
    this.plane.biases = this.net.biases;
    this.#keep();
  }

  #keep() {
    const { weights, biases, rng, optimizer } = this.net;
    const arrays = [...weights, ...biases].map((array) => array.slice());
    this.#kept.set(this.#epoch, { arrays, rng: rng.copy(), optimizer: optimizer.copy() });
  }

  #restore(epoch) {
    const { arrays, rng, optimizer } = this.#kept.get(epoch);
    [...this.net.weights, ...this.net.biases].forEach((array, at) => array.set(arrays[at]));
    Object.assign(this.net, { rng: rng.copy(), optimizer: optimizer.copy() });
    this.#epoch = epoch;
  }

  /** Train until, or go back to, the end of this epoch; a run that diverged stays where it did. */
  to(epoch) {
    if (epoch < this.#epoch) this.#restore(Math.max(...[...this.#kept.keys()].filter((kept) => kept <= epoch)));
    while (this.#epoch < epoch) {
      if (this.#epoch > 0 && !Number.isFinite(this.losses[this.#epoch - 1])) break;
      this.losses[this.#epoch] = this.#trainer.epoch(this.x, this.y, this.steps);
      this.#epoch += 1;
      if (this.#epoch % KEEP_EVERY === 0 && !this.#kept.has(this.#epoch)) this.#keep();
    }
    return this.losses.slice(0, this.#epoch);
  }
}

let run;

function current(state) {
  const key = JSON.stringify({ ...state, epochs: 0 });
  if (run?.key !== key) {
    run = new Run(state);
    run.key = key;
  }
  return run;
}

/** The middles of the plane's cells, row by row from the top. */
const GRID = Float64Array.from({ length: 2 * CELLS * CELLS }, (_, at) => {
  const cell = Math.floor(at / 2);
  const place = at % 2 ? CELLS - 1 - Math.floor(cell / CELLS) : cell % CELLS;
  return SIDE * (((2 * place + 1) / CELLS) - 1);
});

/** Which units have the slope 0 on every example. */
function silent(name, z, units) {
  const { derivative, standard } = ACTIVATIONS[name];
  const dead = new Array(units).fill(true);
  for (let at = 0; at < z.length; at++) if (derivative(z[at], standard) !== 0) dead[at % units] = false;
  return dead;
}

function update(state) {
  const training = current(state);
  const losses = training.to(state.epochs);
  const { net, plane, x, y } = training;
  const trace = net.forward(x);
  const report = judge(net, trace, net.backward(trace, y));
  const logits = trace.z[net.depth];
  const right = logits.reduce((count, logit, i) => count + (logit > 0 === y[i] > 0.5), 0);
  return {
    x,
    y,
    losses,
    loss: HEADS.binary.loss(logits, y),
    accuracy: right / y.length,
    layers: report.layers.map(({ name, gradientNorm, dead }) => ({ name, gradientNorm, dead })),
    dead: trace.z.slice(0, net.depth).map((z) => silent(state.activation, z, state.width)),
    grid: plane.predict(GRID),
    diverged: losses.length > 0 && !Number.isFinite(losses.at(-1)),
  };
}

/** The cells whose probability lies between two levels, as one path of rectangles, row by row. */
function region(grid, low, high, size) {
  const step = size / CELLS;
  let d = "";
  for (let row = 0; row < CELLS; row++) {
    for (let column = 0; column < CELLS; column++) {
      const start = column;
      while (column < CELLS && grid[row * CELLS + column] >= low && grid[row * CELLS + column] < high) column += 1;
      if (column === start) continue;
      const [left, right] = [start * step, column * step];
      d += `M${left.toFixed(1)} ${(row * step).toFixed(1)}H${right.toFixed(1)}v${step.toFixed(2)}H${left.toFixed(1)}Z`;
    }
  }
  return d;
}

function planeShapes({ x, y, grid }, size) {
  const across = linear([-SIDE, SIDE], [0, size]);
  const up = linear([-SIDE, SIDE], [size, 0]);
  const regions = LEVELS.map((low, at) => {
    const high = LEVELS[at + 1] ?? 1.01;
    const side = low < 0.5 ? "wt" : "act";
    return ["path", { class: `fill ${side} lgx-level-${at % 3 === 0 ? "sure" : "unsure"}`, d: region(grid, low, high, size) }];
  });
  const points = Array.from(y, (label, i) => {
    const [px, py] = [across(x[2 * i]), up(x[2 * i + 1])];
    return label
      ? ["circle", { class: "act lgx-point", cx: px, cy: py, r: 3.4 }]
      : ["path", { class: "fill wt lgx-point", d: `M${(px - 4).toFixed(1)} ${(py + 3.5).toFixed(1)}h8l-4 -7.5z` }];
  });
  return [...regions, ...points, ["rect", { class: "grid", x: 0, y: 0, width: size, height: size }]];
}

function curve({ losses, loss }, left, top, width, height) {
  const finite = losses.filter(Number.isFinite);
  const most = Math.max(0.8, ...finite.map((one) => Math.min(one, 3)));
  const x = linear([1, Math.max(losses.length, 20)], [left + 30, left + width]);
  const y = linear([0, most], [top + height, top]);
  return [
    ["text", { class: "small strong", x: left, y: top - 8 }, "training loss, epoch by epoch"],
    ...[0, 0.35, 0.7].map((tick) => ["line", { class: "grid", x1: left + 30, x2: left + width, y1: y(tick), y2: y(tick) }]),
    ...[0, 0.35, 0.7].map((tick) => ["text", { class: "quiet small end", x: left + 25, y: y(tick) + 4 }, String(tick)]),
    ["path", { class: "line hd", d: path(losses.map((one, at) => [x(at + 1), y(Math.min(one, most))])) }],
    ["text", { class: "number strong end halo", x: left + width, y: top - 8 }, `loss now ${Number.isFinite(loss) ? say(loss, 3) : "not finite"}`],
  ];
}

function bars({ layers, dead }, left, top, width) {
  const from = left + 62;
  const to = left + width - 76;
  const x = linear([SMALLEST_BAR, LARGEST_BAR], [from, to]);
  const row = 34;
  return [
    ["text", { class: "small strong", x: left, y: top - 8 }, "norm of each dL/dW; a hollow unit is dead"],
    ...layers.flatMap(({ name, gradientNorm }, l) => {
      const y = top + l * row;
      const size = gradientNorm > 0 ? Math.min(Math.max(Math.log10(gradientNorm), SMALLEST_BAR), LARGEST_BAR) : SMALLEST_BAR;
      const units = dead[l] ?? [];
      const step = Math.min(10, (to - from) / Math.max(units.length, 1));
      return [
        ["text", { class: "small", x: left, y: y + 12 }, name],
        ["rect", { class: "shade", x: from, y: y + 2, width: to - from, height: 12, rx: 2 }],
        ["rect", { class: "wt", x: from, y: y + 2, width: Math.max(x(size) - from, 0), height: 12, rx: 2 }],
        ["text", { class: "number small end", x: left + width, y: y + 12 }, sayPower(gradientNorm)],
        ...units.map((one, u) => ["circle", { class: one ? "lgx-dead" : "act", cx: from + (u + 0.5) * step, cy: y + 23, r: Math.min(3.4, step * 0.4) }]),
      ];
    }),
  ];
}

function draw({ svg, place, element, state, set, defaults, signal }) {
  const plane = svg.appendChild(shape("g", { class: "lgx-plane" }));
  const side = svg.appendChild(shape("g"));
  const play = node("button", { type: "button", class: "lgx-button" }, "Train");
  const step = node("button", { type: "button", class: "lgx-button" }, "One epoch");
  const start = node("button", { type: "button", class: "lgx-button" }, "From the start");
  place.prepend(node("div", { class: "lgx-play" }, play, step, start));
  let end = null;

  const pause = () => {
    end = null;
    play.textContent = "Train";
  };
  const advance = () => {
    if (end === null || signal.aborted) return;
    const { epochs } = state();
    if (epochs >= end) return pause();
    set({ epochs: epochs + 1 });
    requestAnimationFrame(advance);
  };
  const trainUntil = (epoch) => {
    const running = end !== null;
    end = epoch;
    play.textContent = "Pause";
    if (!running) requestAnimationFrame(advance);
  };
  play.addEventListener("click", () => (end === null ? trainUntil(fields.epochs.max) : pause()));
  step.addEventListener("click", () => {
    pause();
    set({ epochs: state().epochs + 1 });
  });
  start.addEventListener("click", () => {
    pause();
    set({ epochs: 0 });
  });

  // Once, when it comes into view, it trains up to the state that it starts with, which takes seconds.
  const untouched = JSON.stringify(state()) === JSON.stringify(defaults);
  if (untouched && !calm()) {
    const watcher = new IntersectionObserver(([{ isIntersecting }]) => {
      if (!isIntersecting) return;
      watcher.disconnect();
      if (JSON.stringify(state()) !== JSON.stringify(defaults)) return;
      set({ epochs: 0 });
      trainUntil(defaults.epochs);
    }, { threshold: 0.6 });
    watcher.observe(svg);
    signal.addEventListener("abort", () => watcher.disconnect());
  }
  // Whoever takes hold of a control takes over.
  element.addEventListener("input", pause);

  return ({ depth }, numbers, width) => {
    const narrow = width < 560;
    const size = narrow ? Math.min(width, 340) : Math.min(330, width * 0.46);
    plane.setAttribute("transform", `translate(${narrow ? (width - size) / 2 : 0} 4)`);
    paint(plane, planeShapes(numbers, size));
    const [left, top, rest] = narrow ? [0, size + 34, width] : [size + 26, 20, width - size - 26];
    const barsAt = top + 92 + 34;
    paint(side, [...curve(numbers, left, top, rest, 92), ...bars(numbers, left, barsAt, rest)]);
    return Math.max(size + 8, barsAt + (depth + 1) * 34);
  };
}

/** What `fit` is given to take these steps, and the import that it needs. */
function optimizer({ optimizer: name, rate, warmup: steps, batch, epochs }) {
  if (name === "sgd" && !steps) return [`learning_rate=${float(rate)}, batch_size=${batch}`, []];
  const kind = name === "adam" ? "Adam" : "SGD";
  const first = steps ? `warmup(${float(rate)}, ${steps})` : float(rate);
  const call = `${kind}(${first}${name === "momentum" ? ", momentum=0.9" : ""})`;
  const imported = `from livegrad.optimizers import ${kind}${steps ? ", warmup" : ""}`;
  return [`batch_size=${batch}, optimizer=${call}`, epochs ? [imported] : []];
}

function python(state) {
  const { data, depth, width, activation, initializer, dropout, epochs, batch, seed } = state;
  const [steps, imported] = optimizer(state);
  const rest = dropout ? `, dropout=${float(dropout)}` : "";
  return `${[
    "import numpy as np",
    ...(data === "iris" ? ["from sklearn.datasets import load_iris"] : []),
    "",
    "from livegrad import MLP, measure",
    ...imported,
    "",
    `rng = np.random.default_rng(${seed})`,
    ...DATA[data].python(),
    `net = MLP([2] + ${depth} * [${width}] + [1], "${activation}", "${initializer}"${rest}, rng=rng)`,
    ...(epochs ? [`net.fit(x, y, epochs=${epochs}, ${steps})`] : []),
    'print(f"loss {net.loss(x, y):.3f}, accuracy {net.accuracy(x, y):.0%}")',
    "for layer in measure(net, x, y).layers:",
    '    print(f"{layer.name:9} |dL/dW| {layer.gradient_norm:.1e}, dead {layer.dead:.0%}")',
  ].join("\n")}\n`;
}

function prints(state, { loss, accuracy, layers }) {
  const lines = [`loss ${fixed(loss, 3)}, accuracy ${percent(accuracy)}`];
  for (const { name, gradientNorm, dead } of layers) {
    lines.push(`${name.padEnd(9)} |dL/dW| ${power(gradientNorm, 1)}, dead ${percent(dead)}`);
  }
  return `${lines.join("\n")}\n`;
}

function says({ epochs, data }, { loss, accuracy, layers, diverged, losses }) {
  if (diverged) return `The loss stopped being finite in epoch ${losses.length}: training diverged.`;
  const dead = layers.reduce((most, layer) => Math.max(most, layer.dead), 0);
  const after = epochs === 1 ? "After one epoch" : epochs ? `After ${epochs} epochs` : "Before training";
  const silentUnits = dead ? ` In one layer ${percent(dead)} of the units are dead.` : "";
  return `${after} ${percent(accuracy)} of the points (${DATA[data].title}) are right, loss ${say(loss, 3)}.${silentUnits}`;
}

export default {
  name: "train",
  title: "Explorer: train a network here",
  fields,
  controls: [
    { kind: "chips", key: "data", label: "data", words: Object.fromEntries(Object.entries(DATA).map(([name, { title }]) => [name, title])) },
    { kind: "chips", key: "optimizer", label: "optimizer", words: words(OPTIMIZERS), write: (name) => ({ optimizer: name, rate: RATES[name] }) },
    { kind: "slider", key: "depth", label: "hidden layers", text: String },
    { kind: "slider", key: "width", label: "units a layer", text: String },
    { kind: "slider", key: "rate", label: "learning rate", text: String },
    { kind: "slider", key: "batch", label: "batch size", text: String },
    { kind: "slider", key: "warmup", label: "warm-up", text: (steps) => (steps ? `${steps} steps` : "none") },
    { kind: "slider", key: "dropout", label: "dropout rate", text: String },
    { kind: "select", key: "activation", label: "activation", words: words(fields.activation.options) },
    { kind: "select", key: "initializer", label: "initializer", words: words(fields.initializer.options) },
    { kind: "button", label: "Draw anew", act: ({ seed }) => ({ seed: (seed + 1) % 1000 }) },
    { kind: "slider", key: "epochs", label: "epochs trained", text: String },
  ],
  update,
  draw,
  says,
  python,
  prints,
};
