/**
 * The engine's fast path: `MLP.epoch` on WebAssembly SIMD, in double precision like all the rest, so
 * that it differs from the plain path by the order of its sums alone.
 *
 * A batch is cut into strips of ten examples.
 */

import { ACTIVATIONS } from "./activations.js";
import { gather } from "./engine.js";
import { HEADS } from "./heads.js";
import { Room, STRIP, VECTORS } from "./kernel.js";

const NATIVE = new Set(["relu", "tanh", "sigmoid"]);

export class Trainer {
  #net;
  #view;
  #kernel;
  #layers = [];
  #inputs;
  #steps;
  #all;

  /**
   * Take over a network's weights: they move into the kernel's memory, where both paths change them.
   * @param {import("./engine.js").MLP} net
   * @param {WebAssembly.Module} kernel - compiled
   */
  constructor(net, kernel) {
    this.#net = net;
    const { widths, depth } = net;
    const room = new Room();
    const steps = widths.slice(1).map((m, l) => ({ w: room.take(widths[l] * m), b: room.take(m) }));
    // The steps of a batch lie as the weights do, so that one pass adds them.
    this.#steps = room.end;
    for (let l = 0; l <= depth; l++) {
      const [k, m] = [widths[l], widths[l + 1]];
      this.#layers.push({ k, m, ...steps[l], gw: room.take(k * m), gb: room.take(m) });
    }
    this.#inputs = room.take(widths[0] * STRIP);
    for (const layer of this.#layers) {
      // Activations, slopes, dropout's factors, and dL/dz.
      for (const part of ["a", "s", "f", "d"]) layer[part] = room.take(layer.m * STRIP);
    }
    const { run, view } = room.open(kernel);
    this.#kernel = run;
    this.#view = view;
    const size = this.#steps / 8;
    this.#all = [view.subarray(0, size), view.subarray(size, 2 * size)];
    for (const [l, { w, b, k, m }] of this.#layers.entries()) {
      net.weights[l] = this.#moved(net.weights[l], w, k * m);
      net.biases[l] = this.#moved(net.biases[l], b, m);
    }
  }

  #moved(array, at, size) {
    const place = this.#view.subarray(at / 8, at / 8 + size);
    place.set(array);
    return place;
  }

  /** As `MLP.epoch`. */
  epoch(x, targets, { learningRate = 0.1, batchSize = 32, order } = {}) {
    order ??= this.#net.rng.permutation(x.length / this.#net.widths[0]);
    let [total, seen] = [0, 0];
    for (let start = 0; start < order.length; start += batchSize) {
      const rows = order.subarray(start, start + batchSize);
      const loss = this.#batch(x, targets, rows, learningRate);
      total += loss * rows.length;
      seen += rows.length;
      if (!Number.isFinite(loss)) break;
    }
    return total / seen;
  }

  /** One step on these rows: straight into the weights where plain descent sees one strip. */
  #batch(x, targets, rows, learningRate) {
    const masks = this.#masks(rows.length);
    const { optimizer } = this.#net;
    const rate = optimizer.begin(learningRate);
    const plain = optimizer.name === "sgd";
    const whole = plain && rows.length <= STRIP;
    let loss = 0;
    for (let start = 0; start < rows.length; start += STRIP) {
      const strip = whole ? rows : rows.subarray(start, start + STRIP);
      this.#forward(x, strip, masks, start);
      loss += this.#head(targets, strip, rows.length);
      // A step that is not finite is not taken, as in Python.
      if (!Number.isFinite(loss)) break;
      this.#backward(plain ? -rate : 1, whole);
    }
    if (whole || !Number.isFinite(loss)) return loss;
    if (plain) this.#kernel.update(0, this.#steps, this.#steps / 16);
    else {
      const [weights, gradients] = this.#all;
      optimizer.step([weights], [gradients], rate);
      gradients.fill(0);
    }
    return loss;
  }

  /** Dropout's masks of the whole batch, drawn in the order in which NumPy draws them. */
  #masks(n) {
    const net = this.#net;
    if (net.dropout === 0) return null;
    return this.#layers.slice(0, net.depth).map(({ m }) => net.mask(n * m));
  }

  #forward(x, strip, masks, start) {
    const view = this.#view;
    const inputs = this.#net.widths[0];
    for (let i = 0; i < inputs; i++) {
      const row = this.#inputs / 8 + i * STRIP;
      for (let s = 0; s < strip.length; s++) view[row + s] = x[strip[s] * inputs + i];
    }
    let signal = this.#inputs;
    const last = this.#net.depth;
    for (let l = 0; l <= last; l++) {
      const { k, m, w, b, a, s, f } = this.#layers[l];
      this.#kernel.forward(w, b, signal, a, k, m);
      if (l === last) break;
      this.#activate(a, s, m);
      if (masks) {
        const keep = 1 - this.#net.dropout;
        for (let o = 0; o < m; o++) {
          const row = f / 8 + o * STRIP;
          for (let e = 0; e < strip.length; e++) view[row + e] = masks[l][(start + e) * m + o] / keep;
        }
        this.#kernel.scale(a, s, f, m * VECTORS);
      }
      signal = a;
    }
  }

  #activate(a, s, m) {
    const name = this.#net.activation;
    if (NATIVE.has(name)) {
      this.#kernel[name](a, s, m * VECTORS);
      return;
    }
    const { value, derivative, standard } = ACTIVATIONS[name];
    const view = this.#view;
    for (let at = a / 8, slope = s / 8, end = at + m * STRIP; at < end; at++, slope++) {
      view[slope] = derivative(view[at], standard);
      view[at] = value(view[at], standard);
    }
  }

  /** Write dL/dz of the output layer, 0 for examples that only fill the strip; return its share of the loss. */
  #head(targets, strip, n) {
    const net = this.#net;
    const head = HEADS[net.head];
    const { a, d, m } = this.#layers[net.depth];
    const view = this.#view;
    const factor = head.factor(n, m);
    const count = strip.length;
    let loss = 0;
    if (head.each) {
      for (let o = 0; o < m; o++) {
        const from = a / 8 + o * STRIP;
        const to = d / 8 + o * STRIP;
        for (let s = 0; s < count; s++) {
          const t = targets[strip[s] * m + o];
          loss += head.each(view[from + s], t);
          view[to + s] = (head.value(view[from + s]) - t) * factor;
        }
        for (let s = count; s < STRIP; s++) view[to + s] = 0;
      }
      return loss / (n * m);
    }
    const logits = new Float64Array(count * m);
    for (let s = 0; s < count; s++) for (let o = 0; o < m; o++) logits[s * m + o] = view[a / 8 + o * STRIP + s];
    const wanted = gather(targets, strip, m);
    const p = head.predict(logits, m);
    for (let o = 0; o < m; o++) {
      const to = d / 8 + o * STRIP;
      for (let s = 0; s < STRIP; s++) view[to + s] = s < count ? (p[s * m + o] - wanted[s * m + o]) * factor : 0;
    }
    return (head.loss(logits, wanted, m) * count) / n;
  }

  /** Add the gradients times a factor to the weights, or to the steps of the batch. */
  #backward(factor, whole) {
    const { backward, gradient, bias } = this.#kernel;
    for (let l = this.#net.depth; l >= 0; l--) {
      const { k, m, w, b, gw, gb, d } = this.#layers[l];
      const below = l ? this.#layers[l - 1] : null;
      // The layer below needs the weights before their step.
      if (below) backward(w, d, below.s, below.d, k, m);
      gradient(below ? below.a : this.#inputs, d, whole ? w : gw, k, m, factor);
      bias(d, whole ? b : gb, m, factor);
    }
  }
}
