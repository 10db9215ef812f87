/**
 * The products of a dense layer on WebAssembly SIMD, written by `benchmarks/explorers/kernel.py`.
 *
 * Ten examples, a strip, lie side by side; a row is one unit's values of a strip.
 */

export const STRIP = 10;
export const VECTORS = STRIP / 2;
const PAGE = 65536;

let compiled;

/** Compile the kernel, once; null where the browser has no SIMD or its policy forbids WebAssembly. */
export function loadKernel() {
  compiled ??= fetch(new URL("kernel.wasm", import.meta.url))
    .then((response) => response.arrayBuffer())
    .then((bytes) => WebAssembly.compile(bytes))
    .catch(() => null);
  return compiled;
}

/** Hands out places of the kernel's memory, in bytes, aligned to its vectors. */
export class Room {
  end = 0;

  take(doubles) {
    const start = this.end;
    this.end += 8 * (doubles + (doubles % 2));
    return start;
  }

  /** The kernel over a memory of this size. */
  open(kernel) {
    const memory = new WebAssembly.Memory({ initial: Math.ceil(this.end / PAGE) });
    const { exports } = new WebAssembly.Instance(kernel, { js: { memory } });
    return { run: exports, view: new Float64Array(memory.buffer) };
  }
}
