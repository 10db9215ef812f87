/**
 * The initializers of `livegrad.initializers`: the same names, parameters and draws, so that one seed
 * gives the weights that Python gets from it.
 */

// Standard deviation of a standard normal that is redrawn until it lies within [-2, 2].
const TRUNCATED_STDDEV = 0.87962566103423978;

/** Standard normals redrawn, all that lie outside at once, until none lies beyond 2. */
function truncatedNormals(n, rng) {
  const values = rng.normals(n);
  let outside = [];
  for (let i = 0; i < n; i++) if (Math.abs(values[i]) > 2) outside.push(i);
  while (outside.length > 0) {
    for (const i of outside) values[i] = rng.normal();
    outside = outside.filter((i) => Math.abs(values[i]) > 2);
  }
  return values;
}

function centred(variance, normal) {
  return (fanIn, fanOut, rng, given) => {
    const stddev = Math.sqrt(variance(fanIn, fanOut, given));
    if (!normal) {
      const limit = Math.sqrt(3) * stddev;
      return rng.uniforms(fanIn * fanOut, -limit, limit);
    }
    const factor = stddev / TRUNCATED_STDDEV;
    return truncatedNormals(fanIn * fanOut, rng).map((value) => value * factor);
  };
}

const fanIn = (n) => 1 / (3 * n);
const glorot = (n, m) => 2 / (n + m);
const he = (n, m, { negative_slope: slope = 0 }) => 2 / ((1 + slope * slope) * n);
const lecun = (n) => 1 / n;

/** Take out of a column of `matrix` what the columns before it already have. */
function project(matrix, rows, columns, column) {
  for (let before = 0; before < column; before++) {
    let product = 0;
    for (let i = 0; i < rows; i++) product += matrix[i * columns + before] * matrix[i * columns + column];
    for (let i = 0; i < rows; i++) matrix[i * columns + column] -= product * matrix[i * columns + before];
  }
}

/** The factor Q of QR whose R has a positive diagonal, by Gram and Schmidt, done twice for its digits. */
function orthonormal(matrix, rows, columns) {
  for (let column = 0; column < columns; column++) {
    project(matrix, rows, columns, column);
    project(matrix, rows, columns, column);
    let square = 0;
    for (let i = 0; i < rows; i++) square += matrix[i * columns + column] ** 2;
    const size = Math.sqrt(square);
    for (let i = 0; i < rows; i++) matrix[i * columns + column] /= size;
  }
  return matrix;
}

function orthogonal(n, m, rng, { gain = 1 }) {
  const rows = Math.max(n, m);
  const columns = Math.min(n, m);
  const q = orthonormal(rng.normals(n * m), rows, columns);
  const weights = new Float64Array(n * m);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) weights[n >= m ? i * m + j : j * m + i] = gain * q[i * columns + j];
  }
  return weights;
}

/**
 * @typedef {(fanIn: number, fanOut: number, rng: import("./random.js").Generator,
 *   given: Record<string, number>) => Float64Array} Draw - weights (fanIn, fanOut), row by row
 * @type {Record<string, Draw>}
 */
export const INITIALIZERS = {
  zeros: (n, m) => new Float64Array(n * m),
  ones: (n, m) => new Float64Array(n * m).fill(1),
  constant: (n, m, rng, { value = 0 }) => new Float64Array(n * m).fill(value),
  random_uniform: (n, m, rng, { minval = -0.05, maxval = 0.05 }) => rng.uniforms(n * m, minval, maxval),
  random_normal: (n, m, rng, { mean = 0, stddev = 0.05 }) =>
    rng.normals(n * m).map((value) => mean + stddev * value),
  fan_in_uniform: centred(fanIn, false),
  glorot_uniform: centred(glorot, false),
  glorot_normal: centred(glorot, true),
  he_uniform: centred(he, false),
  he_normal: centred(he, true),
  lecun_uniform: centred(lecun, false),
  lecun_normal: centred(lecun, true),
  orthogonal,
};

/**
 * @param {string} name - as in Python
 * @param {import("./random.js").Generator} rng
 * @param {Record<string, number>} [given] - parameters, by Python's names
 * @returns {Float64Array} (fanIn, fanOut), row by row
 */
export function draw(name, fanIn, fanOut, rng, given = {}) {
  const initializer = INITIALIZERS[name];
  if (!initializer) throw new Error(`unknown initializer ${name}; known: ${Object.keys(INITIALIZERS).join(", ")}`);
  return initializer(fanIn, fanOut, rng, given);
}
