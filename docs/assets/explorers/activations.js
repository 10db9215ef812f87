/**
 * The activations of `livegrad.activations`, with the same names, parameters and formulas: nothing
 * overflows on the way, NaN passes through, and infinite input gives the limit.
 *
 * Each elementwise one has at most one parameter, its second argument, so that a loop over a typed
 * array can hold the two functions and call them without building an object.
 *
 * @typedef {object} Activation
 * @property {string} name - as in Python
 * @property {(x: number, parameter?: number) => number} value
 * @property {(x: number, parameter?: number) => number} derivative - at a kink the left one
 * @property {"both" | "left" | "no"} saturates - where the slope goes to zero
 * @property {[number, number]} range - reached or approached, with the default parameter
 * @property {number} maxSlope - the largest slope, with the default parameter
 * @property {string} [parameter] - the name of the second argument in Python
 * @property {number} [standard] - its default
 */

const SELU_ALPHA = 1.6732632423543772;
const SELU_SCALE = 1.0507009873554805;
const ROOT_2 = Math.SQRT2;
const ROOT_2_PI = Math.sqrt(2 * Math.PI);
const ROOT_2_OVER_PI = Math.sqrt(2 / Math.PI);

/** The product with 0 * inf = 0, the limit of every product below. */
function times(a, b) {
  return a === 0 && (b === Infinity || b === -Infinity) ? 0 : a * b;
}

function sigmoid(x) {
  const small = Math.exp(-Math.abs(x));
  return x >= 0 ? 1 / (1 + small) : small / (1 + small);
}

function sigmoidSlope(x) {
  const small = Math.exp(-Math.abs(x));
  return small / ((1 + small) * (1 + small));
}

function tanhSlope(x) {
  // 1 - tanh^2 loses all its digits where tanh rounds to 1; this form does not.
  const small = Math.exp(-2 * Math.abs(x));
  return (4 * small) / ((1 + small) * (1 + small));
}

function elu(x, alpha = 1) {
  return x >= 0 ? x : alpha * Math.expm1(x);
}

function eluSlope(x, alpha = 1) {
  return x > 0 ? 1 : alpha * Math.exp(x);
}

function softplus(x) {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}

/*
 * erfc after fdlibm's s_erf.c, which says:
 *
 * Copyright (C) 1993 by Sun Microsystems, Inc. All rights reserved.
 * Developed at SunPro, a Sun Microsystems, Inc. business.
 * Permission to use, copy, modify, and distribute this software is freely granted, provided that
 * this notice is preserved.
 */
const ERX = 8.45062911510467529297e-1;
// [numerator, denominator] of each interval's rational function, lowest power first.
const NEAR_0 = [
  [1.28379167095512558561e-1, -3.25042107247001499370e-1, -2.84817495755985104766e-2,
    -5.77027029648944159157e-3, -2.37630166566501626084e-5],
  [1, 3.97917223959155352819e-1, 6.50222499887672944485e-2, 5.08130628187576562776e-3,
    1.32494738004321644526e-4, -3.96022827877536812320e-6],
];
const NEAR_1 = [
  [-2.36211856075265944077e-3, 4.14856118683748331666e-1, -3.72207876035701323847e-1,
    3.18346619901161753674e-1, -1.10894694282396677476e-1, 3.54783043256182359371e-2,
    -2.16637559486879084300e-3],
  [1, 1.06420880400844228286e-1, 5.40397917702171048937e-1, 7.18286544141962662868e-2,
    1.26171219808761642112e-1, 1.36370839120290507362e-2, 1.19844998467991074170e-2],
];
const MIDDLE = [
  [-9.86494403484714822705e-3, -6.93858572707181764372e-1, -1.05586262253232909814e1,
    -6.23753324503260060396e1, -1.62396669462573470355e2, -1.84605092906711035994e2,
    -8.12874355063065934246e1, -9.81432934416914548592],
  [1, 1.96512716674392571292e1, 1.37657754143519042600e2, 4.34565877475229228821e2,
    6.45387271733267880336e2, 4.29008140027567833386e2, 1.08635005541779435134e2,
    6.57024977031928170135, -6.04244152148580987438e-2],
];
const FAR = [
  [-9.86494292470009928597e-3, -7.99283237680523006574e-1, -1.77579549177547519889e1,
    -1.60636384855821916062e2, -6.37566443368389627722e2, -1.02509513161107724954e3,
    -4.83519191608651397019e2],
  [1, 3.03380607434824582924e1, 3.25792512996573918826e2, 1.53672958608443695994e3,
    3.19985821950859553908e3, 2.55305040643316442583e3, 4.74528541206955367215e2,
    -2.24409524465858183362e1],
];

function polynomial(coefficients, x) {
  let sum = 0;
  for (let i = coefficients.length - 1; i >= 0; i--) sum = sum * x + coefficients[i];
  return sum;
}

function rational([numerator, denominator], x) {
  return polynomial(numerator, x) / polynomial(denominator, x);
}

/** 1 - erf(x), with full relative precision far into the right tail. */
export function erfc(x) {
  const size = Math.abs(x);
  if (size < 0.84375) return 1 - (x + x * rational(NEAR_0, x * x));
  if (size < 1.25) {
    const part = rational(NEAR_1, size - 1);
    return x > 0 ? 1 - ERX - part : 1 + ERX + part;
  }
  if (!(size < 28)) return Number.isNaN(x) ? x : x > 0 ? 0 : 2;
  // The leading digits' square is exact, so that the exponent loses nothing.
  const head = Math.fround(size);
  const tail = rational(size < 1 / 0.35 ? MIDDLE : FAR, 1 / (size * size));
  const result = (Math.exp(-head * head - 0.5625) * Math.exp((head - size) * (head + size) + tail)) / size;
  return x > 0 ? result : 2 - result;
}

function normalCdf(x) {
  return 0.5 * erfc(-x / ROOT_2);
}

function geluInner(x) {
  return ROOT_2_OVER_PI * (x + 0.044715 * x * x * x);
}

function gelu(x, approximate = 0) {
  return times(approximate ? sigmoid(2 * geluInner(x)) : normalCdf(x), x);
}

function geluSlope(x, approximate = 0) {
  // Cut off where the bell is 0 anyway, so that no square overflows.
  const cut = Math.max(-1e4, Math.min(x, 1e4));
  if (!approximate) return normalCdf(x) + (Math.exp((-cut * cut) / 2) / ROOT_2_PI) * cut;
  const gateSlope = 2 * sigmoidSlope(2 * geluInner(cut)) * ROOT_2_OVER_PI * (1 + 3 * 0.044715 * cut * cut);
  return sigmoid(2 * geluInner(x)) + gateSlope * cut;
}

/** @type {Record<string, Activation>} */
export const ACTIVATIONS = Object.fromEntries(
  [
    {
      name: "linear",
      value: (x) => x,
      derivative: (x) => (x !== x ? x : 1),
      saturates: "no",
      range: [-Infinity, Infinity],
      maxSlope: 1,
    },
    {
      name: "sigmoid",
      value: sigmoid,
      derivative: sigmoidSlope,
      saturates: "both",
      range: [0, 1],
      maxSlope: 0.25,
    },
    {
      name: "tanh",
      value: Math.tanh,
      derivative: tanhSlope,
      saturates: "both",
      range: [-1, 1],
      maxSlope: 1,
    },
    {
      name: "relu",
      value: (x) => Math.max(x, 0),
      derivative: (x) => (x !== x ? x : x > 0 ? 1 : 0),
      saturates: "left",
      range: [0, Infinity],
      maxSlope: 1,
    },
    {
      name: "leaky_relu",
      value: (x, slope = 0.01) => (x > 0 ? x : times(slope, x)),
      derivative: (x, slope = 0.01) => (x !== x ? x : x > 0 ? 1 : slope),
      saturates: "no",
      range: [-Infinity, Infinity],
      maxSlope: 1,
      parameter: "negative_slope",
      standard: 0.01,
    },
    {
      name: "elu",
      value: elu,
      derivative: eluSlope,
      saturates: "left",
      range: [-1, Infinity],
      maxSlope: 1,
      parameter: "alpha",
      standard: 1,
    },
    {
      name: "selu",
      value: (x) => SELU_SCALE * elu(x, SELU_ALPHA),
      derivative: (x) => SELU_SCALE * eluSlope(x, SELU_ALPHA),
      saturates: "left",
      range: [-SELU_SCALE * SELU_ALPHA, Infinity],
      maxSlope: SELU_SCALE * SELU_ALPHA,
    },
    {
      name: "softplus",
      value: softplus,
      derivative: sigmoid,
      saturates: "left",
      range: [0, Infinity],
      maxSlope: 1,
    },
    {
      name: "silu",
      value: (x) => times(sigmoid(x), x),
      derivative: (x) => sigmoid(x) + times(sigmoidSlope(x), x),
      saturates: "left",
      range: [-0.2784645427610738, Infinity],
      maxSlope: 1.099839320128867,
    },
    {
      name: "gelu",
      value: gelu,
      derivative: geluSlope,
      saturates: "left",
      range: [-0.1699712074799037, Infinity],
      maxSlope: 1.128904145185155,
      parameter: "approximate",
      standard: 0,
    },
  ].map((activation) => [activation.name, activation]),
);

/** z minus its largest entry, infinities already turned into their limits. */
function shifted(z) {
  const top = z.reduce((a, b) => Math.max(a, b), -Infinity);
  return z.map((x) => (!Number.isFinite(top) && x === top ? 0 : x - top));
}

/**
 * e^(z_i / temperature) over the sum of these.
 * @param {number[]} z - (k,)
 * @returns {number[]} (k,)
 */
export function softmax(z, temperature = 1) {
  const weights = shifted(z).map((x) => Math.exp(x / temperature));
  const sum = weights.reduce((a, b) => a + b, 0);
  return weights.map((w) => w / sum);
}

/** The logarithm of softmax at temperature 1: (k,) to (k,). */
export function logSoftmax(z) {
  const from = shifted(z);
  const log = Math.log(from.reduce((sum, x) => sum + Math.exp(x), 0));
  return from.map((x) => x - log);
}

export { sigmoid };
