/** Softmax: drag the logits and see the probabilities that they become. */

import { sigmoid, softmax } from "./activations.js";
import { apart, decades, fixed, float, knob, paint, path, say, scale, shape } from "./kit.js";

const LIMIT = 6;
const MORE = [2, 1, -1, 0, 0.5];
const ROW = 44;
const CURVE = 150;
const TEMPERATURES = decades(0.1, 10);
const SUBSCRIPTS = "₀₁₂₃₄";

const fields = {
  z: { value: [2, 1, -1], min: -LIMIT, max: LIMIT, step: 0.1, least: 2, most: 5 },
  T: { value: 1, stops: TEMPERATURES },
};

/** @param {{z: number[], T: number}} state */
function update({ z, T }) {
  const p = softmax(z, T);
  const numbers = { p };
  if (z.length === 2) numbers.sigmoid = sigmoid((z[1] - z[0]) / T);
  return numbers;
}

function draw({ svg, set, state: read }) {
  const art = svg.appendChild(shape("g"));
  const knobs = svg.appendChild(shape("g"));
  let rows = [];
  let lane;

  function build(count) {
    knobs.replaceChildren();
    rows = Array.from({ length: count }, (_, at) => {
      const surface = shape("rect", { fill: "transparent", height: ROW });
      const row = knobs.appendChild(shape("g", {}, surface));
      const write = (value) => {
        const { z } = read();
        z[at] = Math.min(LIMIT, Math.max(-LIMIT, value));
        set({ z });
      };
      const options = {
        label: `logit of class ${at}`,
        field: fields.z,
        read: () => read().z[at],
        write,
        at: (event) => lane.back(event.clientX - svg.getBoundingClientRect().left),
        text: (value) => `${say(value, 1)}, probability ${say(update(read()).p[at], 3)}`,
      };
      return { surface, place: knob(row, options) };
    });
  }

  return ({ z, T }, { p, sigmoid: ofDifference }, width) => {
    if (rows.length !== z.length) build(z.length);
    const middle = Math.round(width * 0.5);
    lane = scale([-LIMIT, LIMIT], [34, middle - 24]);
    const bar = scale([0, 1], [middle + 4, width - 48]);
    const top = 30;
    const shapes = [
      ["text", { class: "quiet small", x: 0, y: 12 }, "logits z: drag them"],
      ["text", { class: "quiet small", x: bar(0), y: 12 }, "probabilities p, sum 1"],
    ];
    z.forEach((logit, at) => {
      const y = top + at * ROW + ROW / 2;
      shapes.push(
        ["text", { class: "strong", x: 0, y: y + 4 }, `z${SUBSCRIPTS[at]}`],
        ["line", { class: "axis", x1: lane(-LIMIT), x2: lane(LIMIT), y1: y, y2: y }],
        ["line", { class: "axis", x1: lane(0), x2: lane(0), y1: y - 5, y2: y + 5 }],
        ["text", { class: "number small middle halo", x: lane(logit), y: y - 13 }, say(logit, 1)],
        ["rect", { class: "shade", x: bar(0), y: y - 11, width: bar(1) - bar(0), height: 22, rx: 3 }],
        ["rect", { class: "hd", x: bar(0), y: y - 11, width: Math.max(1, bar(p[at]) - bar(0)), height: 22, rx: 3 }],
        ["text", { class: "number strong end", x: width, y: y + 5 }, say(p[at], 3)],
      );
      rows[at].surface.setAttribute("x", 0);
      rows[at].surface.setAttribute("y", y - ROW / 2);
      rows[at].surface.setAttribute("width", middle - 10);
      rows[at].place(lane(logit), y);
    });
    const below = top + z.length * ROW + 34;
    shapes.push(...(z.length === 2 ? twoClasses : overTemperature)({ z, T, p, ofDifference }, width, below));
    paint(art, shapes);
    return below + CURVE + 34;
  };
}

function frame(x, y, ticksX, ticksY, sayX) {
  const [left, right] = [x.from, x.to];
  return [
    ...ticksY.map((tick) => ["line", { class: "grid", x1: left, x2: right, y1: y(tick), y2: y(tick) }]),
    ...ticksY.map((tick) => ["text", { class: "quiet small number end", x: left - 6, y: y(tick) + 4 }, String(tick)]),
    ...ticksX.map((tick) => ["text", { class: "quiet small number middle", x: x(tick), y: y(0) + 16 }, sayX(tick)]),
  ];
}

/** Beside the two probabilities: the sigmoid, read at the difference of the logits. */
function twoClasses({ z, T, ofDifference }, width, top) {
  const x = scale([-12, 12], [34, width - 10]);
  const y = scale([0, 1], [top + CURVE, top]);
  const frameX = Object.assign((d) => x(d), { from: 34, to: width - 10 });
  const gap = z[1] - z[0];
  const points = Array.from({ length: 193 }, (_, i) => -12 + i / 8).map((d) => [x(d), y(sigmoid(d / T))]);
  const right = gap > 2;
  return [
    ["text", { class: "quiet small", x: 0, y: top - 14 }, T === 1 ? "σ(z₁ − z₀): the sigmoid of the difference" : "σ((z₁ − z₀) / T): the sigmoid of the difference"],
    ...frame(frameX, y, [-12, -6, 0, 6, 12], [0, 0.5, 1], (tick) => say(tick, 0)),
    ["path", { class: "line act", d: path(points) }],
    ["line", { class: "guide", x1: x(gap), x2: x(gap), y1: y(0), y2: y(ofDifference) }],
    ["circle", { class: "hd", cx: x(gap), cy: y(ofDifference), r: 6 }],
    [
      "text",
      { class: `number strong halo${right ? " end" : ""}`, x: x(gap) + (right ? -12 : 12), y: Math.min(y(0) - 8, y(ofDifference) + 16) },
      `σ = ${say(ofDifference, 3)} = p₁`,
    ],
  ];
}

/** What the temperature does to these logits, on a logarithmic axis. */
function overTemperature({ z, T, p }, width, top) {
  const log = scale([Math.log(0.1), Math.log(10)], [34, width - 34]);
  const x = Object.assign((t) => log(Math.log(t)), { from: 34, to: width - 34 });
  const y = scale([0, 1], [top + CURVE, top]);
  const steps = Array.from({ length: 121 }, (_, i) => 0.1 * 100 ** (i / 120));
  const curves = steps.map((t) => softmax(z, t));
  const labels = apart(curves.at(-1).map((share) => y(share)));
  return [
    ["text", { class: "quiet small", x: 0, y: top - 14 }, "the same logits at every temperature T"],
    ...frame(x, y, [0.1, 0.3, 1, 3, 10], [0, 0.5, 1], String),
    ["line", { class: "guide", x1: x(T), x2: x(T), y1: y(0), y2: y(1) }],
    ...z.map((_, at) => [
      "path",
      { class: "line hd", "stroke-opacity": 1 - 0.14 * at, d: path(steps.map((t, i) => [x(t), y(curves[i][at])])) },
    ]),
    ...z.map((_, at) => ["text", { class: "small", x: width - 28, y: labels[at] + 4 }, `p${SUBSCRIPTS[at]}`]),
    ...p.map((share) => ["circle", { class: "hollow hd", cx: x(T), cy: y(share), r: 4.5 }]),
    ["text", { class: "small number halo", x: x(T) + 6, y: y(1) + 4 }, `T = ${T}`],
  ];
}

function python({ z, T }) {
  const lines = [
    "import numpy as np",
    "",
    `from livegrad.activations import ${z.length === 2 ? "sigmoid, " : ""}softmax`,
    "",
    `z = np.array([${z.map(float).join(", ")}])  # (${z.length},)`,
    `p = softmax(z, temperature=${float(T)})  # (${z.length},)`,
    'print("p  ", *(f"{share:.3f}" for share in p))',
    'print("sum", f"{p.sum():.3f}")',
  ];
  if (z.length === 2) {
    lines.push(`print("sigmoid of the difference", f"{sigmoid((z[1] - z[0]) / ${float(T)}):.3f}")`);
  }
  return `${lines.join("\n")}\n`;
}

function prints({ z }, { p, sigmoid: ofDifference }) {
  const lines = [`p   ${p.map((share) => fixed(share, 3)).join(" ")}`, `sum ${fixed(p.reduce((a, b) => a + b, 0), 3)}`];
  if (z.length === 2) lines.push(`sigmoid of the difference ${fixed(ofDifference, 3)}`);
  return `${lines.join("\n")}\n`;
}

function says({ z, T }, { p, sigmoid: ofDifference }) {
  if (z.length === 2) {
    return `Two classes: p₁ = ${say(p[1], 3)}, and the sigmoid of ${T === 1 ? "z₁ − z₀" : "(z₁ − z₀) / T"} is ${say(ofDifference, 3)}, the same.`;
  }
  const first = p.indexOf(Math.max(...p));
  return `At T = ${T} class ${first} has the largest probability, ${say(p[first], 3)}. What it gains the others lose: the sum stays 1.`;
}

export default {
  name: "softmax",
  title: "Explorer: softmax of logits that you drag",
  fields,
  controls: [
    {
      kind: "chips",
      label: "classes",
      words: { 2: "2", 3: "3", 4: "4", 5: "5" },
      read: ({ z }) => z.length,
      write: (count, state) => ({ z: [...state.z, ...MORE.slice(state.z.length)].slice(0, count) }),
    },
    { kind: "slider", key: "T", label: "temperature T", text: String },
  ],
  update,
  draw,
  python,
  prints,
  says,
};
