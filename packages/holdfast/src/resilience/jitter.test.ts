import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { RandomSource } from "../runtime/system.ts";
import { DelayDraw, jitters, type Jitter } from "./jitter.ts";

const always = (value: number): RandomSource => ({ next: () => value });

describe("jitter", () => {
  it.each<[Jitter, number, number[]]>([
    ["none", 0.5, [100, 200, 400]],
    ["full", 0, [0, 0, 0]],
    ["full", 0.5, [50, 100, 200]],
    ["equal", 0, [50, 100, 200]],
    ["equal", 0.5, [75, 150, 300]],
    ["decorrelated", 0, [100, 100, 100]],
    ["decorrelated", 0.5, [200, 350, 575]],
  ])("%s at %d", (jitter, drawn, expected) => {
    const draw = new DelayDraw(jitter, always(drawn), 30_000);
    expect([100, 200, 400].map((delay) => draw.next(delay, 0))).toEqual(expected);
  });

  it("pitfall 16: whatever the schedule says, a delay is a number from 0 to the cap", () => {
    const odd = fc.oneof(fc.double(), fc.constantFrom(Infinity, -Infinity, Number.NaN, Number.MAX_VALUE, 2 ** 31, -1));
    fc.assert(
      fc.property(
        fc.constantFrom(...jitters),
        fc.array(fc.tuple(odd, odd), { maxLength: 20 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (jitter, said, drawn) => {
          const draw = new DelayDraw(jitter, always(drawn), 1_000);
          for (const [delayMs, atLeastMs] of said) {
            const delay = draw.next(delayMs, atLeastMs);
            expect(delay >= 0 && delay <= 1_000).toBe(true);
          }
        },
      ),
    );
  });

  it.each(jitters)("pitfall 17: %s never cuts what the other side asked for, and the cap does", (jitter) => {
    const draw = new DelayDraw(jitter, always(0), 1_000);
    expect(draw.next(100, 700)).toBe(700);
    expect(draw.next(100, 5_000)).toBe(1_000);
  });
});
