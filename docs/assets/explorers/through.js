/** Equal layers on standard normal inputs, drawn as Python's `signals.through_depth` draws them. */

import { MLP } from "./engine.js";
import { draw } from "./initializers.js";
import { Generator } from "./random.js";

export const EXAMPLES = 60;

let drawn = {};

/**
 * Data and weights in the order in which Python draws them; a deeper network only adds layers.
 * @returns {{x: Float64Array, y: Float64Array, weights: Float64Array[]}}
 */
export function draws({ depth, width, initializer, scale, seed }) {
  const key = `${width} ${initializer} ${seed}`;
  if (drawn.key !== key) {
    const rng = new Generator(seed);
    const x = rng.normals(EXAMPLES * width);
    const y = Float64Array.from({ length: EXAMPLES }, () => rng.integer(1));
    drawn = { key, x, y, layers: [], after: [rng] };
  }
  const { x, y, layers, after } = drawn;
  while (layers.length < depth) {
    const rng = after[layers.length].copy();
    layers.push(draw(initializer, width, width, rng));
    after.push(rng);
  }
  const weights = [...layers.slice(0, depth), draw(initializer, width, 1, after[depth].copy())];
  return { x, y, weights: scale === 1 ? weights : weights.map((array) => array.map((value) => scale * value)) };
}

/** Python that draws the data. */
export const drawsData = (width, seed) => [
  `rng = np.random.default_rng(${seed})`,
  `x = rng.standard_normal((${EXAMPLES}, ${width}))  # (${EXAMPLES}, ${width})`,
  `y = rng.integers(0, 2, ${EXAMPLES})  # (${EXAMPLES},)`,
];

/** In words. */
export const layersOf = (depth) => (depth === 1 ? "1 hidden layer" : `${depth} hidden layers`);

/**
 * The network of a state, and what one pass forward and one back computed.
 * @param {object} state
 * @param {import("./passes.js").Passes | null} [passes] - the kernel's, for networks that are large
 * @returns {[MLP, import("./engine.js").Trace, import("./engine.js").Gradients]}
 */
export function throughDepth(state, passes) {
  const { depth, width, activation } = state;
  const { x, y, weights } = draws(state);
  const net = new MLP([width, ...Array(depth).fill(width), 1], { activation, initializer: "zeros" });
  net.weights = weights;
  if (passes) return [net, ...passes.run(net, x, y)];
  const trace = net.forward(x);
  return [net, trace, net.backward(trace, y)];
}
