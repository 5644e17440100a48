import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Histogram, type HistogramData } from "./histogram.ts";

const hourUs = 3_600_000_000;
/** Microseconds of all magnitudes. */
const times = fc.array(
  fc.oneof(fc.integer({ min: 0, max: 5_000 }), fc.integer({ min: 0, max: hourUs }), fc.constant(hourUs)),
  { minLength: 1, maxLength: 200 },
);

function of(us: readonly number[]): Histogram {
  const histogram = new Histogram();
  for (const value of us) histogram.record(value / 1000);
  return histogram;
}

describe("Histogram", () => {
  it("gives every quantile with three significant digits, and never too low", () => {
    fc.assert(
      fc.property(times, fc.double({ min: 0, max: 1, noNaN: true }), (us, q) => {
        const sorted = us.toSorted((a, b) => a - b);
        const exact = sorted[Math.min(us.length, Math.max(1, Math.ceil(q * us.length))) - 1]! / 1000;
        const given = of(us).quantile(q);
        expect(given).toBeGreaterThanOrEqual(exact);
        expect(given).toBeLessThanOrEqual(exact * (1 + 1 / 1024));
      }),
      { numRuns: 500 },
    );
  });

  it("knows count, least, most and mean exactly", () => {
    fc.assert(
      fc.property(times, (us) => {
        const histogram = of(us);
        expect(histogram.count).toBe(us.length);
        expect(histogram.minMs).toBe(Math.min(...us) / 1000);
        expect(histogram.maxMs).toBe(Math.max(...us) / 1000);
        expect(histogram.meanMs).toBeCloseTo(us.reduce((sum, each) => sum + each, 0) / us.length / 1000, 6);
        expect(histogram.quantile(1)).toBe(histogram.maxMs);
      }),
    );
  });

  it("merged from parts, and through its data, is the one of the whole", () => {
    fc.assert(
      fc.property(times, times, (left, right) => {
        const merged = Histogram.import(JSON.parse(JSON.stringify(of(left).export())) as HistogramData);
        merged.merge(of(right));
        expect(merged.export()).toEqual(of([...left, ...right]).export());
        expect(merged.summary()).toEqual(of([...left, ...right]).summary());
      }),
    );
  });

  it("is empty at first and after clear", () => {
    const histogram = of([7, 9]);
    histogram.clear();
    for (const empty of [new Histogram(), histogram]) {
      expect([empty.count, empty.minMs, empty.maxMs, empty.meanMs, empty.quantile(0.5)]).toEqual([
        0,
        Number.NaN,
        Number.NaN,
        Number.NaN,
        Number.NaN,
      ]);
      expect(empty.summary()).toMatchObject({ count: 0, minMs: null, p99Ms: null, maxMs: null });
      expect(Histogram.import(empty.export()).export()).toEqual(empty.export());
    }
  });

  it("takes less than nothing for nothing, and more than an hour for an hour, which it says", () => {
    const histogram = new Histogram();
    for (const ms of [-5, 0.0004, 3_600_001, Infinity]) histogram.record(ms);
    expect([histogram.minMs, histogram.quantile(0.5), histogram.maxMs]).toEqual([0, 0, 3_600_000]);
    expect(histogram.saturated).toBe(2);
    expect(() => histogram.record(Number.NaN)).toThrow("histogram.ms must be a number (got NaN)");
    expect(histogram.count).toBe(4);
  });

  it.each<[Partial<Record<keyof HistogramData, unknown>>, string]>([
    [{ unit: "ms" }, 'histogram must be in us with 3 significant digits (got "ms")'],
    [{ counts: [1] }, "histogram.counts must be pairs of bucket and count"],
    [{ counts: [1, 0] }, "histogram.counts[1] must be an integer >= 1 (got 0)"],
    [{ counts: [1e9, 1] }, "histogram.counts[0] must be an integer >= 0 and <= "],
    [{ counts: [5, 1, 5, 1] }, "histogram.counts[2] must be beyond the bucket before (got 5)"],
    [{ sumUs: -1 }, "histogram.sumUs must be a number >= 0 (got -1)"],
    [{ maxUs: 6 }, "histogram.maxUs must be an integer >= 7"],
  ])("refuses %j", (change, message) => {
    expect(() => Histogram.import({ ...of([7, 9]).export(), ...change } as HistogramData)).toThrow(message);
  });
});
