/**
 * Points of the plane with labels 0 and 1, drawn as the lines of Python beside them draw them.
 *
 * @typedef {object} DataSet
 * @property {string} title
 * @property {(rng: import("./random.js").Generator, n?: number) => {x: Float64Array, y: Float64Array}}
 *   draw - x (n, 2), y (n,); there are 100 irises, whatever n
 * @property {(n?: number) => string[]} python - the same, from `rng`
 */

import { PETALS } from "./iris.js";

const N = 200;

/** Labels 0, 1, 0, 1, ... and points made one by one, with noise drawn after all. */
function alternating(point, noise) {
  return (rng, n = N) => {
    const shares = rng.uniforms(n);
    const x = rng.normals(2 * n).map((value) => noise * value);
    const y = Float64Array.from({ length: n }, (_, i) => i % 2);
    for (let i = 0; i < n; i++) {
      const [first, second] = point(shares[i], y[i]);
      x[2 * i] += first;
      x[2 * i + 1] += second;
    }
    return { x, y };
  };
}

/** Lines of Python around those that make the points from `share` and `y`. */
const around = (noise, lines) => (n = N) => [
  `y = np.arange(${n}) % 2  # (${n},)`,
  `share = rng.random(${n})  # (${n},)`,
  ...lines(n),
  `x = points + ${noise} * rng.standard_normal((${n}, 2))  # (${n}, 2)`,
];

/** @type {Record<string, DataSet>} */
export const DATA = {
  spirals: {
    title: "spirals",
    draw: alternating((share, y) => {
      const angle = (3 * share + y) * Math.PI;
      return [2 * share * Math.cos(angle), 2 * share * Math.sin(angle)];
    }, 0.07),
    python: around(0.07, (n) => [
      `angle = (3 * share + y) * np.pi  # (${n},)`,
      "points = 2 * share[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])",
    ]),
  },
  circles: {
    title: "circles",
    draw: alternating((share, y) => {
      const radius = 0.7 + y;
      return [radius * Math.cos(2 * Math.PI * share), radius * Math.sin(2 * Math.PI * share)];
    }, 0.15),
    python: around(0.15, (n) => [
      `angle = 2 * np.pi * share  # (${n},)`,
      "points = (0.7 + y)[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])",
    ]),
  },
  xor: {
    title: "XOR",
    draw: (rng, n = N) => {
      const x = rng.uniforms(2 * n, -2, 2);
      const y = Float64Array.from({ length: n }, (_, i) => (x[2 * i] * x[2 * i + 1] > 0 ? 1 : 0));
      return { x, y };
    },
    python: (n = N) => [
      `x = rng.uniform(-2, 2, (${n}, 2))  # (${n}, 2)`,
      `y = (x[:, 0] * x[:, 1] > 0).astype(int)  # (${n},)`,
    ],
  },
  moons: {
    title: "moons",
    draw: alternating((share, y) => {
      const angle = (share + y) * Math.PI;
      return [1.3 * Math.cos(angle) + 1.3 * y - 0.65, 1.3 * Math.sin(angle) + 0.65 * y - 0.325];
    }, 0.15),
    python: around(0.15, (n) => [
      `angle = (share + y) * np.pi  # (${n},)`,
      "across = 1.3 * np.cos(angle) + 1.3 * y - 0.65",
      "up = 1.3 * np.sin(angle) + 0.65 * y - 0.325",
      "points = np.column_stack([across, up])",
    ]),
  },
  iris: {
    title: "irises",
    draw: () => {
      const n = PETALS.length / 2;
      const x = new Float64Array(PETALS.length);
      for (let column = 0; column < 2; column++) {
        let [sum, square] = [0, 0];
        for (let i = column; i < x.length; i += 2) sum += PETALS[i];
        const mean = sum / n;
        for (let i = column; i < x.length; i += 2) square += (PETALS[i] - mean) ** 2;
        const deviation = Math.sqrt(square / n);
        for (let i = column; i < x.length; i += 2) x[i] = (PETALS[i] - mean) / deviation;
      }
      return { x, y: Float64Array.from({ length: n }, (_, i) => (i < n / 2 ? 0 : 1)) };
    },
    python: () => [
      "flowers, kinds = load_iris(return_X_y=True)  # (150, 4), (150,)",
      "x, y = flowers[50:, 2:], kinds[50:] - 1  # (100, 2), (100,): petals of two kinds",
      "x = (x - x.mean(axis=0)) / x.std(axis=0)",
    ],
  },
};
