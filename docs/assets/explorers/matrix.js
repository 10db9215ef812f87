/**
 * The three products of a dense layer, over Float64Arrays that hold matrices row by row, and how large
 * `livegrad.signals` says that a gradient or a signal is. Each inner loop of a product does four or
 * eight rows at once, which saves as many loads and stores of what is shared.
 */

/** out = a @ w + bias: (n, k) @ (k, m) + (m,) = (n, m). */
export function multiply(out, a, w, bias, n, k, m) {
  for (let s = 0; s < n; s++) {
    const to = s * m;
    const from = s * k;
    for (let o = 0; o < m; o++) out[to + o] = bias[o];
    addRows(out, to, a, from, 1, w, k, m);
  }
}

/** out = delta @ w.T: (n, m) @ (m, k) = (n, k). */
export function multiplyTransposed(out, delta, w, n, k, m) {
  for (let s = 0; s < n; s++) {
    const from = s * m;
    let i = 0;
    for (; i + 3 < k; i += 4) {
      const row = i * m;
      let s0 = 0;
      let s1 = 0;
      let s2 = 0;
      let s3 = 0;
      for (let o = 0; o < m; o++) {
        const one = delta[from + o];
        const at = row + o;
        s0 += one * w[at];
        s1 += one * w[at + m];
        s2 += one * w[at + 2 * m];
        s3 += one * w[at + 3 * m];
      }
      const to = s * k + i;
      out[to] = s0;
      out[to + 1] = s1;
      out[to + 2] = s2;
      out[to + 3] = s3;
    }
    for (; i < k; i++) {
      let sum = 0;
      for (let o = 0; o < m; o++) sum += delta[from + o] * w[i * m + o];
      out[s * k + i] = sum;
    }
  }
}

/** out = a.T @ delta: (k, n) @ (n, m) = (k, m). */
export function outer(out, a, delta, n, k, m) {
  out.fill(0);
  for (let i = 0; i < k; i++) addRows(out, i * m, a, i, k, delta, n, m);
}

/** out[to...] += sum over r of factors[from + r * step] * rows[r], each row m long. */
function addRows(out, to, factors, from, step, rows, count, m) {
  let r = 0;
  for (; r + 7 < count; r += 8) {
    const f = from + r * step;
    const f0 = factors[f];
    const f1 = factors[f + step];
    const f2 = factors[f + 2 * step];
    const f3 = factors[f + 3 * step];
    const f4 = factors[f + 4 * step];
    const f5 = factors[f + 5 * step];
    const f6 = factors[f + 6 * step];
    const f7 = factors[f + 7 * step];
    let at = r * m;
    for (let o = 0; o < m; o++, at++) {
      out[to + o] +=
        f0 * rows[at] + f1 * rows[at + m] + (f2 * rows[at + 2 * m] + f3 * rows[at + 3 * m]) +
        (f4 * rows[at + 4 * m] + f5 * rows[at + 5 * m] + (f6 * rows[at + 6 * m] + f7 * rows[at + 7 * m]));
    }
  }
  for (; r < count; r++) {
    const one = factors[from + r * step];
    const row = r * m;
    for (let o = 0; o < m; o++) out[to + o] += one * rows[row + o];
  }
}

/** The sum over the rows: (n, m) to (m,). */
export function columnSums(out, delta, n, m) {
  out.fill(0);
  for (let s = 0; s < n; s++) for (let o = 0; o < m; o++) out[o] += delta[s * m + o];
}

/** Frobenius norm, also where the squares would leave the range of a double. */
export function norm(array) {
  let square = 0;
  for (let i = 0; i < array.length; i++) square += array[i] * array[i];
  if (square > 1e-280 && square < Infinity) return Math.sqrt(square);
  const top = largest(array);
  if (top === 0 || !Number.isFinite(top)) return top;
  square = 0;
  for (let i = 0; i < array.length; i++) square += (array[i] / top) ** 2;
  return Math.sqrt(square) * top;
}

function largest(array) {
  let top = 0;
  for (let i = 0; i < array.length; i++) {
    const size = Math.abs(array[i]);
    if (!(size <= top)) top = size;
  }
  return top;
}

/** Standard deviation over the examples, root mean square over the units. */
export function spread(signal, units) {
  const top = largest(signal);
  if (top === 0 || !Number.isFinite(top)) return top === 0 ? 0 : NaN;
  // Scaled to about 1, so that no square overflows; a power of two costs no digits.
  const scale = 2 ** -Math.max(-1000, Math.min(Math.floor(Math.log2(top)), 1000));
  const n = signal.length / units;
  let square = 0;
  for (let o = 0; o < units; o++) {
    let sum = 0;
    for (let at = o; at < signal.length; at += units) sum += signal[at] * scale;
    const mean = sum / n;
    for (let at = o; at < signal.length; at += units) {
      const off = signal[at] * scale - mean;
      square += off * off;
    }
  }
  return Math.sqrt(square / signal.length) / scale;
}

/** above / below, and 0 where nothing is left to pass on. */
export const ratio = (above, below) => (below !== 0 ? above / below : 0);
