/**
 * NumPy's default generator: the same seed gives the same numbers as `np.random.default_rng(seed)`,
 * so that what an explorer shows can be had in Python, digit by digit.
 *
 * Sources: O'Neill 2014 (PCG XSL RR 128/64) and 2015 (seed sequence); Marsaglia and Tsang 2000 (the
 * ziggurat, with NumPy's 256 layers); Lemire 2019 (whole numbers without bias).
 */

import { erfc } from "./activations.js";

const TWO_32 = 2 ** 32;

/** The four 64-bit words that NumPy's SeedSequence makes of a seed below 2^32, as 32-bit halves. */
function seedWords(seed) {
  const pool = new Uint32Array(4);
  let constant = 0x43b0d7e5;
  const hash = (value) => {
    let mixed = value ^ constant;
    constant = Math.imul(constant, 0x931e8875);
    mixed = Math.imul(mixed, constant);
    return mixed ^ (mixed >>> 16);
  };
  for (let i = 0; i < 4; i++) pool[i] = hash(i === 0 ? seed : 0);
  for (let from = 0; from < 4; from++) {
    for (let to = 0; to < 4; to++) {
      if (from === to) continue;
      const mixed = Math.imul(0xca01f9dd, pool[to]) - Math.imul(0x4973f715, hash(pool[from]));
      pool[to] = mixed ^ (mixed >>> 16);
    }
  }
  const words = new Uint32Array(8);
  constant = 0x8b51f9dd;
  for (let i = 0; i < 8; i++) {
    let mixed = pool[i % 4] ^ constant;
    constant = Math.imul(constant, 0x58f38ded);
    mixed = Math.imul(mixed, constant);
    words[i] = mixed ^ (mixed >>> 16);
  }
  return words;
}

// The generator's multiplier, lowest 32 bits first, and the halves of these.
const MULTIPLIER = [0x9fccf645, 0x4385df64, 0x1fc65da4, 0x2360ed05];
const [M0, M1, M2, M3] = MULTIPLIER;
const [L0, L1, L2] = MULTIPLIER.map((word) => word & 0xffff);
const [H0, H1, H2] = MULTIPLIER.map((word) => word >>> 16);

/** The upper 32 bits of a * b, b given in halves: every step is exact in a double. */
function upper(a, low, high) {
  return Math.floor((a * high + Math.floor((a * low) / 65536)) / 65536);
}

function lower(a, b) {
  return Math.imul(a, b) >>> 0;
}

// The ziggurat: right edges of 256 layers of equal area under e^(-x^2 / 2), from the tail inwards.
const TAIL = 3.6541528853610088;
const EDGES = new Float64Array(256);
const HEIGHTS = new Float64Array(256);
{
  const density = (x) => Math.exp(-0.5 * x * x);
  const area = TAIL * density(TAIL) + Math.sqrt(Math.PI / 2) * erfc(TAIL * Math.SQRT1_2);
  EDGES[255] = TAIL;
  HEIGHTS[255] = density(TAIL);
  for (let i = 254; i > 0; i--) {
    HEIGHTS[i] = area / EDGES[i + 1] + HEIGHTS[i + 1];
    EDGES[i] = Math.sqrt(-2 * Math.log(HEIGHTS[i]));
  }
  // The lowest layer with its tail, as a rectangle of the same area.
  EDGES[0] = area / HEIGHTS[255];
  HEIGHTS[0] = 1;
}

export class Generator {
  #state = new Uint32Array(4);
  #increment = new Uint32Array(4);
  #half = -1;
  #low = 0;
  #high = 0;

  /** @param {number} seed - a whole number from 0 to 2^32 - 1 */
  constructor(seed) {
    const words = seedWords(seed >>> 0);
    const start = [words[2], words[3], words[0], words[1]];
    const stream = [words[6], words[7], words[4], words[5]];
    for (let i = 0; i < 4; i++) {
      this.#increment[i] = (stream[i] << 1) | (i === 0 ? 1 : stream[i - 1] >>> 31);
    }
    this.#step();
    let carry = 0;
    for (let i = 0; i < 4; i++) {
      const sum = this.#state[i] + start[i] + carry;
      this.#state[i] = sum;
      carry = sum >= TWO_32 ? 1 : 0;
    }
    this.#step();
  }

  /** A generator that goes on from where this one is. */
  copy() {
    const other = new Generator(0);
    other.#state.set(this.#state);
    other.#increment.set(this.#increment);
    other.#half = this.#half;
    return other;
  }

  /** state = state * multiplier + increment, modulo 2^128. */
  #step() {
    const state = this.#state;
    const plus = this.#increment;
    const s0 = state[0];
    const s1 = state[1];
    const s2 = state[2];
    const s3 = state[3];
    let sum = lower(s0, M0) + plus[0];
    state[0] = sum;
    sum = Math.floor(sum / TWO_32) + plus[1] + upper(s0, L0, H0) + lower(s0, M1) + lower(s1, M0);
    state[1] = sum;
    sum =
      Math.floor(sum / TWO_32) + plus[2] + upper(s0, L1, H1) + upper(s1, L0, H0) +
      lower(s0, M2) + lower(s1, M1) + lower(s2, M0);
    state[2] = sum;
    sum =
      Math.floor(sum / TWO_32) + plus[3] + upper(s0, L2, H2) + upper(s1, L1, H1) + upper(s2, L0, H0) +
      lower(s0, M3) + lower(s1, M2) + lower(s2, M1) + lower(s3, M0);
    state[3] = sum;
  }

  /** Draw 64 bits into `#low` and `#high`: the state's halves, folded and rotated. */
  #next() {
    this.#step();
    const state = this.#state;
    const low = state[0] ^ state[2];
    const high = state[1] ^ state[3];
    const turn = state[3] >>> 26;
    const by = turn & 31;
    const a = turn < 32 ? low : high;
    const b = turn < 32 ? high : low;
    this.#low = (by === 0 ? a : (a >>> by) | (b << (32 - by))) >>> 0;
    this.#high = (by === 0 ? b : (b >>> by) | (a << (32 - by))) >>> 0;
  }

  /** 32 bits: the lower half of a draw, then its upper half. */
  #word() {
    if (this.#half >= 0) {
      const kept = this.#half;
      this.#half = -1;
      return kept;
    }
    this.#next();
    this.#half = this.#high;
    return this.#low;
  }

  /** Uniform on [0, 1). */
  random() {
    this.#next();
    return (this.#high * 2 ** 21 + (this.#low >>> 11)) * 2 ** -53;
  }

  /** Standard normal. */
  normal() {
    for (;;) {
      this.#next();
      const layer = this.#low & 0xff;
      const sign = this.#low & 0x100 ? -1 : 1;
      const share = (this.#high & 0x1fffffff) * 2 ** 23 + (this.#low >>> 9);
      const x = share * (EDGES[layer] * 2 ** -52);
      const inner = layer === 0 ? TAIL : layer === 1 ? 0 : EDGES[layer - 1];
      if (x < inner) return sign * x;
      if (layer === 0) {
        const outward = this.#low & 0x20000 ? -1 : 1;
        for (;;) {
          const beyond = -Math.log1p(-this.random()) / TAIL;
          const height = -Math.log1p(-this.random());
          if (2 * height > beyond * beyond) return outward * (TAIL + beyond);
        }
      }
      const height = (HEIGHTS[layer - 1] - HEIGHTS[layer]) * this.random() + HEIGHTS[layer];
      if (height < Math.exp(-0.5 * x * x)) return sign * x;
    }
  }

  /** A whole number from 0 to most, as `integers(0, most + 1)`. */
  integer(most) {
    if (most === 0) return 0;
    const count = most + 1;
    let product = this.#word() * count;
    const threshold = (TWO_32 - count) % count;
    while (product % TWO_32 < threshold) product = this.#word() * count;
    return Math.floor(product / TWO_32);
  }

  /** The numbers from 0 to n - 1 in random order; NumPy shuffles by masks, not as `integers`. */
  permutation(n) {
    const order = Int32Array.from({ length: n }, (_, i) => i);
    for (let i = n - 1; i > 0; i--) {
      const mask = 2 ** (32 - Math.clz32(i)) - 1;
      let j = this.#word() & mask;
      while (j > i) j = this.#word() & mask;
      const kept = order[i];
      order[i] = order[j];
      order[j] = kept;
    }
    return order;
  }

  /** Standard normals, as `standard_normal(n)`. */
  normals(n) {
    const values = new Float64Array(n);
    for (let i = 0; i < n; i++) values[i] = this.normal();
    return values;
  }

  /** As `uniform(low, high, n)`. */
  uniforms(n, low = 0, high = 1) {
    const values = new Float64Array(n);
    for (let i = 0; i < n; i++) values[i] = low + (high - low) * this.random();
    return values;
  }
}

/** The draws of `default_rng(seed).random()`, one a call. */
export function generator(seed) {
  const rng = new Generator(seed);
  return () => rng.random();
}
