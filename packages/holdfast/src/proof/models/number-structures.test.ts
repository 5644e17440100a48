import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { NumberQueues } from "./number-queues.ts";
import { NumberVectors } from "./number-vectors.ts";
import { PairTable } from "./pair-table.ts";

/** States that were made in many ways: the same contents have one number, and others have others. */
class Numbered {
  readonly #contents = new Map<number, string>();
  readonly #numbers = new Map<string, number>();

  check(number: number, contents: string): void {
    expect(this.#contents.get(number) ?? contents).toBe(contents);
    expect(this.#numbers.get(contents) ?? number).toBe(number);
    this.#contents.set(number, contents);
    this.#numbers.set(contents, number);
  }
}

describe("numbered structures", () => {
  it("number pairs", () => {
    const pairs = new PairTable();
    const numbered = new Numbered();
    for (let i = 0; i < 5000; i++) {
      const [first, second] = [(i * 7919) % 61, ((i * 104_729) % 53) - 9];
      const number = pairs.numberOf(first, second);
      numbered.check(number, `${first} ${second}`);
      expect([pairs.firstOf(number), pairs.secondOf(number)]).toEqual([first, second]);
    }
  });

  it("number vectors, however they came about", () => {
    const step = fc.tuple(fc.nat({ max: 40 }), fc.constantFrom(0, 5, 10_000), fc.integer({ min: -2, max: 2 }));
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(), step), { maxLength: 60 }), (steps) => {
        const vectors = new NumberVectors();
        const numbered = new Numbered();
        const known: { number: number; elements: ReadonlyMap<number, number> }[] = [{ number: 0, elements: new Map() }];
        for (const [from, [low, high, value]] of steps) {
          const { number, elements } = known[from % known.length]!;
          const index = low + high;
          const after = new Map(elements);
          if (value === 0) after.delete(index);
          else after.set(index, value);
          const sorted = [...after].sort(([a], [b]) => a - b);
          const changed = vectors.set(number, index, value);
          numbered.check(changed, JSON.stringify(sorted));
          expect([...vectors.entries(changed)]).toEqual(sorted);
          expect(vectors.get(changed, index)).toBe(value);
          expect(vectors.get(changed, index + 1)).toBe(after.get(index + 1) ?? 0);
          known.push({ number: changed, elements: after });
        }
      }),
      { numRuns: 200 },
    );
  });

  it("number queues, however they came about", () => {
    const step = fc.tuple(fc.nat(), fc.option(fc.integer({ min: -1, max: 3 }), { nil: undefined }));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const queues = new NumberQueues();
        const numbered = new Numbered();
        const known: { number: number; items: readonly number[] }[] = [{ number: 0, items: [] }];
        for (const [from, item] of steps) {
          const { number, items } = known[from % known.length]!;
          const after = item === undefined ? items.slice(1) : [...items, item];
          const changed = item === undefined ? queues.dropFirst(number) : queues.append(number, item);
          numbered.check(changed, after.join());
          expect(Array.from(queues.itemsOf(changed))).toEqual(after);
          expect(queues.firstOf(changed)).toBe(after[0]);
          known.push({ number: changed, items: after });
        }
      }),
      { numRuns: 300 },
    );
  });

  it("keep a queue of any length in little memory", () => {
    const queues = new NumberQueues();
    let state = 0;
    for (let i = 0; i < 50_000; i++) state = queues.append(state, i);
    for (let i = 0; i < 50_000; i++) {
      expect(queues.firstOf(state)).toBe(i);
      state = queues.dropFirst(state);
    }
    expect(state).toBe(0);
    expect(queues.bytes).toBeLessThan(100_000 * 64);
  });
});
