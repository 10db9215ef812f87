/**
 * The heads of `livegrad.outputs`: output activation, loss and its gradient, computed from logits.
 *
 * Arrays are (n, units), row by row; class numbers become one-hot rows by `oneHot`.
 *
 * @typedef {object} Head
 * @property {string} activation - by its Keras name
 * @property {(logits: Float64Array, units: number) => Float64Array} predict
 * @property {(logits: Float64Array, targets: Float64Array, units: number) => number} loss - the mean
 * @property {(n: number, units: number) => number} factor - of p - y, so that it is the loss's gradient
 * @property {(z: number) => number} [value] - of one logit, where the units do not depend on each other
 * @property {(z: number, t: number) => number} [each] - the loss of one logit, likewise
 */

import { sigmoid } from "./activations.js";

/** t * z, 0 where the label is 0: an infinite logit of another class costs nothing. */
const product = (t, z) => (t === 0 ? 0 : t * z);

function top(logits, from, units) {
  let most = -Infinity;
  for (let k = 0; k < units; k++) if (logits[from + k] > most || logits[from + k] !== logits[from + k]) most = logits[from + k];
  return most;
}

/** A logit minus the row's largest; infinite ones share all probability. */
const shift = (z, most) => (z === most && (most === Infinity || most === -Infinity) ? 0 : z - most);

function softmax(logits, units) {
  const p = new Float64Array(logits.length);
  for (let from = 0; from < p.length; from += units) {
    const most = top(logits, from, units);
    let sum = 0;
    for (let k = from; k < from + units; k++) sum += p[k] = Math.exp(shift(logits[k], most));
    for (let k = from; k < from + units; k++) p[k] /= sum;
  }
  return p;
}

function crossEntropy(logits, targets, units) {
  let total = 0;
  for (let from = 0; from < logits.length; from += units) {
    const most = top(logits, from, units);
    let sum = 0;
    for (let k = from; k < from + units; k++) sum += Math.exp(shift(logits[k], most));
    const log = Math.log(sum);
    for (let k = from; k < from + units; k++) total -= product(targets[k], shift(logits[k], most) - log);
  }
  return total / (logits.length / units);
}

function ofSigmoid(z, t) {
  if ((t === 1 && z === Infinity) || (t === 0 && z === -Infinity)) return 0;
  return Math.max(z, 0) - product(t, z) + Math.log1p(Math.exp(-Math.abs(z)));
}

function ofCount(z, t) {
  const p = Math.exp(z);
  return p === Infinity ? p : p - product(t, z);
}

/** A head whose units do not depend on each other. */
function elementwise(activation, value, each, constant = 1) {
  return {
    activation,
    value,
    each,
    predict: (logits) => logits.map(value),
    loss: (logits, targets) => {
      let total = 0;
      for (let i = 0; i < logits.length; i++) total += each(logits[i], targets[i]);
      return total / logits.length;
    },
    factor: (n, units) => constant / (n * units),
  };
}

const ofBinary = elementwise("sigmoid", sigmoid, ofSigmoid);

/** @type {Record<string, Head>} */
export const HEADS = {
  binary: ofBinary,
  multiclass: { activation: "softmax", predict: softmax, loss: crossEntropy, factor: (n) => 1 / n },
  multilabel: ofBinary,
  regression: elementwise("linear", (z) => z, (z, t) => (z - t) * (z - t), 2),
  count: elementwise("exponential", (z) => Math.exp(z), ofCount),
};

/** d(mean loss) / d(logits): p - y, averaged as the loss is. */
export function gradient(head, logits, targets, units) {
  const delta = head.predict(logits, units);
  const factor = head.factor(logits.length / units, units);
  for (let i = 0; i < delta.length; i++) delta[i] = (delta[i] - targets[i]) * factor;
  return delta;
}

/**
 * @param {ArrayLike<number>} classes - (n,)
 * @returns {Float64Array} (n, units)
 */
export function oneHot(classes, units) {
  const rows = new Float64Array(classes.length * units);
  for (let i = 0; i < classes.length; i++) rows[i * units + classes[i]] = 1;
  return rows;
}
