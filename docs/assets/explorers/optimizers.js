/**
 * The optimizers of `livegrad_lab.stack.Stack` with its constants: descent, momentum (Polyak 1964, as
 * Keras writes it), and Adam (Kingma and Ba 2015, algorithm 1).
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
    first[i] += 0.1 * (g[i] - first[i]);
    second[i] += 0.001 * (g[i] * g[i] - second[i]);
    w[i] -= (size * first[i]) / (Math.sqrt(second[i]) + 1e-7);
  }
}

/** Each with the number of moments that it keeps of every weight. */
const RULES = { sgd: [sgd, 0], momentum: [momentum, 1], adam: [adam, 2] };

export const OPTIMIZERS = Object.keys(RULES);

export class Optimizer {
  #moments = [];
  #steps = 0;

  /** @param {string} name - as in Python */
  constructor(name) {
    if (!RULES[name]) throw new Error(`unknown optimizer ${name}; known: ${OPTIMIZERS.join(", ")}`);
    this.name = name;
  }

  /** Move arrays against their gradients; they are the same arrays at every step. */
  step(arrays, gradients, rate) {
    const [rule, count] = RULES[this.name];
    this.#steps += 1;
    for (const [at, array] of arrays.entries()) {
      this.#moments[at] ??= Array.from({ length: count }, () => new Float64Array(array.length));
      rule(array, gradients[at], rate, this.#steps, this.#moments[at]);
    }
  }
}
