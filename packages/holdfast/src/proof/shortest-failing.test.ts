import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { shortestFailing } from "./shortest-failing.ts";

const upTo = (count: number): number[] => Array.from({ length: count }, (_, at) => at);

describe("shortestFailing", () => {
  it.each([
    { needed: [], count: 10 },
    { needed: [0], count: 1 },
    { needed: [6], count: 7 },
    { needed: [2, 3], count: 16 },
    { needed: [0, 9, 19], count: 20 },
    { needed: upTo(5), count: 5 },
  ])("finds $needed among $count", async ({ needed, count }) => {
    const found = await shortestFailing(upTo(count), (part) => needed.every((one) => part.includes(one)));
    expect(found).toMatchObject({ items: needed, isMinimal: true });
    expect(found.runs).toBeLessThanOrEqual(60);
  });

  it("leaves nothing that could be left out, whatever fails", async () => {
    const masks = fc.array(fc.integer({ min: 1, max: 255 }), { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(masks, async (causes) => {
        const maskOf = (part: readonly number[]): number => part.reduce((mask, one) => mask | (1 << one), 0);
        // A part fails when it holds the whole of one of the causes.
        const fails = (part: readonly number[]): boolean => causes.some((cause) => (maskOf(part) & cause) === cause);
        const { items, isMinimal } = await shortestFailing(upTo(8), fails, { maxRuns: 1_000 });
        expect(isMinimal).toBe(true);
        expect(fails(items)).toBe(true);
        for (const left of items) expect(fails(items.filter((one) => one !== left))).toBe(false);
      }),
      { numRuns: 50 },
    );
  });

  it("says when it gave up", async () => {
    let asked = 0;
    const fails = (part: readonly number[]): boolean => {
      asked++;
      return part.includes(11) && part.includes(3);
    };
    const found = await shortestFailing(upTo(64), fails, { maxRuns: 3 });
    expect(found).toMatchObject({ runs: 3, isMinimal: false });
    expect(asked).toBe(3);
    expect(found.items).toEqual(expect.arrayContaining([3, 11]));
  });

  it("refuses options that mean nothing", async () => {
    await expect(shortestFailing([1], () => true, { maxRuns: -1 })).rejects.toThrow(
      "shortestFailing.maxRuns must be an integer >= 0 (got -1)",
    );
    await expect(shortestFailing([1], () => true, { runs: 1 } as object)).rejects.toThrow(
      "shortestFailing.runs is no option; there are maxRuns",
    );
  });
});
