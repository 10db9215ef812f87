/** Dropout: one unit that reads eight, under many masks. */

import { ACTIVATIONS } from "./activations.js";
import { fixed, float, paint, say, scale, shape } from "./kit.js";
import { generator } from "./random.js";

const MASKS = 500;
const A = [0.9, 0.2, 0.7, 0.4, 0.8, 0.1, 0.6, 0.5];
const W = [1.2, -0.9, -1.1, 1.6, 0.5, 1.4, -1.6, 0.3];
const PARTS = A.map((a, i) => a * W[i]);
const READERS = ["linear", "relu", "sigmoid"];
const BINS = 36;

const fields = {
  rate: { value: 0.5, min: 0, max: 0.9, step: 0.05 },
  unit: { value: "relu", options: READERS },
  mask: { value: 0, min: 0, max: MASKS - 1, step: 1 },
  seed: { value: 0, min: 0, max: 9999, step: 1 },
};

/** The uniform numbers that decide of each unit under each mask: as long as the seed stays, so do they. */
let drawn = { seed: NaN, uniform: [] };

function uniform(seed) {
  if (drawn.seed !== seed) {
    const next = generator(seed);
    drawn = { seed, uniform: Array.from({ length: MASKS }, () => A.map(next)) };
  }
  return drawn.uniform;
}

function update({ rate, unit, mask, seed }) {
  const { value } = ACTIVATIONS[unit];
  const masks = uniform(seed).map((row) => row.map((u) => (u >= rate ? 1 : 0)));
  const sum = (weights) => weights.reduce((total, weight, i) => total + weight * W[i], 0);
  const sums = masks.map((kept) => sum(kept.map((k, i) => (k ? A[i] / (1 - rate) : 0))));
  const outputs = sums.map((z) => value(z));
  const mean = outputs.reduce((a, b) => a + b, 0) / MASKS;
  const spread = Math.sqrt(outputs.reduce((a, b) => a + (b - mean) ** 2, 0) / MASKS);
  return {
    masks,
    outputs,
    mean,
    spread,
    plain: value(sum(A)),
    kept: masks[mask],
    z: sums[mask],
    output: outputs[mask],
  };
}

function draw({ svg }) {
  const art = svg.appendChild(shape("g"));
  return (state, numbers, width) => {
    const wide = width >= 560;
    const left = { x: 0, y: 0, width: wide ? width * 0.44 : width, height: wide ? 300 : 190 };
    const right = wide
      ? { x: width * 0.44 + 36, y: 0, width: width * 0.56 - 36, height: 300 }
      : { x: 0, y: 206, width, height: 220 };
    paint(art, [...oneMask(left, state, numbers), ...allMasks(right, state, numbers)]);
    return right.y + right.height;
  };
}

/** What each unit contributes to the sum under the mask that is shown. */
function oneMask({ x: from, y: top, width, height }, { rate, unit, mask }, { kept, z, output }) {
  const step = width / A.length;
  const largest = Math.max(...PARTS.map(Math.abs)) / (1 - rate);
  const y = scale([-largest, largest], [top + height - 34, top + 52]);
  const bar = Math.min(26, step * 0.56);
  const shapes = [
    ["text", { class: "quiet small", x: from, y: top + 12 }, `what each unit gives under mask ${mask} (dashed: without)`],
    ["line", { class: "axis", x1: from, x2: from + width, y1: y(0), y2: y(0) }],
  ];
  PARTS.forEach((part, i) => {
    const x = from + step * (i + 0.5);
    const rect = (value) => ({
      x: x - bar / 2,
      y: Math.min(y(0), y(value)),
      width: bar,
      height: Math.max(0.5, Math.abs(y(value) - y(0))),
      rx: 2,
    });
    shapes.push(
      ["rect", { class: "msk", ...rect(kept[i] ? part / (1 - rate) : 0) }],
      ["rect", { class: "lgx-plain", ...rect(part) }],
      ["circle", { class: kept[i] ? "msk" : "hollow msk lgx-off", cx: x, cy: top + 32, r: 7 }],
      ["path", { class: "lgx-cross", d: kept[i] ? "" : `M${x - 3} ${top + 29}l6 6m0 -6l-6 6` }],
    );
  });
  const result = unit === "linear" ? "" : `, ${unit}(z) = ${say(output, 2)}`;
  shapes.push(["text", { class: "number strong", x: from, y: top + height - 6 }, `sum z = ${say(z, 2)}${result}`]);
  return shapes;
}

/** Round numbers that enclose the values, and ticks between them. */
function rounded(values) {
  const [low, high] = [Math.min(0, ...values), Math.max(0, ...values)];
  const size = Math.max(high - low, 1e-9) / 4;
  const power = 10 ** Math.floor(Math.log10(size));
  const step = [1, 2, 5, 10].find((s) => s * power >= size) * power;
  const [first, last] = [Math.floor(low / step), Math.ceil(high / step)];
  return { range: [first * step, last * step], ticks: Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step), step };
}

/** The outputs under all masks as a histogram, their mean and spread, and the pass without masks. */
function allMasks({ x: from, y: top, width, height }, { unit }, { outputs, mean, spread, plain, output }) {
  const sigmoid = unit === "sigmoid";
  const { range, ticks, step } = sigmoid
    ? { range: [0, 1], ticks: [0, 0.25, 0.5, 0.75, 1], step: 0.25 }
    : rounded([...outputs, plain + 1, mean + spread]);
  const [base, roof] = [top + height - 46, top + 62];
  const x = scale(range, [from + 4, from + width - 4]);
  const counts = new Array(BINS).fill(0);
  const bin = (value) => Math.min(BINS - 1, Math.floor(((value - range[0]) / (range[1] - range[0])) * BINS));
  for (const value of outputs) counts[bin(value)]++;
  const [first, second] = [...counts].sort((a, b) => b - a);
  // One bar far above all others, as relu's at 0, is cut: the others are what there is to see.
  const cut = first > 2.5 * second && second > 0;
  const y = scale([0, cut ? 1.6 * second : first], [base, roof]);
  const wide = x(range[0] + (range[1] - range[0]) / BINS) - x(range[0]);
  const digits = step < 1 ? (step === 0.25 ? 2 : 1) : 0;
  const shapes = [
    ["text", { class: "quiet small", x: from, y: top + 12 }, `output under each of ${MASKS} masks`],
    ...counts.map((count, i) => {
      const height = base - Math.max(roof, y(count));
      return ["rect", { class: "msk lgx-bin", x: x(range[0]) + i * wide + 0.5, y: base - height, width: Math.max(1, wide - 1), height }];
    }),
    ["line", { class: "axis", x1: x(range[0]), x2: x(range[1]), y1: base, y2: base }],
    ...ticks.map((tick) => ["text", { class: "quiet small number middle", x: x(tick), y: base + 16 }, say(tick, digits)]),
  ];
  const flip = (value) => x(value) > from + width * 0.62;
  const mark = (value, y, kind, text) => [
    ["line", { class: `line ${kind}`, x1: x(value), x2: x(value), y1: y - 4, y2: base }],
    ["text", { class: `halo number strong ${kind.split(" ")[0]}${flip(value) ? " end" : ""}`, x: x(value) + (flip(value) ? -6 : 6), y: y + 5 }, text],
  ];
  const edge = (value) => x(Math.min(range[1], Math.max(range[0], value)));
  shapes.push(
    ...mark(plain, top + 32, "ink dashed", `without masks ${say(plain, 2)}`),
    ...mark(mean, top + 50, "msk", `mean ${say(mean, 2)}`),
    ["line", { class: "line msk", x1: edge(mean - spread), x2: edge(mean + spread), y1: base + 27, y2: base + 27 }],
    ["circle", { class: "msk", cx: x(mean), cy: base + 27, r: 4.5 }],
    ["text", { class: "small number middle", x: Math.min(from + width - 52, Math.max(from + 52, x(mean))), y: base + 44 }, `spread ± ${say(spread, 2)}`],
    ["circle", { class: "lgx-shown", cx: x(output), cy: base, r: 5 }],
  );
  if (cut) {
    const at = x(range[0]) + counts.indexOf(first) * wide;
    shapes.push(
      ["path", { class: "lgx-cut", d: `M${(at - 3).toFixed(1)} ${roof + 14}l${(wide + 6).toFixed(1)} -6` }],
      ["text", { class: "small number halo", x: at + wide + 4, y: roof + 14 }, `${say((100 * first) / MASKS, 0)}%`],
    );
  }
  return shapes;
}

function python({ rate, unit, mask, seed }) {
  return `import numpy as np

from livegrad.activations import ${unit}
from livegrad.dropout import dropout

a = np.array([${A.map(float).join(", ")}])  # (8,)
w = np.array([${W.map(float).join(", ")}])  # (8,)
masked, masks = dropout(np.tile(a, (${MASKS}, 1)), rate=${float(rate)}, rng=${seed})  # (${MASKS}, 8) each
outputs = ${unit}(masked @ w)  # (${MASKS},)
print(f"without masks  {${unit}(a @ w):.3f}")
print(f"over all masks mean {outputs.mean():.3f}, spread {outputs.std():.3f}")
print(f"mask ${mask}: output {outputs[${mask}]:.3f}, units kept", *np.flatnonzero(masks[${mask}]))
`;
}

function prints({ mask }, { plain, mean, spread, output, kept }) {
  const units = kept.flatMap((k, i) => (k ? [` ${i}`] : [])).join("");
  return `without masks  ${fixed(plain, 3)}
over all masks mean ${fixed(mean, 3)}, spread ${fixed(spread, 3)}
mask ${mask}: output ${fixed(output, 3)}, units kept${units}
`;
}

function says({ rate, unit }, { plain, mean, spread }) {
  const over = `Over ${MASKS} masks of rate ${say(rate, 2)} the output spreads by ± ${say(spread, 2)}`;
  if (rate === 0) return `At rate 0 nothing is dropped: every output is ${say(plain, 2)}.`;
  if (unit === "linear") return `${over} around ${say(mean, 2)}. A sum keeps its mean: without masks it is ${say(plain, 2)}.`;
  return `${over} around ${say(mean, 2)}. Without masks it is ${say(plain, 2)}: behind ${unit} the mean is not kept.`;
}

export default {
  name: "dropout",
  title: "Explorer: one unit under many dropout masks",
  fields,
  controls: [
    { kind: "slider", key: "rate", label: "rate, the share dropped", text: (rate) => say(rate, 2) },
    { kind: "chips", key: "unit", label: "the unit that reads the sum", words: { linear: "linear", relu: "relu", sigmoid: "sigmoid" } },
    { kind: "button", label: "Next mask", act: ({ mask }) => ({ mask: (mask + 1) % MASKS }) },
    { kind: "button", label: "New masks", act: ({ seed }) => ({ seed: (seed + 1) % 10_000 }) },
  ],
  update,
  draw,
  python,
  prints,
  says,
};
