/** The three products of a dense layer, over Float64Arrays that hold matrices row by row. */

/** out = a @ w + bias: (n, k) @ (k, m) + (m,) = (n, m). */
export function multiply(out, a, w, bias, n, k, m) {
  for (let s = 0; s < n; s++) {
    const to = s * m;
    for (let o = 0; o < m; o++) out[to + o] = bias[o];
    const from = s * k;
    let i = 0;
    // Four rows of w at once: a quarter of the loads and stores of out.
    for (; i + 3 < k; i += 4) {
      const a0 = a[from + i];
      const a1 = a[from + i + 1];
      const a2 = a[from + i + 2];
      const a3 = a[from + i + 3];
      const row = i * m;
      for (let o = 0; o < m; o++) {
        const at = row + o;
        out[to + o] += a0 * w[at] + a1 * w[at + m] + (a2 * w[at + 2 * m] + a3 * w[at + 3 * m]);
      }
    }
    for (; i < k; i++) {
      const one = a[from + i];
      for (let o = 0; o < m; o++) out[to + o] += one * w[i * m + o];
    }
  }
}

/** out = delta @ w.T: (n, m) @ (m, k) = (n, k). */
export function multiplyTransposed(out, delta, w, n, k, m) {
  for (let s = 0; s < n; s++) {
    const from = s * m;
    for (let i = 0; i < k; i++) {
      const row = i * m;
      let even = 0;
      let odd = 0;
      let o = 0;
      for (; o + 3 < m; o += 4) {
        even += delta[from + o] * w[row + o] + delta[from + o + 2] * w[row + o + 2];
        odd += delta[from + o + 1] * w[row + o + 1] + delta[from + o + 3] * w[row + o + 3];
      }
      for (; o < m; o++) even += delta[from + o] * w[row + o];
      out[s * k + i] = even + odd;
    }
  }
}

/** out = a.T @ delta: (k, n) @ (n, m) = (k, m). */
export function outer(out, a, delta, n, k, m) {
  out.fill(0);
  let s = 0;
  for (; s + 3 < n; s += 4) {
    const d = s * m;
    for (let i = 0; i < k; i++) {
      const a0 = a[s * k + i];
      const a1 = a[(s + 1) * k + i];
      const a2 = a[(s + 2) * k + i];
      const a3 = a[(s + 3) * k + i];
      const to = i * m;
      for (let o = 0; o < m; o++) {
        out[to + o] +=
          a0 * delta[d + o] + a1 * delta[d + m + o] + (a2 * delta[d + 2 * m + o] + a3 * delta[d + 3 * m + o]);
      }
    }
  }
  for (; s < n; s++) {
    for (let i = 0; i < k; i++) {
      const one = a[s * k + i];
      for (let o = 0; o < m; o++) out[i * m + o] += one * delta[s * m + o];
    }
  }
}

/** The sum over the rows: (n, m) to (m,). */
export function columnSums(out, delta, n, m) {
  out.fill(0);
  for (let s = 0; s < n; s++) for (let o = 0; o < m; o++) out[o] += delta[s * m + o];
}
