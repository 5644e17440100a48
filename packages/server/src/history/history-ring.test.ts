import * as fc from "fast-check";
import { expect, it } from "vitest";
import { HistoryRing, historySteps } from "./history-ring.ts";

it("has of the latest two hours what was put there, whatever the order, and nothing else", () => {
  const steps = fc.array(fc.integer({ min: 0, max: 3 * historySteps }), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(steps, (order) => {
      const ring = new HistoryRing([new Float64Array(historySteps)]);
      const expected = new Map<number, number>();
      let newest = -1;
      for (const [value, step] of order.entries()) {
        const place = ring.place(step);
        newest = Math.max(newest, step);
        expect(place === undefined).toBe(step <= newest - historySteps);
        if (place === undefined) continue;
        ring.columns[0]![place] = value;
        expected.set(step, value);
      }
      expect(ring.last).toBe(newest);
      for (let step = newest - historySteps - 2; step <= newest + 2; step++) {
        const isKept = step > newest - historySteps && step <= newest;
        expect(ring.value(0, step)).toBe(isKept ? (expected.get(step) ?? Number.NaN) : Number.NaN);
      }
      const known = [...expected.keys()].filter((step) => step > newest - historySteps);
      expect(ring.first).toBeLessThanOrEqual(Math.min(...known));
    }),
    { numRuns: 60 },
  );
});
