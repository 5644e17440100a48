import { describe, expect, it } from "vitest";
import * as fc from "fast-check";
import { sameAnswer } from "./same-answer.ts";

class Money {
  readonly #cents: number;
  constructor(cents: number) {
    this.#cents = cents;
  }
  get cents(): number {
    return this.#cents;
  }
}

function cycle(): object {
  const one: { next?: unknown } = {};
  one.next = { next: one };
  return one;
}

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < depth; level++) value = [value];
  return value;
}

/** Each level holds the next one twice: 2^60 paths through 60 objects. */
function shared(end: number): unknown {
  let value: unknown = end;
  for (let level = 0; level < 60; level++) value = { left: value, right: value };
  return value;
}

const money = new Money(3);

describe("sameAnswer", () => {
  it.each<[string, unknown, unknown]>([
    ["numbers", 3, 3],
    ["both zeros", 0, -0],
    ["NaN", Number.NaN, Number.NaN],
    ["fields in any order", { a: 1, b: [2, null] }, { b: [2, null], a: 1 }],
    [
      "an object without a prototype and another",
      Object.assign(Object.create(null), { a: 1 }),
      Object.assign(Object.create(null), { a: 1 }),
    ],
    ["dates", new Date(5), new Date(5)],
    [
      "maps in any order",
      new Map([
        ["a", { x: 1 }],
        ["b", { x: 2 }],
      ]),
      new Map([
        ["b", { x: 2 }],
        ["a", { x: 1 }],
      ]),
    ],
    ["maps with keys that are objects, in order", new Map([[{ k: 1 }, 1]]), new Map([[{ k: 1 }, 1]])],
    ["sets in any order", new Set([1, "2", 3n]), new Set([3n, 1, "2"])],
    ["sets of objects, in order", new Set([{ a: 1 }, { b: 1 }]), new Set([{ a: 1 }, { b: 1 }])],
    ["a buffer and a view", Buffer.from([1, 2]), Uint8Array.of(1, 2)],
    ["a part of a buffer and another", Uint8Array.of(9, 1, 2).subarray(1), Uint8Array.of(1, 2)],
    ["views of one kind", Float64Array.of(1.5, Number.NaN), Float64Array.of(1.5, Number.NaN)],
    ["buffers", Uint8Array.of(1, 2).buffer, Uint8Array.of(1, 2).buffer],
    ["one instance of a class", { price: money }, { price: money }],
    ["cycles", cycle(), cycle()],
    ["parts that are there many times over", shared(1), shared(1)],
    ["a thousand levels", nested(1_000), nested(1_000)],
  ])("finds equal: %s", (_, a, b) => {
    expect(sameAnswer(a, b)).toBe(true);
    expect(sameAnswer(b, a)).toBe(true);
  });

  it.each<[string, unknown, unknown]>([
    ["a number and its text", 1, "1"],
    ["null and nothing", null, undefined],
    ["null and an object", null, {}],
    ["a field more", { a: 1 }, { a: 1, b: 2 }],
    ["another field", { a: undefined }, { b: undefined }],
    ["a field of the prototype", { toString: undefined }, { a: undefined }],
    ["another order of a list", [1, 2], [2, 1]],
    ["a longer list", [1], [1, 2]],
    ["a list and an object", [1], { 0: 1, length: 1 }],
    ["dates", new Date(5), new Date(6)],
    ["values of maps", new Map([["a", 1]]), new Map([["a", 2]])],
    ["keys of maps", new Map([["a", undefined]]), new Map([["b", undefined]])],
    [
      "sizes of maps",
      new Map([["a", 1]]),
      new Map([
        ["a", 1],
        ["b", 1],
      ]),
    ],
    ["keys of maps that are objects", new Map([[{ k: 1 }, 1]]), new Map([[{ k: 2 }, 1]])],
    ["sets", new Set([1]), new Set([2])],
    ["sizes of sets", new Set([1]), new Set([1, 2])],
    ["sets of objects", new Set([{ a: 1 }]), new Set([{ a: 2 }])],
    ["bytes", Uint8Array.of(1, 2), Uint8Array.of(1, 3)],
    ["lengths of bytes", Uint8Array.of(1), Uint8Array.of(1, 0)],
    ["views of two kinds", Uint16Array.of(1), Int16Array.of(1)],
    ["buffers", Uint8Array.of(1).buffer, Uint8Array.of(2).buffer],
    ["instances of a class, which may hide anything", new Money(3), new Money(3)],
    ["responses, likewise", new Response("a"), new Response("a")],
    ["functions", () => 1, () => 1],
    ["errors", new Error("a"), new Error("a")],
    ["parts that are there many times over", shared(1), shared(2)],
    ["what lies deeper than a thousand levels", nested(1_001), nested(1_001)],
  ])("tells apart: %s", (_, a, b) => {
    expect(sameAnswer(a, b)).toBe(false);
    expect(sameAnswer(b, a)).toBe(false);
  });

  it("finds a copy equal, and any other value by what is in it", () => {
    const data = fc.anything({ withDate: true, withMap: true, withSet: true, withBigInt: true, withTypedArray: true });
    fc.assert(fc.property(data, (value) => sameAnswer(value, structuredClone(value))));
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
        const text = (value: unknown): string =>
          JSON.stringify(value, (_, part: unknown) =>
            typeof part === "object" && part !== null && !Array.isArray(part)
              ? Object.fromEntries(Object.entries(part).toSorted(([x], [y]) => (x < y ? -1 : 1)))
              : part,
          );
        expect(sameAnswer(a, b)).toBe(text(a) === text(b));
      }),
    );
  });
});
