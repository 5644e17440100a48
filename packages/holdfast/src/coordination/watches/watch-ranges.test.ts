import * as fc from "fast-check";
import { expect, it } from "vitest";
import type { KeyRange } from "../key-value/key-range.ts";
import { WatchRanges } from "./watch-ranges.ts";

const key = fc.string({ minLength: 1, maxLength: 2, unit: fc.constantFrom("a", "b", "c", "d", "e", "f") });
const range: fc.Arbitrary<KeyRange> = fc.oneof(
  key.map((from) => ({ from, to: `${from}\0`, single: true })),
  key.map((from) => ({ from, to: undefined, single: false })),
  fc
    .tuple(key, key)
    .filter(([from, to]) => from !== to)
    .map(([left, right]) => ({ from: left < right ? left : right, to: left < right ? right : left, single: false })),
);

it("finds the items whose range holds a key, as looking at all of them does", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(range, fc.boolean(), fc.nat()), { maxLength: 120 }), key, (changes, looked) => {
      const ranges = new WatchRanges<object>();
      const all: { readonly range: KeyRange; readonly item: object }[] = [];
      for (const [range, adds, which] of changes) {
        if (adds || all.length === 0) {
          const item = {};
          ranges.add(range, item);
          all.push({ range, item });
        } else {
          const [gone] = all.splice(which % all.length, 1);
          ranges.remove(gone!.range, gone!.item);
          ranges.remove(gone!.range, {});
        }
        const found: object[] = [];
        ranges.visit(looked, (item) => found.push(item));
        const expected = all.filter(({ range: { from, to } }) => looked >= from && (to === undefined || looked < to));
        expect(found).toHaveLength(expected.length);
        expect(new Set(found)).toEqual(new Set(expected.map(({ item }) => item)));
        expect(ranges.empty).toBe(all.length === 0);
      }
    }),
    { numRuns: 300 },
  );
});

it("looks at few of many ranges", () => {
  const ranges = new WatchRanges<number>();
  const name = (number: number): string => String(number).padStart(6, "0");
  const count = 20_000;
  for (let at = 0; at < count; at++) ranges.add({ from: name(at), to: name(at + 2), single: false }, at);
  let compared = 0;
  // A key that counts how often it is compared.
  const counting = { valueOf: () => (compared++, name(777)) } as unknown as string;
  const found: number[] = [];
  ranges.visit(counting, (item) => found.push(item));
  expect(found).toEqual([776, 777]);
  expect(compared).toBeLessThan(300);
});
