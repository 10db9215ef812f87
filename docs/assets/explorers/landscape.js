/** Landscape and step: gradient descent in a valley of two curvatures; drag the rate past its bound. */

import { fixed, float, knob, paint, path, say, sayPower, scale, scientific, shape } from "./kit.js";

const STEPS = 40;
const FLAT = 1;
const START = [-2, 1];
const REACH = { x: 2.6, y: 1.5 };
const LEVELS = [0.05, 0.2, 0.5, 1, 2, 4, 8, 16, 32];

const fields = {
  rate: { value: 0.15, min: 0.005, max: 1, step: 0.005 },
  steep: { value: 10, stops: [2, 5, 10, 20, 50] },
  momentum: { value: 0, min: 0, max: 0.95, step: 0.05 },
};

/** As `livegrad.optimizers.SGD` steps: v <- m v - rate g, w <- w + v. */
function update({ rate, steep, momentum }) {
  const curvature = [FLAT, steep];
  const w = [...START];
  const v = [0, 0];
  const points = [];
  const losses = [];
  for (let step = 0; step <= STEPS; step++) {
    points.push([...w]);
    losses.push((curvature[0] * (w[0] * w[0]) + curvature[1] * (w[1] * w[1])) / 2);
    for (let i = 0; i < 2; i++) {
      v[i] = v[i] * momentum - rate * (curvature[i] * w[i]);
      w[i] += v[i];
    }
  }
  return { points, losses, bound: (2 * (1 + momentum)) / steep };
}

function draw({ svg, set, state: read }) {
  const art = svg.appendChild(shape("g"));
  const surface = svg.appendChild(shape("g"));
  const pane = surface.appendChild(shape("rect", { fill: "transparent" }));
  let axis = null;
  const place = knob(surface, {
    label: "rate",
    field: fields.rate,
    read: () => read().rate,
    write: (rate) => set({ rate }),
    at: (event) => 10 ** axis.back(event.clientX - svg.getBoundingClientRect().left),
    text: (rate) => `${say(rate, 3)}, bound ${say(update(read()).bound, 3)}`,
  });

  return (state, numbers, width) => {
    const wide = width >= 560;
    const across = wide ? width * 0.54 : width;
    const left = { from: 0, top: 22, width: across, height: wide ? 250 : 190 };
    const right = wide
      ? { from: across + 56, top: 22, width: width - across - 60, height: 226 }
      : { from: 40, top: 252, width: width - 46, height: 130 };
    const below = (wide ? 22 + 250 : 252 + 130) + 74;
    axis = scale([Math.log10(fields.rate.min), 0], [14, width - 14]);
    paint(art, [...valley(left, state, numbers), ...fall(right, numbers), ...rates(below, axis, width, state, numbers)]);
    for (const [name, value] of Object.entries({ x: 0, y: below - 26, width, height: 52 })) pane.setAttribute(name, value);
    place(axis(Math.log10(state.rate)), below);
    return below + 38;
  };
}

/** The landscape from above: lines of equal loss, and where the steps lead. */
function valley({ from, top, width, height }, { steep }, { points }) {
  const middle = [from + width / 2, top + height / 2];
  const x = scale([-REACH.x, REACH.x], [from, from + width]);
  const y = scale([-REACH.y, REACH.y], [top + height, top]);
  const inside = ([a, b]) => Math.abs(a) <= REACH.x && Math.abs(b) <= REACH.y;
  const rings = LEVELS.flatMap((level) => {
    const radii = [Math.sqrt((2 * level) / FLAT), Math.sqrt((2 * level) / steep)];
    if (radii[0] > REACH.x || radii[1] > REACH.y) return [];
    return [["ellipse", { class: "grid", cx: middle[0], cy: middle[1], rx: x(radii[0]) - middle[0], ry: middle[1] - y(radii[1]) }]];
  });
  const out = points.findIndex((point) => !inside(point));
  const shown = out < 0 ? points : points.slice(0, out);
  return [
    ["text", { class: "quiet small", x: from, y: top - 8 }, `the loss from above: curvature 1 across, ${steep} up and down`],
    ...rings,
    ["path", { class: "line wt", d: path(shown.map(([a, b]) => [x(a), y(b)])) }],
    ...shown.map(([a, b], i) => ["circle", { class: i ? "wt" : "lgx-shown", cx: x(a), cy: y(b), r: i ? 2.6 : 5 }]),
    ["path", { class: "lgx-cross", d: `M${middle[0] - 5} ${middle[1]}h10m-5 -5v10` }],
    out < 0 ? null : ["text", { class: "small halo", x: from + 4, y: top + height - 4 }, `step ${out} leaves the picture`],
  ];
}

/** The loss after each step, over orders of magnitude. */
function fall({ from, top, width, height }, { losses }) {
  const x = scale([0, STEPS], [from, from + width - 8]);
  const y = scale([-12, 12], [top + height, top]);
  const lift = (loss) => Math.min(12, Math.max(-12, Math.log10(loss)));
  const end = losses.at(-1);
  return [
    ["text", { class: "quiet small", x: from - 36, y: top - 8 }, "loss after each step"],
    ...[-12, -6, 0, 6, 12].flatMap((power) => [
      ["line", { class: power ? "grid" : "axis", x1: from, x2: from + width - 8, y1: y(power), y2: y(power) }],
      ["text", { class: "quiet small number end", x: from - 6, y: y(power) + 4 }, power ? sayPower(10 ** power).replace(/^1\.0 × /, "") : "1"],
    ]),
    ["path", { class: "line wt", d: path(losses.map((loss, step) => [x(step), y(lift(loss))])) }],
    ["circle", { class: "wt", cx: x(STEPS), cy: y(lift(end)), r: 4.5 }],
    ["text", { class: "number strong halo end", x: from + width - 16, y: y(lift(end)) + (lift(end) > 8 ? 20 : -10) }, sayPower(end)],
    ["text", { class: "quiet small number middle", x: x(0), y: top + height + 16 }, "0"],
    ["text", { class: "quiet small number end", x: x(STEPS), y: top + height + 16 }, `${STEPS} steps`],
  ];
}

/** The rate on its axis, the part beyond the bound shaded. */
function rates(y, axis, width, { rate, steep, momentum }, { bound }) {
  const right = axis(0);
  const at = Math.min(right, axis(Math.log10(bound)));
  const flip = at > width / 2;
  const named = Math.min(width - 44, Math.max(44, axis(Math.log10(rate))));
  return [
    ["rect", { class: "shade", x: at, y: y - 10, width: Math.max(0, right - at), height: 20 }],
    ["line", { class: "axis", x1: axis(Math.log10(fields.rate.min)), x2: right, y1: y, y2: y }],
    ["line", { class: "line ink", x1: at, x2: at, y1: y - 16, y2: y + 14 }],
    [
      "text",
      { class: `small number halo${flip ? " end" : ""}`, x: at + (flip ? -5 : 5), y: y - 18 },
      `${momentum ? `2 (1 + ${say(momentum, 2)})` : "2"} / ${steep} = ${say(bound, 3)}`,
    ],
    ...[0.01, 0.1, 1]
      .filter((tick) => Math.abs(axis(Math.log10(tick)) - named) > 62)
      .map((tick) => ["text", { class: "quiet small number middle", x: axis(Math.log10(tick)), y: y + 30 }, String(tick)]),
    ["text", { class: "number strong halo middle", x: named, y: y + 30 }, `rate ${say(rate, 3)}`],
  ];
}

function python({ rate, steep, momentum }) {
  return `import numpy as np

from livegrad.optimizers import SGD

curvature = np.array([1.0, ${float(steep)}])  # (2,): of the flat and of the steep direction
w = np.array([-2.0, 1.0])  # (2,)
descent = SGD(${float(rate)}, momentum=${float(momentum)})
losses = []
for _ in range(${STEPS + 1}):
    losses.append(float((curvature * w**2).sum() / 2))
    descent.step([w], [curvature * w])
bound = 2 * (1 + descent.momentum) / curvature.max()
print(f"rate {descent.rate:.3f}, bound {bound:.3f}")
print(f"loss {losses[0]:.1e}, after ${STEPS} steps {losses[${STEPS}]:.1e}")
`;
}

function prints({ rate }, { losses, bound }) {
  return `rate ${fixed(rate, 3)}, bound ${fixed(bound, 3)}
loss ${scientific(losses[0], 1)}, after ${STEPS} steps ${scientific(losses[STEPS], 1)}
`;
}

function says({ rate, steep, momentum }, { losses, bound }) {
  const end = `After ${STEPS} steps the loss is ${sayPower(losses[STEPS])}.`;
  const near = Math.abs(rate - bound) < 1e-9;
  if (near) return `At the bound the steep direction swings to and fro, and comes no nearer. ${end}`;
  if (rate > bound) return `Above the bound ${say(bound, 3)} the steps up the steep side grow without end. ${end}`;
  const flips = momentum === 0 && rate * steep > 1;
  return `Below the bound ${say(bound, 3)} the steps lead to the middle${flips ? ", and the steep direction changes its side at each step" : ""}. ${end}`;
}

export default {
  name: "landscape",
  title: "Explorer: gradient descent in a valley, with the rate that you drag",
  fields,
  controls: [
    {
      kind: "chips",
      key: "steep",
      label: "curvature of the steep direction",
      words: Object.fromEntries(fields.steep.stops.map((stop) => [stop, String(stop)])),
      read: ({ steep }) => steep,
      write: (steep) => ({ steep: Number(steep) }),
    },
    { kind: "slider", key: "momentum", label: "momentum", text: (momentum) => say(momentum, 2) },
  ],
  update,
  draw,
  python,
  prints,
  says,
};
