/**
 * `MLP.forward` and `MLP.backward` on the kernel, without dropout: what an explorer measures while a
 * slider moves. The result has the plain passes' form and, but for the order of its sums, their values.
 */

import { ACTIVATIONS } from "./activations.js";
import { gradient, HEADS } from "./heads.js";
import { Room, STRIP } from "./kernel.js";

/** Places and arrays for networks of these widths and this many examples. */
class Places {
  constructor(kernel, widths, n) {
    const room = new Room();
    const most = Math.max(...widths);
    this.n = n;
    this.widths = widths;
    this.strips = Math.ceil(n / STRIP);
    const size = this.strips * STRIP;
    this.ones = room.take(most * STRIP);
    this.layers = widths.map((m, l) => {
      const k = l ? widths[l - 1] : 0;
      const places = { k, m, w: room.take(k * m), gw: room.take(k * m), b: room.take(m), gb: room.take(m) };
      for (const part of ["z", "a", "s", "da", "dz"]) {
        places[part] = room.take(m * size);
        places[`of ${part}`] = new Float64Array(n * m);
      }
      return places;
    });
    Object.assign(this, room.open(kernel));
    this.view.fill(1, this.ones / 8, this.ones / 8 + most * STRIP);
  }

  /** From rows of units, strip by strip, to one example a row. */
  read(layer, part) {
    const { view, n } = this;
    const { m, [part]: start, [`of ${part}`]: out } = this.layers[layer];
    for (let s = 0, from = start / 8; s < n; s++) {
      for (let o = 0; o < m; o++) out[s * m + o] = view[from + o * STRIP];
      from += s % STRIP === STRIP - 1 ? (m - 1) * STRIP + 1 : 1;
    }
    return out;
  }

  /** The way back; the places after the last example stay 0. */
  write(layer, part, matrix) {
    const { view, n } = this;
    const { m, [part]: start } = this.layers[layer];
    for (let s = 0, to = start / 8; s < n; s++) {
      for (let o = 0; o < m; o++) view[to + o * STRIP] = matrix[s * m + o];
      to += s % STRIP === STRIP - 1 ? (m - 1) * STRIP + 1 : 1;
    }
  }

  array(layer, part) {
    const { m, [part]: start } = this.layers[layer];
    return this.view.subarray(start / 8, start / 8 + m * this.strips * STRIP);
  }
}

export class Passes {
  #kernel;
  #places;

  /** @param {WebAssembly.Module} kernel - compiled */
  constructor(kernel) {
    this.#kernel = kernel;
  }

  /**
   * @param {import("./engine.js").MLP} net - with an elementwise activation
   * @param {Float64Array} x - (n, widths[0])
   * @param {Float64Array} targets - (n, widths[-1])
   * @returns {[import("./engine.js").Trace, import("./engine.js").Gradients]} - the next call writes
   *   over them
   */
  run(net, x, targets) {
    const n = x.length / net.widths[0];
    if (this.#places?.n !== n || String(this.#places.widths) !== String(net.widths)) {
      this.#places = new Places(this.#kernel, net.widths, n);
    }
    const trace = this.#forward(net, x, n);
    return [trace, this.#backward(net, trace, targets)];
  }

  #forward(net, x, n) {
    const places = this.#places;
    const { run, view, strips, layers } = places;
    const { value, derivative, standard } = ACTIVATIONS[net.activation];
    const trace = { x, n, z: [], a: [], masks: Array(net.depth).fill(null), keep: 1 };
    places.write(0, "a", x);
    for (let l = 0; l <= net.depth; l++) {
      const { k, m, w, b, z } = layers[l + 1];
      view.set(net.weights[l], w / 8);
      view.set(net.biases[l], b / 8);
      for (let strip = 0, from = layers[l].a, to = z; strip < strips; strip++) {
        run.forward(w, b, from, to, k, m);
        from += 8 * STRIP * k;
        to += 8 * STRIP * m;
      }
      trace.z.push(places.read(l + 1, "z"));
      if (l === net.depth) break;
      const [inputs, values, slopes] = ["z", "a", "s"].map((part) => places.array(l + 1, part));
      for (let i = 0; i < inputs.length; i++) {
        values[i] = value(inputs[i], standard);
        slopes[i] = derivative(inputs[i], standard);
      }
      trace.a.push(places.read(l + 1, "a"));
    }
    return trace;
  }

  #backward(net, trace, targets) {
    const places = this.#places;
    const { run, view, strips, layers, ones } = places;
    const { widths, depth, head } = net;
    const units = widths[depth + 1];
    const logits = trace.z[depth];
    const loss = HEADS[head].loss(logits, targets, units);
    const found = { loss, weights: [], biases: [], z: [], a: [] };
    found.z[depth] = gradient(HEADS[head], logits, targets, units);
    places.write(depth + 1, "dz", found.z[depth]);
    for (let l = depth; l >= 0; l--) {
      const { k, m, w, gw, gb, dz } = layers[l + 1];
      view.fill(0, gw / 8, gw / 8 + k * m);
      view.fill(0, gb / 8, gb / 8 + m);
      let [from, to, below] = [layers[l].a, dz, layers[l].da];
      for (let strip = 0; strip < strips; strip++) {
        run.gradient(from, to, gw, k, m, 1);
        run.bias(to, gb, m, 1);
        run.backward(w, to, ones, below, k, m);
        from += 8 * STRIP * k;
        below += 8 * STRIP * k;
        to += 8 * STRIP * m;
      }
      found.weights[l] = view.subarray(gw / 8, gw / 8 + k * m);
      found.biases[l] = view.subarray(gb / 8, gb / 8 + m);
      const above = places.read(l, "da");
      if (l === 0) {
        found.x = above;
        break;
      }
      found.a[l - 1] = above;
      const [outputs, slopes, inputs] = ["da", "s", "dz"].map((part) => places.array(l, part));
      for (let i = 0; i < inputs.length; i++) inputs[i] = outputs[i] * slopes[i];
      found.z[l - 1] = places.read(l, "dz");
    }
    return found;
  }
}
