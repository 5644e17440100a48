/** How many words a configuration has: the state, the first operation not placed, and which of the others are. */
export const configurationWords: number = 6;

/**
 * A set of configurations, each of so many 32-bit words, in one open-addressed table and without an object for each.
 * Once `maxBytes` would be passed it takes no more.
 */
export interface ConfigurationSet {
  readonly size: number;
  readonly bytes: number;
  /** Adds the configuration; its first word is never the highest number there is. */
  add(configuration: Int32Array): "added" | "present" | "full";
}

const initialSlots = 1 << 4;

/** @param others what else counts towards `maxBytes` */
export function configurationSet(maxBytes: number, others: () => number): ConfigurationSet {
  /** By slot: the configuration, its first word plus one (0: empty). */
  let table = new Int32Array(configurationWords * initialSlots);
  let mask = initialSlots - 1;
  let size = 0;

  /** The old table lives until it is copied. */
  function grow(): boolean {
    if (3 * table.byteLength + others() > maxBytes) return false;
    const old = table;
    table = new Int32Array(2 * old.length);
    mask = 2 * mask + 1;
    for (let from = 0; from < old.length; from += configurationWords) {
      if (old[from] === 0) continue;
      let slot = hashOf(old[from]!, old, from) & mask;
      while (table[configurationWords * slot] !== 0) slot = (slot + 1) & mask;
      table.set(old.subarray(from, from + configurationWords), configurationWords * slot);
    }
    return true;
  }

  return {
    get size() {
      return size;
    },
    get bytes() {
      return table.byteLength;
    },
    add(words) {
      const first = (words[0]! + 1) | 0;
      const hash = hashOf(first, words, 0);
      for (;;) {
        let at = configurationWords * (hash & mask);
        for (; table[at] !== 0; at = at + configurationWords === table.length ? 0 : at + configurationWords) {
          if (table[at] === first && isSame(table, at, words)) return "present";
        }
        if (4 * (size + 1) > 3 * (mask + 1)) {
          if (!grow()) return "full";
          continue;
        }
        table[at] = first;
        for (let i = 1; i < configurationWords; i++) table[at + i] = words[i]!;
        size++;
        return "added";
      }
    },
  };
}

function isSame(table: Int32Array, at: number, words: Int32Array): boolean {
  for (let i = 1; i < configurationWords; i++) if (table[at + i] !== words[i]) return false;
  return true;
}

/** Murmur3's steps over the words (Appleby, 2011); the first is given apart. */
function hashOf(first: number, words: Int32Array, from: number): number {
  let h = mix(0x2f0b4c47, first);
  for (let i = 1; i < configurationWords; i++) h = mix(h, words[from + i]!);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

function mix(hash: number, word: number): number {
  let k = Math.imul(word, 0xcc9e2d51);
  k = (k << 15) | (k >>> 17);
  const h = hash ^ Math.imul(k, 0x1b873593);
  return (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0;
}
