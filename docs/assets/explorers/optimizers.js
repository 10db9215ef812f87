/**
 * Three of `livegrad.optimizers`, with the constants of `livegrad_lab.stack.Stack`: descent, momentum
 * (Polyak 1964, as Keras writes it), and Adam (Kingma and Ba 2015, algorithm 1).
 */

function sgd(w, g, rate) {
  for (let i = 0; i < w.length; i++) w[i] -= rate * g[i];
}

function momentum(w, g, rate, step, [velocity]) {
  for (let i = 0; i < w.length; i++) {
    velocity[i] = 0.9 * velocity[i] - rate * g[i];
    w[i] += velocity[i];
  }
}

function adam(w, g, rate, step, [first, second]) {
  const size = (rate * Math.sqrt(1 - 0.999 ** step)) / (1 - 0.9 ** step);
  for (let i = 0; i < w.length; i++) {
    const mean = first[i] + 0.1 * (g[i] - first[i]);
    // A dead unit's would decay to numbers so small that processors are slow with them.
    first[i] = Math.abs(mean) < 1e-200 ? 0 : mean;
    second[i] += 0.001 * (g[i] * g[i] - second[i]);
    w[i] -= (size * first[i]) / (Math.sqrt(second[i]) + 1e-7);
  }
}

/** Each with the number of moments that it keeps of every weight. */
const RULES = { sgd: [sgd, 0], momentum: [momentum, 1], adam: [adam, 2] };

export const OPTIMIZERS = Object.keys(RULES);

/** A rate that grows to its full size in equal parts, and stays there. */
export const warmup = (rate, steps) => (step) => rate * Math.min(1, (step + 1) / steps);

export class Optimizer {
  #moments = [];
  #steps = 0;

  /** @param {string} name - as in Python */
  constructor(name) {
    if (!RULES[name]) throw new Error(`unknown optimizer ${name}; known: ${OPTIMIZERS.join(", ")}`);
    this.name = name;
  }

  /** Begin a step: its rate, a number or what a schedule makes of the number of steps before. */
  begin(rate) {
    this.#steps += 1;
    return typeof rate === "function" ? rate(this.#steps - 1) : rate;
  }

  /** Move arrays, the same at every step, against their gradients, at the rate that `begin` gave. */
  step(arrays, gradients, rate) {
    const [rule, count] = RULES[this.name];
    for (const [at, array] of arrays.entries()) {
      this.#moments[at] ??= Array.from({ length: count }, () => new Float64Array(array.length));
      rule(array, gradients[at], rate, this.#steps, this.#moments[at]);
    }
  }

  /** Another that has come as far. */
  copy() {
    const other = new Optimizer(this.name);
    other.#steps = this.#steps;
    other.#moments = this.#moments.map((arrays) => arrays.map((array) => array.slice()));
    return other;
  }
}
