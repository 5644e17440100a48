import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MovingQuantile } from "./quantile.ts";

describe("MovingQuantile", () => {
  it("is within 1/64 of the value at its rank among the last N, and knows their mean and range", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 30 }),
        fc.array(fc.double({ min: 0.002, max: 1e9, noNaN: true }), { minLength: 1, maxLength: 100 }),
        fc.constantFrom(0.5, 0.9, 0.99, 1, 0.01),
        (size, values, q) => {
          const moving = new MovingQuantile(size);
          for (const [at, value] of values.entries()) {
            moving.record(value);
            const window = values.slice(Math.max(0, at + 1 - size), at + 1);
            const sorted = [...window].sort((a, b) => a - b);
            const exact = sorted[Math.max(1, Math.ceil(q * sorted.length)) - 1] as number;
            expect(Math.abs(moving.quantile(q) - exact) / exact).toBeLessThanOrEqual(1 / 64 + 1e-9);
            expect(moving.count).toBe(window.length);
            expect(moving.mean).toBeCloseTo(window.reduce((a, b) => a + b, 0) / window.length, 3);
            expect(moving.range()).toEqual({ least: sorted[0], most: sorted.at(-1) });
          }
        },
      ),
    );
  });

  it("knows nothing without values, and again after clear", () => {
    const moving = new MovingQuantile(4);
    expect(moving.quantile(0.5)).toBeNaN();
    expect(moving.range()).toEqual({ least: Number.NaN, most: Number.NaN });
    moving.record(5);
    expect(moving.quantile(0.5)).toBeCloseTo(5, 0);
    moving.clear();
    expect(moving.quantile(0.5)).toBeNaN();
    expect(moving.mean).toBeNaN();
    moving.record(80);
    expect(moving.quantile(0.5)).toBeCloseTo(80, -1);
  });

  it.each([0, 1e-9, 2 ** 32, 1e15])("counts %d as the nearest that it can tell apart", (value) => {
    const moving = new MovingQuantile(2);
    moving.record(value);
    expect(moving.quantile(1)).toBeGreaterThan(0);
    expect(moving.quantile(1)).toBeLessThanOrEqual(2 ** 32);
    moving.record(1);
    moving.record(1);
    expect(moving.quantile(1)).toBeCloseTo(1, 1);
  });
});
