import * as fc from "fast-check";
import { expect, it } from "vitest";
import { KeyCover } from "./auth-ranges.ts";

const letters = ["a", "b", "c", "d", "e", "f", "g", "h"];

it("covers a span when, and only when, it covers every key of it", () => {
  const key = fc.constantFrom(...letters);
  const span = fc.record({ from: key, to: fc.option(key, { nil: undefined }) });
  // All keys there are between two letters: the letter, and what follows it.
  const keys = letters.flatMap((letter) => [letter, `${letter}\0`, `${letter}m`]);
  const holds = ({ from, to }: { from: string; to: string | undefined }, at: string): boolean =>
    from <= at && (to === undefined || at < to);
  fc.assert(
    fc.property(fc.array(span, { maxLength: 6 }), span, (granted, asked) => {
      fc.pre(asked.to === undefined || asked.from < asked.to);
      const all = [...keys, ...(asked.to === undefined ? ["z"] : [])].filter((at) => holds(asked, at));
      const expected = all.every((at) => granted.some((one) => holds(one, at)));
      expect(new KeyCover(granted).covers(asked)).toBe(expected);
    }),
  );
});

it("knows a single key", () => {
  const cover = new KeyCover([{ from: "a", to: "a\0" }]);
  expect(cover.covers({ from: "a", to: "a\0" })).toBe(true);
  expect(cover.covers({ from: "a", to: "b" })).toBe(false);
  expect(cover.covers({ from: "a\0", to: "a\0\0" })).toBe(false);
});
