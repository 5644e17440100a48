/** Tables of the reflected Castagnoli polynomial: the k-th advances a byte over k further zero bytes. */
function castagnoliTable(k: number): Int32Array {
  const table = new Int32Array(256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8 * (k + 1); bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
    table[byte] = crc;
  }
  return table;
}

// Sixteen bindings instead of an array of tables: constants of the module cost no load and no bounds check in the loop.
const t0 = castagnoliTable(0);
const t1 = castagnoliTable(1);
const t2 = castagnoliTable(2);
const t3 = castagnoliTable(3);
const t4 = castagnoliTable(4);
const t5 = castagnoliTable(5);
const t6 = castagnoliTable(6);
const t7 = castagnoliTable(7);
const t8 = castagnoliTable(8);
const t9 = castagnoliTable(9);
const t10 = castagnoliTable(10);
const t11 = castagnoliTable(11);
const t12 = castagnoliTable(12);
const t13 = castagnoliTable(13);
const t14 = castagnoliTable(14);
const t15 = castagnoliTable(15);

/** Below this, making a view of words costs more than it gains. */
const minWordBytes = 64;
/** Words are read as the machine orders their bytes, which must be the lowest first. */
const wordsFit: boolean = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;

/**
 * CRC-32C (Castagnoli, RFC 3720 appendix B.4), an unsigned 32-bit integer. `previous` continues the checksum of the
 * bytes before: `crc32c(b, crc32c(a))` is the checksum of `a` followed by `b`. Sixteen bytes a step, after Kounavis and
 * Berry, "A Systematic Approach to Building High Performance Software-Based CRC Generators" (2005).
 */
export function crc32c(bytes: Uint8Array, previous = 0, start = 0, end: number = bytes.length): number {
  let crc = ~previous;
  let at = start;
  // Every index is inside its array, so the assertions hold; a check each would halve the speed.
  if (wordsFit && end - start >= minWordBytes) {
    for (; ((bytes.byteOffset + at) & 3) !== 0; at++) crc = (crc >>> 8) ^ t0[(crc ^ bytes[at]!) & 255]!;
    const words = new Int32Array(bytes.buffer, bytes.byteOffset + at, ((end - at) >> 4) * 4);
    for (let i = 0; i < words.length; i += 4) {
      const first = crc ^ words[i]!;
      const second = words[i + 1]!;
      const third = words[i + 2]!;
      const fourth = words[i + 3]!;
      // What depends on the step before comes last: the other lookups need not wait for it.
      crc =
        t11[second & 255]! ^
        t10[(second >>> 8) & 255]! ^
        t9[(second >>> 16) & 255]! ^
        t8[second >>> 24]! ^
        t7[third & 255]! ^
        t6[(third >>> 8) & 255]! ^
        t5[(third >>> 16) & 255]! ^
        t4[third >>> 24]! ^
        t3[fourth & 255]! ^
        t2[(fourth >>> 8) & 255]! ^
        t1[(fourth >>> 16) & 255]! ^
        t0[fourth >>> 24]! ^
        t15[first & 255]! ^
        t14[(first >>> 8) & 255]! ^
        t13[(first >>> 16) & 255]! ^
        t12[first >>> 24]!;
    }
    at += words.length * 4;
  }
  for (; at < end; at++) crc = (crc >>> 8) ^ t0[(crc ^ bytes[at]!) & 255]!;
  return ~crc >>> 0;
}
