import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { WaitQueue, type Waiting } from "./wait-queue.ts";

interface Item extends Waiting {
  readonly id: number;
}

function item(id: number, key = "", priority = 0): Item {
  return { id, key, priority, line: undefined, ahead: undefined, behind: undefined };
}

/** Everything that is left, in order. */
function drain(queue: WaitQueue<Item>): number[] {
  const ids: number[] = [];
  for (let next = queue.take(); next !== undefined; next = queue.take()) ids.push(next.id);
  return ids;
}

describe("WaitQueue", () => {
  it.each<{ case: string; items: Item[]; order: number[] }>([
    { case: "arrival", items: [item(1), item(2), item(3)], order: [1, 2, 3] },
    { case: "priority first", items: [item(1), item(2, "", 5), item(3, "", -1), item(4, "", 5)], order: [2, 4, 1, 3] },
    {
      case: "keys in turn",
      items: [item(1, "a"), item(2, "a"), item(3, "a"), item(4, "b"), item(5, "b"), item(6, "c")],
      order: [1, 4, 6, 2, 5, 3],
    },
    {
      case: "keys in turn within a priority",
      items: [item(1, "a"), item(2, "b", 1), item(3, "a", 1), item(4, "b", 1), item(5, "b")],
      order: [2, 3, 4, 1, 5],
    },
  ])("$case", ({ items, order }) => {
    const queue = new WaitQueue<Item>();
    for (const each of items) queue.add(each);
    expect(queue.size).toBe(items.length);
    expect(drain(queue)).toEqual(order);
    expect(queue.size).toBe(0);
  });

  it("gives back exactly what was added and not removed, each key's own in order of arrival", () => {
    const step = fc.oneof(
      fc.record({
        do: fc.constant("add" as const),
        key: fc.constantFrom("a", "b", "c"),
        priority: fc.integer({ min: 0, max: 2 }),
      }),
      fc.record({ do: fc.constant("take" as const) }),
      fc.record({ do: fc.constant("remove" as const), which: fc.nat(20) }),
    );
    fc.assert(
      fc.property(fc.array(step, { minLength: 30, maxLength: 60 }), (steps) => {
        const queue = new WaitQueue<Item>();
        let model: Item[] = [];
        for (const [id, each] of steps.entries()) {
          if (each.do === "add") {
            const added = item(id, each.key, each.priority);
            queue.add(added);
            model.push(added);
          } else if (each.do === "remove") {
            const chosen = model[each.which];
            if (chosen === undefined) continue;
            expect(queue.remove(chosen)).toBe(true);
            expect(queue.remove(chosen)).toBe(false);
            model = model.filter((other) => other !== chosen);
          } else {
            const taken = queue.take();
            expect(taken === undefined).toBe(model.length === 0);
            if (taken === undefined) continue;
            expect(taken.priority).toBe(Math.max(...model.map((other) => other.priority)));
            const same = model.filter((other) => other.key === taken.key && other.priority === taken.priority);
            expect(taken).toBe(same[0]);
            model = model.filter((other) => other !== taken);
          }
          expect(queue.size).toBe(model.length);
        }
        expect(drain(queue).sort((a, b) => a - b)).toEqual(model.map((each) => each.id).sort((a, b) => a - b));
      }),
    );
  });

  it("the turn stays with whose it is when another key's last leaves, and passes on with its own", () => {
    const items = [item(1, "a"), item(2, "a"), item(3, "b"), item(4, "c")] as const;
    const queue = new WaitQueue<Item>();
    for (const each of items) queue.add(each);
    expect(queue.take()?.id).toBe(1);
    queue.remove(items[3]);
    expect(queue.take()?.id).toBe(3);
    queue.add(item(5, "c"));
    queue.remove(items[1]);
    expect(drain(queue)).toEqual([5]);
    for (const each of [item(6, "a"), item(7, "b")]) queue.add(each);
    queue.remove(queue.take() as Item);
    expect(drain(queue)).toEqual([7]);
  });

  it("goes on with the others when the one whose turn it is leaves", () => {
    const queue = new WaitQueue<Item>();
    const first = item(1, "a");
    for (const each of [first, item(2, "b"), item(3, "c")]) queue.add(each);
    queue.remove(first);
    expect(drain(queue)).toEqual([2, 3]);
  });
});
