import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { generator, hash32, seededRandom } from "./seeded-random.ts";

const draw = (seed: number): number[] => {
  const random = seededRandom(seed);
  return Array.from({ length: 8 }, () => random.next());
};

describe("seededRandom", () => {
  it("is xoshiro128** 1.1: the outputs its authors' program gives from the state 1, 2, 3, 4", () => {
    const random = generator([1, 2, 3, 4]);
    expect(Array.from({ length: 8 }, () => random.integer(0, 2 ** 32 - 1))).toEqual([
      11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849,
    ]);
  });

  it("gives the same numbers for a seed, and others for others, near and far", () => {
    const seeds = [0, 1, 2, -1, 2 ** 32, 2 ** 32 + 1, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER];
    for (const seed of seeds) expect(draw(seed)).toEqual(draw(seed));
    expect(new Set(seeds.map((seed) => draw(seed).join())).size).toBe(seeds.length);
  });

  it("uses 53 bits", () => {
    const random = seededRandom(3);
    const odd = Array.from({ length: 64 }, () => (random.next() * 2 ** 53) % 2);
    expect(odd.every(Number.isInteger)).toBe(true);
    expect(odd).toContain(1);
  });

  it("draws integers of any range, bounds included, without leaving it", () => {
    const safe = fc.maxSafeInteger();
    fc.assert(
      fc.property(safe, safe, fc.integer(), (a, b, seed) => {
        const [min, max] = [Math.min(a, b), Math.max(a, b)];
        const drawn = seededRandom(seed).integer(min, max);
        return Number.isSafeInteger(drawn) && drawn >= min && drawn <= max;
      }),
    );
  });

  it("draws integers evenly where the range does not divide 2^32", () => {
    const random = seededRandom(5);
    const range = 3 * 2 ** 30;
    let low = 0;
    for (let count = 0; count < 3000; count++) if (random.integer(0, range - 1) < 2 ** 30) low++;
    // Without rejection, the low third would get half of the draws.
    expect(low).toBeGreaterThan(900);
    expect(low).toBeLessThan(1100);
  });

  it("forks do not depend on what was drawn, and do not shift it", () => {
    const [a, b] = [seededRandom(9), seededRandom(9)];
    a.next();
    expect(a.fork("disk").next()).toBe(b.fork("disk").next());
    b.fork("network").next();
    b.next();
    expect(a.next()).toBe(b.next());
  });

  it("forks of one purpose differ from each other, and from those of other parents", () => {
    const random = seededRandom(9);
    const draws = [
      random.fork("a"),
      random.fork("a"),
      random.fork("b"),
      random.fork("a").fork("a"),
      seededRandom(8).fork("a"),
    ];
    expect(new Set(draws.map((one) => one.next())).size).toBe(draws.length);
  });

  it.each([0.5, Number.NaN, 2 ** 53, Infinity])("refuses the seed %d", (seed) => {
    expect(() => seededRandom(seed)).toThrow(`seed must be a safe integer (got ${seed})`);
  });
});

describe("hash32", () => {
  it("tells apart texts that differ in one character, their order or length", () => {
    const texts = ["", "a", "b", "ab", "ba", "aa", "a\0"];
    expect(new Set(texts.map((text) => hash32(text, 1))).size).toBe(texts.length);
  });
});
