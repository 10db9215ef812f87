/*
 * An axis of numbers, linear or over orders of magnitude: where a value lies, what a slider stops
 * at, how a number is said, and on which side of the answer a guess is.
 *
 * @typedef {object} Axis
 * @property {number} low
 * @property {number} high
 * @property {boolean} log
 * @property {number} near - what still counts as right
 */

import { decimal, say } from "./words.js";

/** @param {number} value @param {Axis} axis @returns {number} 0 at its low end, 1 at its high one */
export function share(value, { low, high, log }) {
  return log ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
}

/** @param {number} part @param {Axis} axis @returns {number} the value there */
export function valueAt(part, { low, high, log }) {
  return log ? low * (high / low) ** part : low + part * (high - low);
}

const tidy = (x) => Number(x.toPrecision(3));
const WITHIN = [1, 1.5, 2, 3, 5, 7];

/** @param {Axis} axis @returns {number[]} what a slider along it stops at */
export function stops({ low, high, log }) {
  const found = new Set([low, high]);
  if (log) {
    for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++) {
      for (const step of WITHIN) found.add(tidy(step * 10 ** power));
    }
  } else {
    const rough = (high - low) / 100;
    const power = 10 ** Math.floor(Math.log10(rough) + 1e-9);
    const fine = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= rough * 0.999);
    const whole = Number.isInteger(low) && Number.isInteger(high) && high - low >= 20;
    const step = whole ? Math.max(1, Math.round(fine)) : fine;
    for (let at = 0; low + at * step < high; at++) found.add(Number((low + at * step).toPrecision(9)));
  }
  return [...found].filter((one) => one >= low && one <= high).sort((a, b) => a - b);
}

/** @param {Axis} axis @returns {number[]} few round numbers along it, to be written beside it */
export function ticks({ low, high, log }) {
  if (log) {
    const [first, last] = [Math.ceil(Math.log10(low) - 1e-9), Math.floor(Math.log10(high) + 1e-9)];
    const every = Math.max(1, Math.ceil((last - first) / 5));
    return Array.from({ length: Math.floor((last - first) / every) + 1 }, (_, at) => 10 ** (first + at * every));
  }
  const rough = (high - low) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= rough);
  const first = Math.ceil(low / step - 1e-9);
  const count = Math.floor(high / step + 1e-9) - first + 1;
  return Array.from({ length: count }, (_, at) => Number(((first + at) * step).toPrecision(9)));
}

const RAISED = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };
const PARTS = [
  ...["", "", "hundredth", "thousandth", "ten-thousandth", "hundred-thousandth"],
  ...["millionth", "ten-millionth", "hundred-millionth", "billionth"],
];
const MANY = { 6: "{n} million", 9: "{n} billion" };

/** @param {number} x @returns {[number, number]} mantissa and power of ten, two digits of it */
function split(x) {
  const [mantissa, power] = x.toExponential(1).split("e").map(Number);
  return [mantissa, power];
}

/** @param {number} x @returns {string} for the eye: 0.25, 3 × 10⁻⁷ */
export function written(x) {
  const [mantissa, power] = split(x);
  if (x === 0 || (power >= -2 && power < 5)) return decimal(String(tidy(x))).replace("-", "−");
  const raised = [...String(power)].map((sign) => RAISED[sign]).join("");
  return `${mantissa === 1 ? "" : `${decimal(String(mantissa))} × `.replace("-", "−")}10${raised}`;
}

/** @param {number} x @returns {string} in words, where there are any: 3 ten-millionths, 2 million */
export function spoken(x) {
  const [mantissa, power] = split(x);
  const n = decimal(String(mantissa));
  if (x === 0 || (power >= -1 && power < 6)) return decimal(String(tidy(x))).replace("-", "minus ");
  if (power < 0 && -power < PARTS.length) {
    const part = say(PARTS[-power]);
    return `${n} ${mantissa === 1 ? part : say("{part}s", { part })}`;
  }
  const thousands = power - (((power % 3) + 3) % 3);
  if (thousands in MANY) return say(MANY[thousands], { n: decimal(String(tidy(x / 10 ** thousands))) });
  return say("{n} times 10 to the {power}", { n, power: String(power).replace("-", "minus ") });
}

/**
 * @param {number} guess @param {Axis & {answer: number}} asked
 * @returns {"right" | "above" | "below"} where a guessed number lies
 */
export function sideOfNumber(guess, { answer, near, log }) {
  // A stop of the slider that is exactly as far as allowed is not missed by rounding.
  const far = log ? Math.abs(Math.log(guess / answer)) / Math.log(near) : Math.abs(guess - answer) / near;
  if (far <= 1 + 1e-9) return "right";
  return guess > answer ? "above" : "below";
}

/**
 * @param {number[]} shares - of the drawn curve @param {Axis & {y: number[]}} asked
 * @returns {"right" | "above" | "below"} where it lies, taken together
 */
export function sideOfCurve(shares, asked) {
  const apart = shares.map((one, at) => one - share(asked.y[at], asked));
  const mean = (numbers) => numbers.reduce((sum, one) => sum + one, 0) / numbers.length;
  if (mean(apart.map(Math.abs)) <= asked.near) return "right";
  return mean(apart) > 0 ? "above" : "below";
}
