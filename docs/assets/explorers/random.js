/**
 * NumPy's `default_rng(seed).random()`: PCG64 (O'Neill 2014), seeded by its SeedSequence, so that
 * what is drawn here is what the same line of Python draws.
 */
const WIDE = (1n << 128n) - 1n;
const LONG = (1n << 64n) - 1n;
const MULTIPLIER = 0x2360ed051fc65da44385df649fccf645n;

/** The state and the increment that NumPy derives from a seed below 2^32: eight words of 32 bits. */
function words(seed) {
  let hash = 0x43b0d7e5;
  const scramble = (value, factor) => {
    value ^= hash;
    hash = Math.imul(hash, factor);
    value = Math.imul(value, hash);
    return (value ^ (value >>> 16)) >>> 0;
  };
  const pool = [seed, 0, 0, 0].map((word) => scramble(word, 0x931e8875));
  for (let from = 0; from < 4; from++) {
    for (let to = 0; to < 4; to++) {
      if (from === to) continue;
      const other = scramble(pool[from], 0x931e8875);
      const sum = (Math.imul(pool[to], 0xca01f9dd) - Math.imul(other, 0x4973f715)) | 0;
      pool[to] = (sum ^ (sum >>> 16)) >>> 0;
    }
  }
  hash = 0x8b51f9dd;
  return Array.from({ length: 8 }, (_, at) => scramble(pool[at % 4], 0x58f38ded));
}

/**
 * @param {number} seed - a whole number below 2^32
 * @returns {() => number} uniform in [0, 1), 53 random bits each
 */
export function generator(seed) {
  const parts = words(seed).map(BigInt);
  const [high, low, incrementHigh, incrementLow] = [0, 2, 4, 6].map(
    (at) => parts[at] | (parts[at + 1] << 32n),
  );
  const increment = ((((incrementHigh << 64n) | incrementLow) << 1n) | 1n) & WIDE;
  const step = (state) => (state * MULTIPLIER + increment) & WIDE;
  let state = step((step(0n) + ((high << 64n) | low)) & WIDE);
  return () => {
    state = step(state);
    const word = (state >> 64n) ^ (state & LONG);
    const turn = state >> 122n;
    const turned = ((word >> turn) | (word << (64n - turn))) & LONG;
    return Number(turned >> 11n) / 2 ** 53;
  };
}
