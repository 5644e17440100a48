/**
 * A set of records of 32-bit words, without an object per record: records lie one after the other in one array, found
 * through an open-addressed table. Once `maxBytes` would be passed it takes no more.
 */
export interface ConfigurationSet {
  readonly size: number;
  /** Adds the first `length` words of `record`: `"added"`, `"present"`, or `"full"`. */
  add(record: Uint32Array, length: number, hash: number): "added" | "present" | "full";
}

const initialSlots = 1 << 6;

export function configurationSet(maxBytes: number): ConfigurationSet {
  /** Twice per slot: the record's hash, and its offset in `words` plus one (0: empty). */
  let table = new Uint32Array(2 * initialSlots);
  let words = new Uint32Array(4 * initialSlots);
  let used = 0;
  let size = 0;

  function isRecordAt(offset: number, record: Uint32Array, length: number): boolean {
    if (words[offset] !== length) return false;
    for (let i = 0; i < length; i++) if (words[offset + 1 + i] !== record[i]) return false;
    return true;
  }

  /** Both arrays double; the old ones live until they are copied. */
  function grow(needed: number): boolean {
    const nextWords = used + needed > words.length ? 2 * (words.length + needed) : words.length;
    const nextTable = 4 * size >= table.length ? 2 * table.length : table.length;
    if (4 * (nextWords + nextTable) > maxBytes) return false;
    if (nextWords > words.length) {
      const larger = new Uint32Array(nextWords);
      larger.set(words.subarray(0, used));
      words = larger;
    }
    if (nextTable > table.length) table = rehash(table, nextTable);
    return true;
  }

  return {
    get size() {
      return size;
    },
    add(record, length, hash) {
      const mask = table.length / 2 - 1;
      let slot = hash & mask;
      for (; table[2 * slot + 1] !== 0; slot = (slot + 1) & mask) {
        if (table[2 * slot] === hash >>> 0 && isRecordAt((table[2 * slot + 1] ?? 0) - 1, record, length)) {
          return "present";
        }
      }
      if (used + length + 1 > words.length || 4 * size >= table.length) {
        if (!grow(length + 1)) return "full";
        slot = freeSlot(table, hash);
      }
      table[2 * slot] = hash;
      table[2 * slot + 1] = used + 1;
      words[used] = length;
      words.set(record.subarray(0, length), used + 1);
      used += length + 1;
      size++;
      return "added";
    },
  };
}

function rehash(table: Uint32Array, length: number): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(length);
  for (let i = 0; i < table.length; i += 2) {
    if (table[i + 1] === 0) continue;
    const slot = freeSlot(larger, table[i] ?? 0);
    larger[2 * slot] = table[i] ?? 0;
    larger[2 * slot + 1] = table[i + 1] ?? 0;
  }
  return larger;
}

function freeSlot(table: Uint32Array, hash: number): number {
  const mask = table.length / 2 - 1;
  let slot = hash & mask;
  while (table[2 * slot + 1] !== 0) slot = (slot + 1) & mask;
  return slot;
}
