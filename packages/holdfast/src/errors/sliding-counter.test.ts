import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SlidingCounter } from "./sliding-counter.ts";

describe("SlidingCounter", () => {
  it("covers the window, or up to a slice less, whatever comes when", () => {
    const gaps = fc.array(fc.oneof(fc.nat(30), fc.double({ min: 0, max: 300, noNaN: true })), { maxLength: 60 });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: -500, max: 500 }),
        gaps,
        (slices, start, steps) => {
          const windowMs = 120;
          const counter = new SlidingCounter(windowMs, slices);
          const times: number[] = [];
          let now = start;
          for (const step of steps) {
            now += step;
            const within = (ms: number): number => times.filter((at) => at > now - ms).length;
            expect(counter.count(now)).toBeLessThanOrEqual(within(windowMs));
            expect(counter.count(now)).toBeGreaterThanOrEqual(within(windowMs - windowMs / slices));
            counter.add(now);
            times.push(now);
          }
        },
      ),
    );
  });

  it("tells complete slices since the first count, and what of the window was watched", () => {
    const counter = new SlidingCounter(100, 10);
    expect([counter.count(5), counter.spanMs(5), counter.completeSlices(5)]).toEqual([0, 0, []]);
    counter.add(35);
    counter.add(36, 2);
    expect([counter.completeSlices(36), counter.spanMs(36)]).toEqual([[], 10]);
    counter.add(61);
    expect(counter.completeSlices(61)).toEqual([3, 0, 0]);
    expect(counter.spanMs(65)).toBe(35);
    expect(counter.count(129)).toBe(4);
    expect(counter.count(130)).toBe(1);
    expect(counter.count(10_000)).toBe(0);
    expect(counter.completeSlices(10_000)).toEqual(Array(9).fill(0));
  });

  it("takes a time before the last as the last, and starts anew after clear", () => {
    const counter = new SlidingCounter(100, 10);
    counter.add(500);
    counter.add(100);
    expect(counter.count(500)).toBe(2);
    counter.clear();
    expect(counter.count(501)).toBe(0);
    expect(counter.spanMs(501)).toBe(0);
  });
});
