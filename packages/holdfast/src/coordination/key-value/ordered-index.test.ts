import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { OrderedIndex } from "./ordered-index.ts";

interface Item {
  weight: number;
}

type Pair = readonly [key: string, weight: number];

const createIndex = (): OrderedIndex<Item> => new OrderedIndex<Item>((item) => item.weight);

function ascending(index: OrderedIndex<Item>, from = "", to?: string): Pair[] {
  const pairs: Pair[] = [];
  index.ascend(from, to, (item, key) => pairs.push([key, item.weight]) > 0);
  return pairs;
}

function descending(index: OrderedIndex<Item>, from = "", to?: string): Pair[] {
  const pairs: Pair[] = [];
  index.descend(from, to, (item, key) => pairs.push([key, item.weight]) > 0);
  return pairs;
}

/** The same map, as an object of its own and as slowly as it gets. */
class Model {
  readonly weights = new Map<string, number>();

  pairs(from = "", to?: string): Pair[] {
    return [...this.weights]
      .filter(([key]) => key >= from && (to === undefined || key < to))
      .sort(([left], [right]) => (left < right ? -1 : 1));
  }

  weight(from: string, to?: string): number {
    return this.pairs(from, to).reduce((total, [, weight]) => total + weight, 0);
  }
}

function expectSame(index: OrderedIndex<Item>, model: Model, bounds: readonly string[]): void {
  expect(index.size).toBe(model.weights.size);
  expect(ascending(index)).toEqual(model.pairs());
  expect(descending(index)).toEqual(model.pairs().reverse());
  for (const from of bounds) {
    expect(index.get(from)?.weight).toBe(model.weights.get(from));
    for (const to of [undefined, ...bounds]) {
      expect(ascending(index, from, to)).toEqual(model.pairs(from, to));
      expect(descending(index, from, to)).toEqual(model.pairs(from, to).reverse());
      expect(index.weight(from, to)).toBe(model.weight(from, to));
    }
  }
}

describe("OrderedIndex", () => {
  it("is empty at first", () => {
    expectSame(createIndex(), new Model(), ["", "a"]);
  });

  it("equals a sorted array after any operations", () => {
    const key = fc.integer({ min: 0, max: 700 }).map((number) => `k${(number * 7919) % 701}`);
    const step = fc.oneof(
      { weight: 5, arbitrary: fc.record({ type: fc.constant("set"), key, weight: fc.integer({ min: 0, max: 2 }) }) },
      { weight: 3, arbitrary: fc.record({ type: fc.constant("remove"), key, weight: fc.constant(0) }) },
      {
        weight: 1,
        arbitrary: fc.record({ type: fc.constant("reweigh"), key, weight: fc.integer({ min: 0, max: 2 }) }),
      },
    );
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 2000, size: "max" }),
        fc.array(key, { maxLength: 3 }),
        (steps, bounds) => {
          const index = createIndex();
          const model = new Model();
          for (const { type, key, weight } of steps) {
            if (type === "set") {
              index.set(key, { weight });
              model.weights.set(key, weight);
            } else if (type === "remove") {
              expect(index.remove(key)).toBe(model.weights.delete(key));
            } else if (model.weights.has(key)) {
              const item = index.get(key)!;
              index.reweigh(key, weight - item.weight);
              item.weight = weight;
              model.weights.set(key, weight);
            }
          }
          expectSame(index, model, bounds);
        },
      ),
      { numRuns: 25 },
    );
  });

  const count = 10_000;
  const numbers = Array.from({ length: count }, (_, number) => number);
  const orders: readonly (readonly [string, readonly number[]])[] = [
    ["ascending", numbers],
    ["descending", numbers.toReversed()],
    ["scattered", numbers.map((number) => (number * 7919) % count)],
  ];

  it.each(orders)("grows to three levels and shrinks to nothing, keys %s", (_, order) => {
    const keyOf = (number: number): string => String(number).padStart(6, "0");
    const index = createIndex();
    for (const number of order) index.set(keyOf(number), { weight: 1 });
    expect(index.size).toBe(count);
    for (const number of [0, 1, 63, 64, 65, 4095, 4096, 7777, count - 1]) {
      expect(index.weight(keyOf(number))).toBe(count - number);
      expect(index.weight("", keyOf(number))).toBe(number);
    }
    let left = count;
    for (const number of order) {
      expect(index.remove(keyOf(number))).toBe(true);
      left--;
      if (left % 1000 === 0) {
        expect(index.weight("")).toBe(left);
        expect(ascending(index)).toHaveLength(left);
        expect(descending(index)).toHaveLength(left);
      }
    }
    expect(index.size).toBe(0);
  });

  it("stops a walk when the visitor says so", () => {
    const index = createIndex();
    for (const key of ["a", "b", "c"]) index.set(key, { weight: 1 });
    const seen: string[] = [];
    index.ascend("", undefined, (_, key) => seen.push(key) < 2);
    index.descend("", undefined, (_, key) => seen.push(key) < 4);
    expect(seen).toEqual(["a", "b", "c", "b"]);
  });
});
