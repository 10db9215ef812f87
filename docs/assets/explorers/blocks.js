/**
 * Equal layers with a normalisation, a shortcut or both, as `livegrad.blocks` computes them while
 * it trains: h <- keep h + scale phi(N(h W)), with gamma 1, beta 0 and the package's epsilons.
 */

import { ACTIVATIONS } from "./activations.js";
import { gradient, HEADS } from "./heads.js";
import { multiply, multiplyTransposed, outer } from "./matrix.js";

/** Whether the mean is taken out, epsilon, and whether the sums go over the examples. */
const NORMALIZATIONS = { batch: [true, 1e-3, true], layer: [true, 1e-3, false], rms: [false, 1e-6, false] };

/** [x_hat, the way from dL/dx_hat to dL/dx] of x (n, m). */
function normalised(kind, x, n, m) {
  if (!NORMALIZATIONS[kind]) return [x, (delta) => delta];
  const [centred, epsilon, overExamples] = NORMALIZATIONS[kind];
  const [groups, size, first, next] = overExamples ? [m, n, 1, m] : [n, m, m, 1];
  const hat = new Float64Array(x.length);
  const roots = new Float64Array(groups);
  const mean = (group, term) => {
    let sum = 0;
    for (let k = 0, at = group * first; k < size; k++, at += next) sum += term(at);
    return sum / size;
  };
  const each = (group, write) => {
    for (let k = 0, at = group * first; k < size; k++, at += next) write(at);
  };
  for (let group = 0; group < groups; group++) {
    const middle = centred ? mean(group, (at) => x[at]) : 0;
    const root = Math.sqrt(mean(group, (at) => (x[at] - middle) ** 2) + epsilon);
    each(group, (at) => (hat[at] = (x[at] - middle) / root));
    roots[group] = root;
  }
  return [hat, (delta) => {
    const below = new Float64Array(x.length);
    for (let group = 0; group < groups; group++) {
      const along = mean(group, (at) => delta[at] * hat[at]);
      const middle = centred ? mean(group, (at) => delta[at]) : 0;
      each(group, (at) => (below[at] = (delta[at] - middle - hat[at] * along) / roots[group]));
    }
    return below;
  }];
}

/**
 * One pass forward and back through blocks and a binary head, all of one width.
 * @param {object} net
 * @param {Float64Array[]} net.weights - of the blocks and of the output, without biases
 * @param {string} net.activation
 * @param {string} [net.normalization] - "batch", "layer" or "rms"
 * @param {number} [net.keep] - 1 with a shortcut, 0 without
 * @param {number} [net.scale] - of the branch
 * @param {Float64Array} x - (n, width)
 * @param {Float64Array} y - (n,)
 * @returns {{loss: number, h: Float64Array[], deltas: Float64Array[], weights: Float64Array[]}} the
 *   signal before the first block and behind each, dL/dh of each, and dL/dW of each block
 */
export function throughBlocks({ weights, activation, normalization, keep = 0, scale = 1 }, x, y) {
  const depth = weights.length - 1;
  const n = y.length;
  const width = x.length / n;
  const { value, derivative, standard } = ACTIVATIONS[activation];
  const none = new Float64Array(width);
  const h = [x];
  const ways = [];
  for (let l = 0; l < depth; l++) {
    const z = new Float64Array(x.length);
    multiply(z, h[l], weights[l], none, n, width, width);
    const way = normalised(normalization, z, n, width);
    ways.push(way);
    h.push(h[l].map((one, at) => keep * one + scale * value(way[0][at], standard)));
  }
  const logits = new Float64Array(n);
  multiply(logits, h[depth], weights[depth], none, n, width, 1);
  let delta = new Float64Array(x.length);
  multiplyTransposed(delta, gradient(HEADS.binary, logits, y, 1), weights[depth], n, width, 1);
  const found = { loss: HEADS.binary.loss(logits, y, 1), h, deltas: [delta], weights: [] };
  for (let l = depth - 1; l >= 0; l--) {
    const [hat, back] = ways[l];
    const above = delta;
    const before = back(above.map((one, at) => scale * one * derivative(hat[at], standard)));
    const step = new Float64Array(width * width);
    outer(step, h[l], before, n, width, width);
    found.weights.unshift(step);
    delta = new Float64Array(x.length);
    multiplyTransposed(delta, before, weights[l], n, width, width);
    if (keep) for (let at = 0; at < delta.length; at++) delta[at] += above[at];
    found.deltas.unshift(delta);
  }
  return found;
}
