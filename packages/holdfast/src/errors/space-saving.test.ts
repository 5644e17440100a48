import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SpaceSaving } from "./space-saving.ts";

function exact(keys: readonly number[]): Map<number, number> {
  const counts = new Map<number, number>();
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  return counts;
}

describe("SpaceSaving", () => {
  it("keeps its bounds for every stream", () => {
    const stream = fc.array(fc.oneof(fc.nat(3), fc.nat(40), fc.nat()), { maxLength: 400 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), stream, (capacity, keys) => {
        const sketch = new SpaceSaving(capacity);
        for (const key of keys) sketch.add(key);
        const truth = exact(keys);
        const entries = sketch.entries();
        expect(sketch.total).toBe(keys.length);
        expect(entries.length).toBe(Math.min(capacity, truth.size));
        expect(entries.reduce((sum, { count }) => sum + count, 0)).toBe(keys.length);
        expect(sketch.errorBound).toBeLessThanOrEqual(keys.length / capacity);
        for (const { key, count, error } of entries) {
          const times = truth.get(key) ?? 0;
          expect(count).toBeGreaterThanOrEqual(times);
          expect(count - error).toBeLessThanOrEqual(times);
          expect(error).toBeLessThanOrEqual(keys.length / capacity);
        }
        for (const [key, times] of truth) {
          if (times > keys.length / capacity) expect(sketch.get(key)).toBeDefined();
          if (sketch.get(key) === undefined) expect(times).toBeLessThanOrEqual(sketch.errorBound);
        }
      }),
    );
  });

  it("is exact while there is room, and gives slots in which nobody else is", () => {
    const sketch = new SpaceSaving(3);
    const slots = [7, 8, 7, 9, 7].map((key) => ({ slot: sketch.add(key), fresh: sketch.fresh }));
    expect(slots.map(({ fresh }) => fresh)).toEqual([true, true, false, true, false]);
    expect(slots[0]?.slot).toBe(slots[2]?.slot);
    expect(new Set(slots.map(({ slot }) => slot)).size).toBe(3);
    expect(sketch.entries()[0]).toMatchObject({ key: 7, count: 3, error: 0 });
    expect(sketch.errorBound).toBe(1);
    sketch.add(10);
    expect(sketch.get(10)).toMatchObject({ count: 2, error: 1 });
    sketch.clear();
    expect([sketch.size, sketch.total, sketch.errorBound, sketch.entries().length]).toEqual([0, 0, 0, 0]);
    sketch.add(1);
    expect(sketch.get(1)).toMatchObject({ count: 1, error: 0 });
  });

  it("finds the frequent ones in a flood of distinct ones", () => {
    const sketch = new SpaceSaving(100);
    for (let i = 0; i < 50_000; i++) {
      sketch.add(1_000 + i);
      if (i % 10 === 0) sketch.add(1);
      if (i % 20 === 0) sketch.add(2);
    }
    const [first, second] = sketch.entries();
    expect([first?.key, second?.key]).toEqual([1, 2]);
    expect(sketch.size).toBe(100);
  });
});
