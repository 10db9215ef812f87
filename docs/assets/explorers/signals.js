/**
 * `livegrad.signals.measure`: the same numbers, bounds, verdicts and words, which the Python module's
 * text explains.
 *
 * @typedef {object} LayerSignal
 * @property {number} layer - from 1
 * @property {string} name - "hidden 1", ..., "output"
 * @property {number} mean
 * @property {number} spread
 * @property {number} dead
 * @property {number} saturated
 * @property {number} gradientNorm
 * @property {number} gain - of the gradient; NaN for the output
 * @property {number} signalGain - NaN for the output
 * @property {string} verdict
 *
 * @typedef {object} Report
 * @property {LayerSignal[]} layers
 * @property {number} loss
 * @property {number} gain - the gradient's product
 * @property {number} signalGain - the signal's
 * @property {string} verdict
 * @property {string} why
 */

import { ACTIVATIONS } from "./activations.js";
import { HEADS } from "./heads.js";
import { norm, ratio, spread } from "./matrix.js";

/** The bounds of the gradient's product and of the signal's, for plain SGD. */
export const GRADIENT_BOUNDS = [0.005, 20];
export const SIGNAL_BOUNDS = [0.004, 100];
/** The verdicts, the gravest first. */
const CODES = [
  "non-finite",
  "symmetric-weights",
  "exploding-gradient",
  "vanishing-gradient",
  "exploding-signal",
  "vanishing-signal",
  "dead-units",
  "saturated-units",
  "healthy",
];
const A_TWENTIETH = 0.05;
const EXCUSED = 0.99;

function mean(signal) {
  const share = 1 / signal.length;
  let sum = 0;
  for (let i = 0; i < signal.length; i++) sum += signal[i] * share;
  return sum;
}

/** The signal's product; NaN where all inputs are alike: there is no signal to pass on. */
const signalRatio = (last, first) => (first !== 0 ? last / first : NaN);

/** [share of dead units, share of saturated (example, unit) pairs] of pre-activations (n, units). */
export function shares(name, z, units) {
  const activation = ACTIVATIONS[name];
  if (!activation) return [0, 0];
  const { derivative, standard, saturates, maxSlope } = activation;
  const bound = A_TWENTIETH * maxSlope;
  const alive = new Uint8Array(units);
  let low = 0;
  for (let at = 0, o = 0; at < z.length; at++, o = o + 1 === units ? 0 : o + 1) {
    const slope = Math.abs(derivative(z[at], standard));
    if (slope !== 0) alive[o] = 1;
    // A slope of exactly 0 on the left is how ReLU works; what it costs, the dead tell.
    if (slope < bound && (name !== "relu" || slope > 0)) low += 1;
  }
  const dead = alive.reduce((count, one) => count + 1 - one, 0) / units;
  return [dead, saturates === "no" ? 0 : low / z.length];
}

/** Python's format `.3g`. */
export function short(value) {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  const [digits, exponent] = value.toExponential(2).split("e");
  const power = Number(exponent);
  if (value !== 0 && (power < -4 || power >= 3)) {
    return `${Number(digits)}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
  }
  return String(Number(value.toPrecision(3)));
}

/** Python's format `.0%`: a half goes to the even neighbour. */
export function percent(share) {
  const value = share * 100;
  const below = Math.floor(value);
  const half = value - below === 0.5;
  return `${half ? below + (below % 2) : Math.round(value)}%`;
}

/** The share of dead or saturated units above which a layer is named. */
function allowed(activation, depth, width) {
  const working = ACTIVATIONS[activation]?.saturates === "left" ? 0.5 : 1;
  const byProduct = 1 - working * A_TWENTIETH ** (2 / depth);
  const byChance = 1 - working + 3 * Math.sqrt((working * (1 - working)) / width);
  return Math.max(byProduct, Math.min(byChance, EXCUSED));
}

function symmetric(weight, bias) {
  const units = bias.length;
  if (units < 2 || bias.some((value) => value !== bias[0])) return false;
  return weight.every((value, at) => value === weight[at - (at % units)]);
}

/** [layer, what] of all that is not finite, in the order in which it was computed. */
function notFinite(net, trace, gradients) {
  const last = net.depth;
  const computed = [[0, "inputs", trace.x]];
  for (let l = 0; l <= last; l++) {
    computed.push([l, "weights", net.weights[l]], [l, "biases", net.biases[l]], [l, "pre-activations", trace.z[l]]);
    if (l < last) computed.push([l, "activations", trace.a[l]]);
  }
  computed.push([last, "losses", [gradients.loss]]);
  for (let l = last; l >= 0; l--) {
    computed.push([l, "gradients of pre-activations", gradients.z[l]]);
    computed.push([l, "gradients of weights", gradients.weights[l]]);
    computed.push([l, "gradients of its inputs", l ? gradients.a[l - 1] : gradients.x]);
  }
  const found = [];
  for (const [layer, what, array] of computed) {
    // x - x is 0 for what is finite and NaN for the rest: one sum tells whether to count.
    let sum = 0;
    for (let i = 0; i < array.length; i++) sum += array[i] - array[i];
    if (sum === 0) continue;
    const bad = [...array].filter((value) => !Number.isFinite(value)).length;
    found.push([layer, `${bad} of ${array.length} ${what} are not finite, above 0`]);
  }
  return found;
}

/** A product of gains, of the gradient or of the signal, beside its bounds. */
class Product {
  constructor(of, value) {
    Object.assign(this, { of, value, bounds: of === "gradient" ? GRADIENT_BOUNDS : SIGNAL_BOUNDS });
    const [low, high] = this.bounds;
    this.verdict = value > high ? `exploding-${of}` : value < low ? `vanishing-${of}` : "healthy";
  }

  /** Verdict and reason of a layer that is out of bounds as the product is. */
  ofLayer(gain, depth) {
    const [low, high] = this.bounds.map((bound) => bound ** (1 / depth));
    const said = `the ${this.of}'s gain ${short(gain)} is`;
    if (this.verdict.startsWith("exploding") && gain > high) return [this.verdict, `${said} above ${short(high)}`];
    if (this.verdict.startsWith("vanishing") && gain < low) return [this.verdict, `${said} below ${short(low)}`];
    return ["healthy", ""];
  }

  toString() {
    const { of, value, verdict } = this;
    if (Number.isNaN(value)) return `the ${of}'s product is not defined: all inputs are alike`;
    const [low, high] = this.bounds.map(short);
    const where = { e: `above ${high}`, v: `below ${low}`, h: `between ${low} and ${high}` }[verdict[0]];
    return `the ${of}'s product ${short(value)} is ${where}`;
  }
}

/** The verdict on one hidden layer, and the measured number beside its bound. */
function judgeHidden(net, at, products, gains, dead, saturated) {
  const width = net.widths[at + 1];
  if (symmetric(net.weights[at], net.biases[at])) {
    return ["symmetric-weights", `all ${width} units have the same weights and bias`];
  }
  for (const [k, product] of products.entries()) {
    const [verdict, why] = product.ofLayer(gains[k], net.depth);
    if (why) return [verdict, why];
  }
  const most = allowed(net.activation, net.depth, width);
  if (dead > most) return ["dead-units", `${percent(dead)} of the units are dead, above ${percent(most)}`];
  if (saturated > most) return ["saturated-units", `${percent(saturated)} are saturated, above ${percent(most)}`];
  return ["healthy", ""];
}

/** The first layer whose dead or saturated units explain a small product, if there is one. */
function cause(net, layers) {
  for (const { name, layer, dead, saturated } of layers) {
    const most = allowed(net.activation, net.depth, net.widths[layer]);
    for (const [share, what] of [[dead, "dead"], [saturated, "saturated"]]) {
      if (share > most) return `; ${name}: ${percent(share)} ${what}, above ${percent(most)}`;
    }
  }
  return "";
}

/** The gravest verdict and its reason: the products', or that of the first layer named. */
function judgeNetwork(net, products, layers) {
  const first = (code) => layers.find(({ verdict }) => verdict === code);
  const reason = (code) => [code, `${first(code).name}: ${first(code).reason}`];
  if (first("symmetric-weights")) return reason("symmetric-weights");
  const out = products.filter(({ verdict }) => verdict !== "healthy");
  if (out.length) {
    const [gravest] = out.map(({ verdict }) => verdict).sort((one, other) => CODES.indexOf(one) - CODES.indexOf(other));
    const vanished = out.some(({ verdict }) => verdict.startsWith("vanishing"));
    return [gravest, out.join("; ") + (vanished ? cause(net, layers.slice(0, -1)) : "")];
  }
  for (const code of ["dead-units", "saturated-units"]) if (first(code)) return reason(code);
  return ["healthy", products.join("; ")];
}

/**
 * Run one forward and one backward pass, without dropout, and judge what passed.
 * @param {import("./engine.js").MLP} net
 * @param {Float64Array} x - (n, widths[0])
 * @param {Float64Array} targets - (n, widths[-1])
 * @returns {Report}
 */
export function measure(net, x, targets) {
  const trace = net.forward(x);
  return judge(net, trace, net.backward(trace, targets));
}

/** The report on passes that were made already. */
export function judge(net, trace, gradients) {
  const { depth, widths } = net;
  const output = HEADS[net.head].predict(trace.z[depth], widths[depth + 1]);
  const signals = [trace.x, ...trace.a, output];
  const spreads = signals.map((signal, l) => spread(signal, widths[l]));
  const sizes = gradients.z.map(norm); // of delta_1 to delta_(L+1)
  const product = new Product("gradient", depth ? ratio(sizes[0], sizes[depth]) : 1);
  const signalProduct = new Product("signal", depth ? signalRatio(spreads[depth], spreads[0]) : 1);
  const products = [product, signalProduct];
  const broken = notFinite(net, trace, gradients);
  const layers = [];
  for (let l = 0; l <= depth; l++) {
    const hidden = l < depth;
    const gain = hidden ? ratio(sizes[l], sizes[l + 1]) : NaN;
    const signalGain = hidden ? ratio(spreads[l + 1], spreads[l]) : NaN;
    const [dead, saturated] = hidden ? shares(net.activation, trace.z[l], widths[l + 1]) : [0, 0];
    let [verdict, reason] = ["healthy", ""];
    if (broken.some(([where]) => where === l)) verdict = "non-finite";
    else if (hidden) [verdict, reason] = judgeHidden(net, l, products, [gain, signalGain], dead, saturated);
    layers.push({
      layer: l + 1,
      name: hidden ? `hidden ${l + 1}` : "output",
      mean: mean(signals[l + 1]),
      spread: spreads[l + 1],
      dead,
      saturated,
      gradientNorm: norm(gradients.weights[l]),
      gain,
      signalGain,
      verdict,
      reason,
    });
  }
  const [verdict, why] = broken.length
    ? ["non-finite", `${layers[broken[0][0]].name}: ${broken[0][1]}`]
    : judgeNetwork(net, products, layers);
  return { layers, loss: gradients.loss, gain: product.value, signalGain: signalProduct.value, verdict, why };
}

/** Python's format `.1e` or the like. */
export function power(value, digits) {
  if (!Number.isFinite(value)) return short(value);
  return value.toExponential(digits).replace(/e([+-])(\d)$/, "e$10$2");
}

/** Words put on lines of at most 80 characters, as Python's textwrap does it: also after a hyphen. */
function wrap(text) {
  const lines = [""];
  for (const word of text.split(" ").flatMap((one, at) => (at ? [" ", one] : [one]))) {
    for (const piece of word.split(/(?<=[A-Za-z]-)(?=[A-Za-z])/)) {
      if (lines.at(-1).length + piece.length > 80) lines.push("");
      if (lines.at(-1) || piece !== " ") lines[lines.length - 1] += piece;
    }
  }
  return lines.map((line) => line.trimEnd());
}

/** What `print(report)` prints in Python. */
export function table({ layers, gain, signalGain, verdict, why }) {
  const wide = Math.max(9, ...layers.map(({ name }) => name.length));
  const rows = [`${"layer".padEnd(wide)}   mean  spread   signal gradient dead sat. |dL/dW| verdict`];
  for (const [at, layer] of layers.entries()) {
    const { name, mean: middle, dead, saturated, gradientNorm } = layer;
    const sign = middle < 0 || Object.is(middle, -0) ? "-" : "";
    const size = Math.abs(middle);
    const small = size < 100 ? sign + size.toFixed(size < 10 ? 3 : 2) : power(middle, 1);
    const gains = at === layers.length - 1 ? ["-", "-"] : [short(layer.signalGain), short(layer.gain)];
    const parts = [name.padEnd(wide), small.padStart(6), power(layer.spread, 1).padStart(7)];
    parts.push(...gains.map((text) => text.padStart(8)), percent(dead).padStart(4), percent(saturated).padStart(4));
    rows.push([...parts, power(gradientNorm, 1).padStart(7), layer.verdict].join(" "));
  }
  const products = [short(signalGain), short(gain)].map((text) => text.padStart(8)).join(" ");
  rows.push(`${"product".padEnd(wide)} ${" ".repeat(14)} ${products}`);
  return `${[...rows, ...wrap(`${verdict}: ${why}`)].join("\n")}\n`;
}
