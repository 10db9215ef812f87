/** Equal layers on standard normal inputs, drawn as Python's `signals.through_depth` draws them. */

import { MLP } from "./engine.js";
import { draw } from "./initializers.js";
import { loadKernel } from "./kernel.js";
import { Passes } from "./passes.js";
import { Generator } from "./random.js";

export const EXAMPLES = 60;

const kernel = await loadKernel();
const passes = kernel && new Passes(kernel);
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

/** The network of a state, and what one pass forward and one back computed: [net, trace, gradients]. */
export function throughDepth(state) {
  const { depth, width, activation } = state;
  const { x, y, weights } = draws(state);
  const net = new MLP([width, ...Array(depth).fill(width), 1], { activation, initializer: "zeros" });
  net.weights = weights;
  if (passes) return [net, ...passes.run(net, x, y)];
  const trace = net.forward(x);
  return [net, trace, net.backward(trace, y)];
}
