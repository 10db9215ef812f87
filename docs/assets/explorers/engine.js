/**
 * The product itself, as `livegrad.network.MLP` computes it: the same weights and inputs give the
 * same values, gradients and steps. A matrix is a Float64Array, row by row, one example a row.
 *
 * @typedef {object} Trace - what one forward pass computed; the next pass writes over it
 * @property {Float64Array} x - (n, widths[0])
 * @property {number} n
 * @property {Float64Array[]} z - pre-activations of every layer, (n, fan_out)
 * @property {Float64Array[]} a - what each hidden layer passes on, (n, fan_out)
 * @property {(Float64Array | null)[]} masks - dropout's, ones and zeros; null where nothing is dropped
 * @property {number} keep - what the masked values were divided by
 *
 * @typedef {object} Gradients - of the mean loss; the next pass writes over it
 * @property {number} loss
 * @property {Float64Array[]} weights - (fan_in, fan_out)
 * @property {Float64Array[]} biases - (fan_out,)
 * @property {Float64Array[]} z - (n, fan_out)
 * @property {Float64Array[]} a - of each hidden layer, (n, fan_out)
 * @property {Float64Array} x - (n, widths[0])
 */

import { ACTIVATIONS, logSoftmax, softmax } from "./activations.js";
import { gradient, HEADS } from "./heads.js";
import { draw } from "./initializers.js";
import { columnSums, multiply, multiplyTransposed, outer } from "./matrix.js";
import { Optimizer } from "./optimizers.js";
import { Generator } from "./random.js";

/** The activations that pair with glorot_uniform, where a network is built without an initializer. */
const WITH_GLOROT = new Set(["linear", "sigmoid", "tanh", "softmax", "log_softmax"]);

/** The name of the initializer that pairs with an activation. */
export function pairing(activation) {
  if (activation === "selu") return "lecun_normal";
  return WITH_GLOROT.has(activation) ? "glorot_uniform" : "he_normal";
}

/** Softmax or its logarithm of each row, as a hidden layer's activation. */
function activateRows(name, out, z, units) {
  const formula = name === "softmax" ? softmax : logSoftmax;
  for (let from = 0; from < z.length; from += units) {
    out.set(formula([...z.subarray(from, from + units)]), from);
  }
}

/** dL/dz of each row of softmax or its logarithm, given dL/d(output). */
function rowsBackward(name, out, z, above, units) {
  for (let from = 0; from < z.length; from += units) {
    const p = softmax([...z.subarray(from, from + units)]);
    let sum = 0;
    for (let k = 0; k < units; k++) sum += above[from + k] * (name === "softmax" ? p[k] : 1);
    for (let k = 0; k < units; k++) {
      const one = above[from + k];
      out[from + k] = name === "softmax" ? p[k] * (one - sum) : one - p[k] * sum;
    }
  }
}

export class MLP {
  #rooms = new Map();

  /**
   * @param {number[]} widths - inputs, hidden layers, outputs
   * @param {object} [options]
   * @param {string} [options.activation] - of the hidden layers
   * @param {string} [options.initializer] - the one that pairs with the activation, unless given
   * @param {string} [options.head] - the task
   * @param {number} [options.dropout] - share of each hidden layer's outputs dropped in training
   * @param {number | Generator} [options.rng] - seed or generator
   * @param {number} [options.scale] - factor of all drawn weights
   * @param {string} [options.optimizer] - what `step` moves the weights by
   */
  constructor(
    widths,
    { activation = "relu", initializer, head = "binary", dropout = 0, rng = 0, scale = 1, optimizer = "sgd" } = {},
  ) {
    this.widths = widths;
    this.depth = widths.length - 2;
    this.activation = activation;
    this.head = head;
    this.dropout = dropout;
    this.rng = rng instanceof Generator ? rng : new Generator(rng);
    this.optimizer = new Optimizer(optimizer);
    this.weights = [];
    this.biases = [];
    for (let l = 0; l + 1 < widths.length; l++) {
      const weight = draw(initializer ?? pairing(activation), widths[l], widths[l + 1], this.rng);
      this.weights.push(scale === 1 ? weight : weight.map((value) => scale * value));
      this.biases.push(new Float64Array(widths[l + 1]));
    }
  }

  /** An array of this size that stays the same from pass to pass. */
  #room(name, layer, size) {
    const key = `${name} ${layer}`;
    let room = this.#rooms.get(key);
    if (room?.length !== size) {
      room = new Float64Array(size);
      this.#rooms.set(key, room);
    }
    return room;
  }

  /**
   * @param {Float64Array} x - (n, widths[0])
   * @param {object} [options]
   * @param {boolean} [options.training] - whether dropout acts
   * @param {Float64Array[]} [options.masks] - given masks of ones and zeros, instead of drawn ones
   * @returns {Trace}
   */
  forward(x, { training = false, masks } = {}) {
    const n = x.length / this.widths[0];
    const keep = training ? 1 - this.dropout : 1;
    const trace = { x, n, z: [], a: [], masks: [], keep };
    let signal = x;
    for (let l = 0; l <= this.depth; l++) {
      const size = n * this.widths[l + 1];
      const z = this.#room("z", l, size);
      multiply(z, signal, this.weights[l], this.biases[l], n, this.widths[l], this.widths[l + 1]);
      trace.z.push(z);
      if (l === this.depth) break;
      const a = this.#room("a", l, size);
      this.activate(a, z, this.widths[l + 1]);
      const mask = keep < 1 ? (masks?.[l] ?? this.mask(size)) : null;
      if (mask) for (let i = 0; i < size; i++) a[i] = mask[i] ? a[i] / keep : 0;
      trace.a.push(a);
      trace.masks.push(mask);
      signal = a;
    }
    return trace;
  }

  /** A dropout mask drawn as NumPy draws it. */
  mask(size) {
    return this.rng.uniforms(size).map((share) => (share >= this.dropout ? 1 : 0));
  }

  /** out = phi(z); rows of `units` are what softmax normalises. */
  activate(out, z, units) {
    const activation = ACTIVATIONS[this.activation];
    if (!activation) {
      activateRows(this.activation, out, z, units);
      return;
    }
    const { value, standard } = activation;
    for (let i = 0; i < z.length; i++) out[i] = value(z[i], standard);
  }

  /**
   * @param {Trace} trace - of `forward`, for the same weights
   * @param {Float64Array} targets - (n, widths[-1])
   * @returns {Gradients}
   */
  backward(trace, targets) {
    const { n, z, a } = trace;
    const units = this.widths[this.depth + 1];
    const head = HEADS[this.head];
    const found = { loss: head.loss(z[this.depth], targets, units), weights: [], biases: [], z: [], a: [] };
    let delta = gradient(head, z[this.depth], targets, units);
    for (let l = this.depth; l >= 0; l--) {
      const [fanIn, fanOut] = [this.widths[l], this.widths[l + 1]];
      found.z[l] = delta;
      found.weights[l] = this.#room("dW", l, fanIn * fanOut);
      outer(found.weights[l], l ? a[l - 1] : trace.x, delta, n, fanIn, fanOut);
      found.biases[l] = this.#room("db", l, fanOut);
      columnSums(found.biases[l], delta, n, fanOut);
      const below = this.#room("da", l, n * fanIn);
      multiplyTransposed(below, delta, this.weights[l], n, fanIn, fanOut);
      if (l === 0) {
        found.x = below;
        break;
      }
      found.a[l - 1] = below;
      delta = this.#through(l - 1, trace, below);
    }
    return found;
  }

  /** dL/dz of a hidden layer from dL/da: times mask / keep, times phi'(z). */
  #through(layer, { z, masks, keep }, above) {
    const delta = this.#room("dz", layer, above.length);
    const mask = masks[layer];
    for (let i = 0; i < delta.length; i++) delta[i] = mask ? above[i] * (mask[i] / keep) : above[i];
    const activation = ACTIVATIONS[this.activation];
    if (!activation) {
      rowsBackward(this.activation, delta, z[layer], delta.slice(), this.widths[layer + 1]);
      return delta;
    }
    const { derivative, standard } = activation;
    for (let i = 0; i < delta.length; i++) delta[i] *= derivative(z[layer][i], standard);
    return delta;
  }

  /** Move all weights against their gradients, by the optimizer's rule; the rate may be a schedule. */
  step({ weights, biases }, learningRate) {
    const rate = this.optimizer.begin(learningRate);
    this.optimizer.step([...this.weights, ...this.biases], [...weights, ...biases], rate);
  }

  /**
   * One pass over the data in mini-batches, shuffled as `MLP.fit` shuffles, or in a given order.
   * @returns {number} the mean loss, measured batch by batch; training stops where it is not finite
   */
  epoch(x, targets, { learningRate = 0.1, batchSize = 32, order } = {}) {
    const [inputs, units] = [this.widths[0], this.widths[this.depth + 1]];
    order ??= this.rng.permutation(x.length / inputs);
    let [total, seen] = [0, 0];
    for (let start = 0; start < order.length; start += batchSize) {
      const rows = order.subarray(start, start + batchSize);
      const gradients = this.backward(
        this.forward(gather(x, rows, inputs), { training: true }),
        gather(targets, rows, units),
      );
      total += gradients.loss * rows.length;
      seen += rows.length;
      if (!Number.isFinite(gradients.loss)) break;
      this.step(gradients, learningRate);
    }
    return total / seen;
  }

  /** The head's predictions, (n, widths[-1]). */
  predict(x) {
    return HEADS[this.head].predict(this.forward(x).z[this.depth], this.widths[this.depth + 1]);
  }
}

/** The rows of a matrix with these numbers. */
export function gather(matrix, rows, columns) {
  const out = new Float64Array(rows.length * columns);
  for (let r = 0; r < rows.length; r++) {
    for (let c = 0; c < columns; c++) out[r * columns + c] = matrix[rows[r] * columns + c];
  }
  return out;
}
