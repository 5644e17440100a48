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

/**
 * CRC-32C (Castagnoli, RFC 3720 appendix B.4), an unsigned 32-bit integer. `previous` continues the checksum of the
 * bytes before: `crc32c(b, crc32c(a))` is the checksum of `a` followed by `b`. Sixteen bytes a step, after Kounavis and
 * Berry, "A Systematic Approach to Building High Performance Software-Based CRC Generators" (2005).
 */
export function crc32c(bytes: Uint8Array, previous = 0, start = 0, end: number = bytes.length): number {
  let crc = ~previous;
  let at = start;
  // Every index below `end` is inside the array, so the assertions hold; a check each would halve the speed.
  for (const last = end - 15; at < last; at += 16) {
    const ahead =
      t11[bytes[at + 4]!]! ^
      t10[bytes[at + 5]!]! ^
      t9[bytes[at + 6]!]! ^
      t8[bytes[at + 7]!]! ^
      t7[bytes[at + 8]!]! ^
      t6[bytes[at + 9]!]! ^
      t5[bytes[at + 10]!]! ^
      t4[bytes[at + 11]!]! ^
      t3[bytes[at + 12]!]! ^
      t2[bytes[at + 13]!]! ^
      t1[bytes[at + 14]!]! ^
      t0[bytes[at + 15]!]!;
    crc =
      ahead ^
      t15[(crc ^ bytes[at]!) & 255]! ^
      t14[((crc >>> 8) ^ bytes[at + 1]!) & 255]! ^
      t13[((crc >>> 16) ^ bytes[at + 2]!) & 255]! ^
      t12[(crc >>> 24) ^ bytes[at + 3]!]!;
  }
  for (; at < end; at++) crc = (crc >>> 8) ^ t0[(crc ^ bytes[at]!) & 255]!;
  return ~crc >>> 0;
}
