/** Try the claim: the two networks of a verdict, trained side by side as the reader likes. */

import { DATA } from "./data.js";
import { MLP } from "./engine.js";
import { HEADS, oneHot } from "./heads.js";
import { draw as drawWeights } from "./initializers.js";
import { loadKernel } from "./kernel.js";
import { apart, decades, fixed, float, paint, path, say, scale as linear, shape, words } from "./kit.js";
import { OPTIMIZERS } from "./optimizers.js";
import { Generator } from "./random.js";
import { Trainer } from "./trainer.js";

// The panel's own: `livegrad_lab.panel` and `livegrad_lab.verdicts`.
const BATCH = 40;
const MOST = 60; // epochs
const EARLY = 0.1; // of the epochs
const BETTER = 0.01;
const ALIKE = 0.02;
const SMALL = 0.01; // standard deviation
const TRAIN = 400;
const TEST = 1000; // so that the margin is ten of them
const CLASSES = 2;
const KEPT = 8; // runs
const NUDGE = 1e-14;
const DIGIT = 1e-5; // a hundredth of the last one that is printed
const CHART = 190; // pixels
const ROW = 46;
const LOWEST = -4; // decades
const HIGHEST = 1e3; // the losses that are drawn

/** Activation and first weights of the hidden layers, by the panel's names. */
const ARMS = {
  relu: ["relu", "he_normal"],
  "relu, uniform": ["relu", "he_uniform"],
  "relu, Glorot": ["relu", "glorot_normal"],
  "relu, fan-in": ["relu", "fan_in_uniform"],
  "relu, small": ["relu", "small"],
  "leaky ReLU": ["leaky_relu", "he_normal"],
  ELU: ["elu", "he_normal"],
  softplus: ["softplus", "he_normal"],
  SiLU: ["silu", "he_normal"],
  GELU: ["gelu", "he_normal"],
  tanh: ["tanh", "glorot_normal"],
  "tanh, fan-in": ["tanh", "fan_in_uniform"],
  sigmoid: ["sigmoid", "glorot_normal"],
  "sigmoid, He": ["sigmoid", "he_normal"],
};

/** What is said, the arms A and B, and the margin. */
const CLAIMS = {
  he: ["He's weights beat Glorot's with ReLU", "relu", "relu, Glorot", BETTER],
  sigmoid_glorot: ["Glorot's weights beat He's with the sigmoid", "sigmoid", "sigmoid, He", BETTER],
  uniform: ["uniform and normal weights are alike", "relu, uniform", "relu", ALIKE],
  fan_in: ["the rule of fan-in is no worse, ReLU", "relu, fan-in", "relu", ALIKE],
  tanh_fan_in: ["the rule of fan-in is no worse, tanh", "tanh, fan-in", "tanh", ALIKE],
  small: ["small weights are no worse", "relu, small", "relu", ALIKE],
  leaky_relu: ["leaky ReLU beats ReLU", "leaky ReLU", "relu", BETTER],
  elu: ["ELU beats ReLU", "ELU", "relu", BETTER],
  softplus: ["softplus is no worse than ReLU", "softplus", "relu", ALIKE],
  silu: ["SiLU beats ReLU", "SiLU", "relu", BETTER],
  gelu: ["GELU beats ReLU", "GELU", "relu", BETTER],
  tanh: ["ReLU beats tanh", "relu", "tanh", BETTER],
  sigmoid: ["ReLU beats the sigmoid", "relu", "sigmoid", BETTER],
};

const kernel = await loadKernel();

const rates = decades(0.00003, 30, [1, 2, 3, 5]);
const fields = {
  claim: { value: "he", options: Object.keys(CLAIMS) },
  data: { value: "xor", options: ["spirals", "circles", "xor", "moons"] },
  optimizer: { value: "sgd", options: OPTIMIZERS },
  a: { value: 0.05, stops: rates },
  b: { value: 0.05, stops: rates },
  depth: { value: 8, min: 1, max: 10, step: 1 },
  width: { value: 16, stops: [4, 8, 16, 32] },
  epochs: { value: MOST, stops: [20, 40, MOST, 2 * MOST] },
  seed: { value: 0, min: 0, max: 999, step: 1 },
};

const early = (epochs) => Math.round(EARLY * epochs);
const armsOf = ({ claim }) => CLAIMS[claim].slice(1, 3).map((name) => ARMS[name]);

/** The first weights of an arm: each arm draws them from the seed anew. */
function weightsOf(initializer, widths, seed) {
  const rng = new Generator(seed);
  return widths.slice(1).map((units, l) => {
    if (units === CLASSES) return drawWeights("glorot_normal", widths[l], units, rng);
    const given = initializer === "small" ? ["random_normal", { stddev: SMALL }] : [initializer];
    return drawWeights(given[0], widths[l], units, rng, given[1]);
  });
}

/** The loss, infinite where logits are; and the right answers: NumPy's argmax takes what is no number. */
function judged(net, x, classes) {
  const logits = net.forward(x).z[net.depth];
  const right = classes.reduce((count, one, i) => {
    const [first, second] = logits.subarray(2 * i, 2 * i + 2);
    return count + (one === Number(!Number.isNaN(first) && !(first >= second)));
  }, 0);
  const loss = logits.every(Number.isFinite) ? HEADS.multiclass.loss(logits, oneHot(classes, CLASSES), CLASSES) : Infinity;
  return { loss, right };
}

/**
 * Train one arm; what it finds depends on nothing but what it is given. A twin whose weights differ
 * by no more than rounding tells whether that is enough for other numbers: then Python's may be others.
 */
function trained({ data, seed, depth, width, optimizer, epochs }, [activation, initializer], rate) {
  const { x, y } = DATA[data].draw(new Generator(seed), TRAIN + TEST);
  const seen = [x.subarray(0, 2 * TRAIN), y.subarray(0, TRAIN)];
  const unseen = [x.subarray(2 * TRAIN), y.subarray(TRAIN)];
  const widths = [2, ...Array(depth).fill(width), CLASSES];
  const nets = [1, 1 + NUDGE].map((factor) => {
    const net = new MLP(widths, { activation, head: "multiclass", initializer: "zeros", optimizer });
    net.weights = weightsOf(initializer, widths, seed).map((weights) => weights.map((weight) => factor * weight));
    return net;
  });
  const paths = nets.map((net) => (kernel ? new Trainer(net, kernel) : net));
  const targets = oneHot(seen[1], CLASSES);
  const batches = new Generator(seed);
  const found = { losses: [], points: [], erratic: false };
  for (let epoch = 1; epoch <= epochs; epoch++) {
    const order = batches.permutation(TRAIN);
    for (const [at, net] of nets.entries()) {
      const loss = paths[at].epoch(seen[0], targets, { learningRate: rate, batchSize: BATCH, order });
      // From the first loss that is not finite on, all of Python's weights are no numbers.
      if (!Number.isFinite(loss)) for (const array of [...net.weights, ...net.biases]) array.fill(NaN);
    }
    found.losses.push(judged(nets[0], ...seen).loss);
    if (epoch !== early(epochs) && epoch !== epochs) continue;
    const [right, twin] = nets.map((net) => judged(net, ...unseen).right);
    const loss = found.losses.at(-1);
    found.points.push({ loss, accuracy: right / TEST });
    found.erratic ||= right !== twin || Math.abs(loss - judged(nets[1], ...seen).loss) > DIGIT;
  }
  return found;
}

const kept = new Map();

/** A change of one arm leaves the other as it was. */
function runOf(state, arm, rate) {
  const key = JSON.stringify([{ ...state, claim: "", a: 0, b: 0 }, arm, rate]);
  const run = kept.get(key) ?? trained(state, arm, rate);
  kept.delete(key);
  kept.set(key, run);
  if (kept.size > KEPT) kept.delete(kept.keys().next().value);
  return run;
}

function update(state) {
  const arms = armsOf(state).map((arm, at) => runOf(state, arm, at ? state.b : state.a));
  return { arms, margin: CLAIMS[state.claim][3] };
}

const MARKS = ["A", "B"];
const COLOURS = ["act", "other"];
const LINES = ["line act", "line other dashed"];
const title = ([activation, initializer]) => `${activation}, ${initializer}`;

/** Both losses on one logarithmic axis, in whole decades; what is too low for it lies at its foot. */
function curves({ arms }, epochs, left, top, width) {
  const powers = arms.flatMap(({ losses }) => losses.filter((loss) => loss > 0 && loss < HIGHEST).map(Math.log10));
  const low = Math.max(Math.floor(Math.min(-1, ...powers)), LOWEST);
  const high = Math.ceil(Math.max(0, ...powers));
  const x = linear([1, epochs], [left + 40, left + width - 18]);
  const log = linear([low, high], [top + CHART, top]);
  const y = (loss) => log(Math.max(Math.log10(loss), low));
  const ticks = Array.from({ length: high - low + 1 }, (_, at) => low + at);
  const ends = arms.map(({ losses }) => {
    const last = losses.findLastIndex((loss) => loss < HIGHEST);
    return last < 0 ? [x(1), top] : [x(last + 1), y(losses[last])];
  });
  const heights = apart(ends.map(([, height]) => height));
  const at = early(epochs);
  return [
    ["text", { class: "small strong", x: left, y: top - 12 }, "training loss, epoch by epoch"],
    ...ticks.flatMap((power) => [
      ["line", { class: "grid", x1: x(1), x2: x(epochs), y1: log(power), y2: log(power) }],
      ["text", { class: "quiet small end", x: left + 34, y: log(power) + 4 }, (10 ** power).toFixed(Math.max(0, -power))],
    ]),
    ["line", { class: "guide", x1: x(at), x2: x(at), y1: top, y2: top + CHART }],
    ...arms.map(({ losses }, k) => ["path", { class: LINES[k], d: path(losses.map((loss, e) => [x(e + 1), loss < HIGHEST ? y(loss) : NaN])) }]),
    ...ends.map(([end], k) => ["text", { class: `strong halo ${COLOURS[k]}`, x: end + 6, y: heights[k] + 4 }, MARKS[k]]),
    ["text", { class: "quiet small middle", x: x(at), y: top + CHART + 18 }, `early: ${at}`],
    ["text", { class: "quiet small end", x: x(epochs), y: top + CHART + 18 }, `the end: ${epochs}`],
  ];
}

/** One row a time: the accuracies of both arms, and the margin around B's. */
function rows({ arms, margin }, left, top, width) {
  const all = arms.flatMap(({ points }) => points.map(({ accuracy }) => accuracy));
  const low = Math.min(Math.floor(10 * Math.min(...all) - 1e-9) / 10, 0.9);
  const x = linear([low, 1], [left + 14, left + width - 14]);
  const inside = (place) => Math.min(Math.max(place, left + 14), left + width - 14);
  const foot = top + 4 * ROW;
  const every = low < 0.55 ? 0.2 : low < 0.85 ? 0.1 : 0.05;
  const count = Math.floor((1 - low) / every + 1e-9);
  const ticks = Array.from({ length: count + 1 }, (_, at) => 1 - at * every);
  return [
    ["text", { class: "small strong", x: left, y: top - 12 }, "right answers on test points; shaded: B ± margin"],
    ...ticks.flatMap((tick) => [
      ["line", { class: "grid", x1: x(tick), x2: x(tick), y1: top, y2: foot }],
      ["text", { class: "quiet small middle", x: x(tick), y: foot + 18 }, say(tick)],
    ]),
    ...["early", "at the end"].flatMap((when, at) => {
      const y = top + 2 * at * ROW + ROW;
      const [a, b] = arms.map(({ points }) => points[at].accuracy);
      const band = [b - margin, b + margin].map((edge) => inside(x(edge)));
      return [
        ["text", { class: "small quiet halo", x: left, y: y - 26 }, when],
        ["rect", { class: "shade", x: band[0], y: y - 18, width: band[1] - band[0], height: ROW + 4 }],
        ...[a, b].flatMap((accuracy, k) => {
          const height = y + k * 30 - 4;
          // A number stands where there is room for it.
          const side = x(accuracy) > left + width / 2 ? -1 : 1;
          return [
            ["line", { class: "grid", x1: left + 14, x2: left + width - 14, y1: height, y2: height }],
            ["circle", { class: k ? "other hollow" : "act", cx: x(accuracy), cy: height, r: 5 }],
            ["text", { class: `number strong halo ${COLOURS[k]}${side < 0 ? " end" : ""}`, x: x(accuracy) + 11 * side, y: height + 4.5 }, `${MARKS[k]} ${fixed(accuracy, 3)}`],
          ];
        }),
      ];
    }),
  ];
}

function draw({ svg }) {
  const art = svg.appendChild(shape("g"));
  return (state, numbers, width) => {
    const narrow = width < 560;
    const gap = 30;
    const each = narrow ? width : (width - gap) / 2;
    const legend = armsOf(state).flatMap((arm, at) => {
      const [left, y] = narrow ? [0, 12 + 20 * at] : [at * (each + gap), 12];
      return [
        ["path", { class: LINES[at], d: `M${left} ${y - 4}h26` }],
        ["text", { class: `strong ${COLOURS[at]}`, x: left + 34, y }, `${MARKS[at]}: ${title(arm)}`],
      ];
    });
    const top = narrow ? 76 : 56;
    const below = narrow ? top + CHART + 62 : top;
    paint(art, [
      ...legend,
      ...curves(numbers, state.epochs, 0, top, each),
      ...rows(numbers, narrow ? 0 : each + gap, below, each),
    ]);
    return below + 4 * ROW + 30;
  };
}

function python(state) {
  const { data, depth, width, optimizer, epochs, seed } = state;
  const n = TRAIN + TEST;
  const arms = armsOf(state);
  const small = arms.some(([, initializer]) => initializer === "small");
  const lines = arms.map(([activation, initializer], at) => {
    const rule = initializer === "small" ? initializer : `initializers.${initializer}`;
    return `    "${MARKS[at]}": Arm("${activation}", hidden(${rule}), learning_rate=${float(at ? state.b : state.a)}),`;
  });
  return `${[
    "import numpy as np",
    "",
    "from livegrad import initializers",
    "from livegrad_lab.stack import Arm, Stack",
    "",
    `rng = np.random.default_rng(${seed})`,
    ...DATA[data].python(n),
    "",
    "",
    ...(small ? ["def small(shape, rng):", `    return initializers.random_normal(shape, rng, stddev=${SMALL})`, "", ""] : []),
    "def hidden(draw):",
    "    def layer(shape, rng):  # the output layer has Glorot's weights in both arms",
    `        return (initializers.glorot_normal if shape[1] == ${CLASSES} else draw)(shape, rng)`,
    "",
    "    return layer",
    "",
    "",
    "arms = {",
    ...lines,
    "}",
    `stack = Stack([2] + ${depth} * [${width}] + [${CLASSES}], arms, seed=${seed}, optimizer="${optimizer}")`,
    `for when, epochs in {"early": ${early(epochs)}, "at the end": ${epochs - early(epochs)}}.items():`,
    `    stack.fit(x[:${TRAIN}], y[:${TRAIN}], epochs, batch_size=${BATCH})`,
    `    loss, right = stack.loss(x[:${TRAIN}], y[:${TRAIN}]), stack.accuracy(x[${TRAIN}:], y[${TRAIN}:])`,
    "    for arm in arms:",
    '        print(f"{when:10}  {arm}: training loss {loss[arm]:.3f}, right {right[arm]:.3f}")',
    `    print(f"{when:10}  A minus B: {right['A'] - right['B']:+.3f}")`,
  ].join("\n")}\n`;
}

/** As Python's f"{x:+.3f}". */
const signed = (x) => `${x < 0 ? "" : "+"}${fixed(x, 3)}`;

function prints(state, { arms }) {
  return ["early", "at the end"]
    .flatMap((when, at) => {
      const name = when.padEnd(10);
      const [a, b] = arms.map(({ points }) => points[at]);
      return [
        ...[a, b].map(({ loss, accuracy }, k) => `${name}  ${MARKS[k]}: training loss ${fixed(loss, 3)}, right ${fixed(accuracy, 3)}\n`),
        `${name}  A minus B: ${signed(a.accuracy - b.accuracy)}\n`,
      ];
    })
    .join("");
}

function says(state, { arms, margin }) {
  const names = armsOf(state).map((arm, at) => `${MARKS[at]} (${title(arm)})`);
  const leads = ["Early, ", "at the end "].map((when, at) => {
    // Of whole answers: a difference of shares is not exact.
    const [a, b] = arms.map(({ points }) => Math.round(TEST * points[at].accuracy));
    if (a === b) return `${when}both have the same accuracy`;
    const lead = Math.abs(a - b) / TEST;
    const size = lead > margin ? "more than" : lead < margin ? "less than" : "exactly";
    const ahead = (at ? MARKS : names)[a > b ? 0 : 1];
    return `${when}${ahead} is ahead by ${fixed(lead, 3)}, ${size} the margin of ${margin}`;
  });
  const lost = MARKS.filter((_, at) => !Number.isFinite(arms[at].losses.at(-1)));
  const diverged = lost.length ? ` The loss of ${lost.join(" and ")} is not finite: training diverged.` : "";
  const other = MARKS.filter((_, at) => arms[at].erratic);
  const erratic = other.length ? ` Training of ${other.join(" and ")} is erratic: rounding alone gives other numbers, in Python too.` : "";
  return `${leads.join("; ")}.${diverged}${erratic} One seed decides nothing: draw anew.`;
}

export default {
  name: "claim",
  title: "Explorer: try to break a verdict",
  fields,
  controls: [
    { kind: "select", key: "claim", label: "claim", words: Object.fromEntries(Object.entries(CLAIMS).map(([key, [said]]) => [key, said])) },
    { kind: "chips", key: "data", label: "data", words: Object.fromEntries(fields.data.options.map((name) => [name, DATA[name].title])) },
    { kind: "chips", key: "optimizer", label: "optimizer", words: words(OPTIMIZERS) },
    { kind: "slider", key: "a", label: "learning rate of A", text: String },
    { kind: "slider", key: "b", label: "learning rate of B", text: String },
    { kind: "slider", key: "depth", label: "hidden layers", text: String },
    { kind: "slider", key: "width", label: "units a layer", text: String },
    { kind: "slider", key: "epochs", label: "epochs trained", text: String },
    { kind: "button", label: "Draw anew", act: ({ seed }) => ({ seed: (seed + 1) % 1000 }) },
  ],
  update,
  draw,
  says,
  python,
  prints,
};
