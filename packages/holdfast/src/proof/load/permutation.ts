const rounds = 4;

/**
 * Numbers below `count` in an order that looks random, each once: what is popular lies apart from each other. A Feistel
 * network over the next power of four, walked until it ends within the range (J. Black, P. Rogaway, "Ciphers with
 * arbitrary finite domains", CT-RSA 2002, section 4).
 *
 * @param count an integer from 1 to 2^30
 * @returns where a number below `count` goes
 */
export function permutation(count: number, seed: number): (number: number) => number {
  const bits = Math.max(1, Math.ceil((32 - Math.clz32(count - 1)) / 2));
  const mask = (1 << bits) - 1;
  const keys = Array.from({ length: rounds }, (_, round) => mix(seed + Math.imul(round + 1, 0x9e3779b9)));
  const once = (number: number): number => {
    let left = number >>> bits;
    let right = number & mask;
    for (const key of keys) [left, right] = [right, left ^ (mix(right ^ key) & mask)];
    return left * (mask + 1) + right;
  };
  return (number) => {
    let at = once(number);
    while (at >= count) at = once(at);
    return at;
  };
}

/** A bijection of 32 bits in which each bit depends on all: multiplication by odd constants and shifts. */
function mix(value: number): number {
  let mixed = Math.imul(value ^ (value >>> 15), 0x2c1b3c6d);
  mixed = Math.imul(mixed ^ (mixed >>> 12), 0x297a2d39);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}
