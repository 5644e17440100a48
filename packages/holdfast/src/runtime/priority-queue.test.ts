import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PriorityQueue, type Queued } from "./priority-queue.ts";

const item = (time: number, sequence: number): Queued => ({ time, sequence, position: -1 });

describe("PriorityQueue", () => {
  it("gives items by time, then by sequence, whatever was removed in between", () => {
    const times = fc.array(fc.tuple(fc.integer({ min: 0, max: 9 }), fc.boolean()), { maxLength: 60 });
    fc.assert(
      fc.property(times, (drawn) => {
        const queue = new PriorityQueue<Queued>();
        const items = drawn.map(([time], sequence) => item(time, sequence));
        for (const one of items) queue.add(one);
        const removed = new Set(items.filter((_, index) => drawn[index]?.[1]));
        for (const one of removed) queue.remove(one);
        for (const one of removed) queue.remove(one);
        const expected = items
          .filter((one) => !removed.has(one))
          .sort((a, b) => a.time - b.time || a.sequence - b.sequence);
        expect(queue.size).toBe(expected.length);
        const taken: Queued[] = [];
        for (let next = queue.take(); next !== undefined; next = queue.take()) taken.push(next);
        expect(taken).toEqual(expected);
      }),
    );
  });

  it("is empty at first, and takes an item again after it was taken", () => {
    const queue = new PriorityQueue<Queued>();
    expect(queue.take()).toBeUndefined();
    const one = item(1, 1);
    queue.add(one);
    expect(queue.take()).toBe(one);
    queue.add(one);
    expect(queue.size).toBe(1);
  });
});
