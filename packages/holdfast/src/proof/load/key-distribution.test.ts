import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { seededRandom } from "../../runtime/index.ts";
import { keyChooser, type KeyDistribution } from "./key-distribution.ts";
import { payloadSource, type PayloadSize } from "./payload.ts";
import { permutation } from "./permutation.ts";
import { Zipf } from "./zipf.ts";

const draws = 120_000;

/** How far counts are from what was expected; classes that expect less than 5 are one. */
function chiSquare(counts: readonly number[], expected: readonly number[]): { value: number; degrees: number } {
  let [value, classes, restCount, restExpected] = [0, 0, 0, 0];
  for (const [at, mean] of expected.entries()) {
    if (mean >= 5) {
      value += (counts[at]! - mean) ** 2 / mean;
      classes++;
    } else {
      restCount += counts[at]!;
      restExpected += mean;
    }
  }
  if (restExpected > 0) {
    value += (restCount - restExpected) ** 2 / restExpected;
    classes++;
  }
  return { value, degrees: classes - 1 };
}

/** Beyond what chance allows once in ten thousand (E. Wilson, M. Hilferty, 1931). */
function expectFit(counts: readonly number[], expected: readonly number[]): void {
  expect(counts).toHaveLength(expected.length);
  const { value, degrees } = chiSquare(counts, expected);
  expect(value).toBeLessThan(degrees * (1 - 2 / (9 * degrees) + 3.719 * Math.sqrt(2 / (9 * degrees))) ** 3);
}

function count(next: () => number, classes: number): number[] {
  const counts = Array.from({ length: classes }, () => 0);
  for (let drawn = 0; drawn < draws; drawn++) counts[next()]!++;
  return counts;
}

function zipfian(exponent: number, ranks: number): number[] {
  const weights = Array.from({ length: ranks }, (_, rank) => (rank + 1) ** -exponent);
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => (weight / sum) * draws);
}

const chooser = (distribution: KeyDistribution, capacity: number): ((records: number) => number) => {
  const keys = keyChooser(distribution, { random: seededRandom(11), capacity });
  return (records) => keys.next(records);
};

describe("Zipf", () => {
  it.each([
    [0.5, 100],
    [0.99, 1],
    [0.99, 2],
    [0.99, 1_000],
    [1, 1_000],
    [1 + 1e-9, 50],
    [2.5, 1_000],
  ])("with exponent %d over %d ranks", (exponent, ranks) => {
    const zipf = new Zipf(exponent, seededRandom(5));
    const counts = count(() => zipf.next(ranks), ranks);
    if (ranks === 1) expect(counts).toEqual([draws]);
    else expectFit(counts, zipfian(exponent, ranks));
  });

  it("does not fit another exponent: the test would notice", () => {
    const zipf = new Zipf(0.99, seededRandom(5));
    const counts = count(() => zipf.next(1_000), 1_000);
    expect(() => expectFit(counts, zipfian(0.96, 1_000))).toThrow("less than");
  });

  it("takes a thousand million ranks as easily", () => {
    const zipf = new Zipf(0.99, seededRandom(5));
    const counts = count(() => Math.min(1, zipf.next(1e9)), 2);
    // The sum of k^-0.99 to a thousand million, by Euler and Maclaurin.
    const sum = (1e9 ** 0.01 - 1) / 0.01 + 0.5 * (1 + 1e9 ** -0.99) + (0.99 / 12) * (1 - 1e9 ** -1.99);
    expectFit(counts, [draws / sum, draws - draws / sum]);
  });
});

describe("a permutation", () => {
  it("gives every number once", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3_000 }), fc.integer(), (size, seed) => {
        const at = permutation(size, seed);
        const places = new Set(Array.from({ length: size }, (_, number) => at(number)));
        expect(places.size).toBe(size);
        expect(Math.max(...places)).toBe(size - 1);
      }),
    );
  });

  it("takes what is neighbouring apart", () => {
    const at = permutation(1_000_000, 3);
    const near = Array.from({ length: 100 }, (_, number) => Math.abs(at(number + 1) - at(number)));
    expect(near.filter((distance) => distance < 10_000).length).toBeLessThan(10);
  });
});

describe("a chooser of keys", () => {
  it("uniform", () => {
    const next = chooser({ type: "uniform" }, 100);
    const even = Array.from({ length: 100 }, () => draws / 100);
    expectFit(
      count(() => next(100), 100),
      even,
    );
  });

  it("zipfian: popular ones are scattered, in the shares of their ranks", () => {
    const next = chooser({ type: "zipfian" }, 1_000);
    const counts = count(() => next(1_000), 1_000);
    const byRank = counts.map((_, key) => key).sort((a, b) => counts[b]! - counts[a]!);
    const [most, shares] = [counts.toSorted((a, b) => b - a), zipfian(0.99, 1_000)];
    for (const rank of [0, 1, 2, 5]) {
      expect(Math.abs(most[rank]! - shares[rank]!)).toBeLessThan(4.5 * Math.sqrt(shares[rank]!));
    }
    expect(byRank.slice(0, 5)).not.toEqual(byRank.slice(0, 5).toSorted((a, b) => a - b));
  });

  it("zipfian: popular ones stay what they are while records are added", () => {
    const next = chooser({ type: "zipfian" }, 1_200);
    const before = count(() => next(1_000), 1_200);
    const after = count(() => next(1_100), 1_200);
    const popular = (counts: readonly number[]): number => counts.indexOf(Math.max(...counts.slice(0, 1_000)));
    expect(popular(after)).toBe(popular(before));
    expect(before.slice(1_000)).toEqual(Array.from({ length: 200 }, () => 0));
    expect(after.slice(1_000, 1_100).reduce((sum, each) => sum + each, 0)).toBeGreaterThan(0);
  });

  it("zipfian: ends also when what is popular is not there yet", () => {
    const next = chooser({ type: "zipfian", exponent: 10 }, 1_000_000);
    for (let drawn = 0; drawn < 100; drawn++) expect(next(3)).toBeLessThan(3);
  });

  it("latest: the newest first, also when there are more", () => {
    const next = chooser({ type: "latest" }, 1);
    for (const records of [1_000, 1_001]) {
      const counts = count(() => next(records), records);
      expectFit(counts.toReversed(), zipfian(0.99, records));
    }
  });

  it("hotspot: so many calls to so many keys", () => {
    const next = chooser({ type: "hotspot", hotKeys: 0.1, hotCalls: 0.7 }, 100);
    const expected = Array.from({ length: 100 }, (_, key) => (key < 10 ? 0.07 : 0.3 / 90) * draws);
    expectFit(
      count(() => next(100), 100),
      expected,
    );
    expect([next(1), next(1)]).toEqual([0, 0]);
  });

  it("sequential: each in turn", () => {
    const next = chooser({ type: "sequential" }, 3);
    expect(Array.from({ length: 7 }, () => next(3))).toEqual([0, 1, 2, 0, 1, 2, 0]);
  });

  it.each<[unknown, string]>([
    [{ type: "normal" }, 'keyDistribution.type must be "uniform" or "zipfian" or'],
    [{ type: "uniform", exponent: 1 }, "keyDistribution.exponent is no option; there are type"],
    [{ type: "zipfian", exponent: 0 }, "keyDistribution.exponent must be a number >= 0.01 and <= 10 (got 0)"],
    [{ type: "hotspot", hotKeys: 2 }, "keyDistribution.hotKeys must be a number >= 0 and <= 1 (got 2)"],
    [undefined, "keyDistribution.type must be"],
  ])("refuses %j", (distribution, message) => {
    expect(() => chooser(distribution as KeyDistribution, 1)).toThrow(message);
  });
});

describe("payloads", () => {
  const sizes = (size: PayloadSize): number[] => {
    const source = payloadSource(size, seededRandom(2));
    return Array.from({ length: 20_000 }, () => source.next().length);
  };

  it("constant and uniform", () => {
    expect(new Set(sizes({ type: "constant", bytes: 100 }))).toEqual(new Set([100]));
    expect(new Set(sizes({ type: "constant", bytes: 0 }))).toEqual(new Set([0]));
    const counts = Array.from({ length: 11 }, () => 0);
    for (const size of sizes({ type: "uniform", minBytes: 5, maxBytes: 15 })) counts[size - 5]!++;
    expectFit(
      counts,
      counts.map(() => 20_000 / 11),
    );
  });

  it("lognormal: median, spread and bound", () => {
    const drawn = sizes({ type: "lognormal", medianBytes: 1_000, sigma: 0.5, maxBytes: 3_000 }).sort((a, b) => a - b);
    const at = (q: number): number => drawn[Math.floor(q * drawn.length)]!;
    // The 15.9 % and 84.1 % quantiles are a sigma of the logarithm away from the median.
    expect(at(0.5) / 1_000).toBeCloseTo(1, 1);
    expect(at(0.1587) / 1_000).toBeCloseTo(Math.exp(-0.5), 1);
    expect(at(0.8413) / 1_000).toBeCloseTo(Math.exp(0.5), 1);
    expect(drawn.at(-1)).toBe(3_000);
  });

  it("differ from each other, and are the same from the same seed", () => {
    const values = (seed: number): string[] => {
      const source = payloadSource({ type: "constant", bytes: 32 }, seededRandom(seed));
      return Array.from({ length: 50 }, () => source.next().join(","));
    };
    expect(new Set(values(1)).size).toBeGreaterThan(45);
    expect(values(1)).toEqual(values(1));
    expect(values(1)).not.toEqual(values(2));
  });

  it.each<[unknown, string]>([
    [{ type: "gauss" }, 'payload.type must be "constant" or "uniform" or "lognormal" (got "gauss")'],
    [{ type: "constant", bytes: -1 }, "payload.bytes must be an integer >= 0"],
    [{ type: "uniform", minBytes: 9, maxBytes: 8 }, "payload.maxBytes must be an integer >= 9"],
    [{ type: "lognormal", medianBytes: 9, sigma: -1, maxBytes: 90 }, "payload.sigma must be a number >= 0"],
    [{ type: "lognormal", medianBytes: 9, maxBytes: 8 }, "payload.maxBytes must be an integer >= 9"],
  ])("refuse %j", (size, message) => {
    expect(() => payloadSource(size as PayloadSize, seededRandom(1))).toThrow(message);
  });
});
