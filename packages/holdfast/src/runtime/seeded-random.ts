import type { Random } from "./runtime.ts";

/** What a generator starts from: four 32-bit words. */
export type GeneratorKey = readonly [number, number, number, number];

const twoTo32 = 2 ** 32;
const twoTo53 = 2 ** 53;

/**
 * A generator whose numbers depend on its seed alone: xoshiro128** 1.1 (Blackman and Vigna, "Scrambled linear
 * pseudorandom number generators", 2021), seeded through splitmix32; 53 bits a draw. Not for secrets.
 *
 * `fork(purpose)` depends on the seed, the purpose and how often that purpose was forked before, and never on how
 * much was drawn, so that a draw more or less here does not shift anything there.
 *
 * @param seed a safe integer
 * @throws RangeError when `seed` is not a safe integer
 */
export function seededRandom(seed: number): Random {
  if (!Number.isSafeInteger(seed)) throw new RangeError(`seed must be a safe integer (got ${String(seed)})`);
  const low = seed >>> 0;
  const high = Math.floor(seed / twoTo32) >>> 0;
  const next = splitmix32(low ^ Math.imul(high, 0x9e3779b1));
  return generator([next() ^ high, next(), next(), next()]);
}

/** A generator in a given state of xoshiro128**. */
export function generator(key: GeneratorKey): Random {
  let [a, b, c, d] = key;
  // The one state the generator never leaves.
  if ((a | b | c | d) === 0) d = 0x9e3779b9;
  let forks: Map<string, number> | undefined;

  function next32(): number {
    const scrambled = Math.imul(b, 5);
    const result = Math.imul((scrambled << 7) | (scrambled >>> 25), 9);
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = (d << 11) | (d >>> 21);
    return result >>> 0;
  }

  function next53(): number {
    return (next32() >>> 5) * 67_108_864 + (next32() >>> 6);
  }

  return {
    next: () => next53() / twoTo53,
    integer(min, max) {
      if (!Number.isSafeInteger(min)) throw new RangeError(`min must be a safe integer (got ${String(min)})`);
      if (!Number.isSafeInteger(max)) throw new RangeError(`max must be a safe integer (got ${String(max)})`);
      if (max < min) throw new RangeError(`max must be >= min (got ${max} < ${min})`);
      const count = max - min + 1;
      if (count <= twoTo32) {
        // Rejects the incomplete last block, which would favour its numbers.
        const limit = twoTo32 - (twoTo32 % count);
        for (;;) {
          const drawn = next32();
          if (drawn < limit) return min + (drawn % count);
        }
      }
      if (count <= twoTo53) {
        const limit = twoTo53 - (twoTo53 % count);
        for (;;) {
          const drawn = next53();
          if (drawn < limit) return min + (drawn % count);
        }
      }
      for (;;) {
        const drawn = (next32() & 1 ? min + twoTo53 : min) + next53();
        if (drawn <= max) return drawn;
      }
    },
    bytes(length) {
      if (!Number.isSafeInteger(length) || length < 0) {
        throw new RangeError(`length must be an integer >= 0 (got ${String(length)})`);
      }
      const bytes = new Uint8Array(length);
      for (let at = 0; at < length; at += 4) {
        const word = next32();
        bytes[at] = word;
        bytes[at + 1] = word >>> 8;
        bytes[at + 2] = word >>> 16;
        bytes[at + 3] = word >>> 24;
      }
      return bytes;
    },
    fork(purpose) {
      forks ??= new Map();
      const count = forks.get(purpose) ?? 0;
      forks.set(purpose, count + 1);
      const name = `${count}:${purpose}`;
      const [k0, k1, k2, k3] = key;
      return generator([
        hash32(name, k0 ^ 0x243f6a88) ^ k1,
        hash32(name, k1 ^ 0x85a308d3) ^ k2,
        hash32(name, k2 ^ 0x13198a2e) ^ k3,
        hash32(name, k3 ^ 0x03707344) ^ k0,
      ]);
    },
  };
}

/** The 32-bit splitmix (Steele, Lea and Flood 2014) with the finalizer of MurmurHash3: spreads small seeds. */
function splitmix32(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    return mix32(state);
  };
}

/** MurmurHash3_x86_32 (Appleby) over UTF-16 code units, one unit a block. */
export function hash32(text: string, seed: number): number {
  let hash = seed | 0;
  for (let at = 0; at < text.length; at++) hash = mixBlock(hash, text.charCodeAt(at));
  return mix32(hash ^ text.length);
}

/** One block of MurmurHash3_x86_32. */
export function mixBlock(hash: number, block: number): number {
  let k = Math.imul(block, 0xcc9e2d51);
  k = Math.imul((k << 15) | (k >>> 17), 0x1b873593);
  const h = hash ^ k;
  return (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0;
}

/** The finalizer of MurmurHash3_x86_32. */
export function mix32(hash: number): number {
  let h = hash;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
