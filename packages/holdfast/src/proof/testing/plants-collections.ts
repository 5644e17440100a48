import type { DrawnOperation } from "./drawn-history.ts";
import { done, plant, precedes, strange, type Change, type Plant } from "./plant.ts";

type List = readonly number[];

const sorted = (list: List): List => list.toSorted((a, b) => a - b);

/** Elements of the set that were added before, and that nobody ever tried to remove. */
function* lasting(operations: readonly DrawnOperation[], before: DrawnOperation): Iterable<number> {
  const removed = new Set(operations.filter(({ f }) => f === "remove").map(({ input }) => input));
  for (const add of done(operations, "add")) {
    if (precedes(add, before) && !removed.has(add.input)) yield add.input as number;
  }
}

export const setPlants: Readonly<Record<string, Plant>> = {
  "lost add": plant(function* (operations): Iterable<Change> {
    for (const look of done(operations, "read", "contains")) {
      for (const element of lasting(operations, look)) {
        if (look.f === "contains") yield [look, false, element];
        else yield [look, (look.output as List).filter((other) => other !== element)];
      }
    }
  }),
  "added twice": plant(function* (operations): Iterable<Change> {
    const adds = done(operations, "add");
    for (const second of adds) {
      for (const element of lasting(operations, second)) yield [second, true, element];
    }
  }),
  /** It was added once, and its removal was over. */
  resurrected: plant(function* (operations): Iterable<Change> {
    const tries = operations.filter(({ f }) => f === "add");
    const adds = done(operations, "add").filter(({ input }) => tries.filter((o) => o.input === input).length === 1);
    for (const read of done(operations, "read")) {
      for (const remove of done(operations, "remove")) {
        const add = adds.find(({ input }) => input === remove.input);
        const list = read.output as List;
        if (add === undefined || !precedes(add, remove) || !precedes(remove, read)) continue;
        yield [read, sorted([...new Set([...list, remove.input as number])])];
      }
    }
  }),
  phantom: plant(function* (operations): Iterable<Change> {
    for (const read of done(operations, "read")) yield [read, [...(read.output as List), strange]];
  }),
};

const takes = (operations: readonly DrawnOperation[]): DrawnOperation[] =>
  done(operations, "dequeue").filter(({ output }) => output !== null);

const entryOf = (operations: readonly DrawnOperation[], { output }: DrawnOperation): DrawnOperation | undefined =>
  done(operations, "enqueue").find(({ input }) => input === output);

/** Values go in once. */
export const bagPlants: Readonly<Record<string, Plant>> = {
  "dequeued twice": plant(function* (operations): Iterable<Change> {
    for (const first of takes(operations)) {
      for (const second of done(operations, "dequeue")) if (second !== first) yield [second, first.output];
    }
  }),
  /** What is taken later was there all the time. */
  "empty while it is not": plant(function* (operations): Iterable<Change> {
    for (const later of takes(operations)) {
      const entry = entryOf(operations, later);
      if (entry === undefined) continue;
      for (const wrong of done(operations, "dequeue")) {
        if (precedes(entry, wrong) && precedes(wrong, later)) yield [wrong, null];
      }
    }
  }),
  phantom: plant(function* (operations): Iterable<Change> {
    for (const take of done(operations, "dequeue")) yield [take, strange];
  }),
};

/** Two that went in one after the other come out the other way round. */
function swappedOrder(operations: readonly DrawnOperation[]): boolean {
  for (const first of takes(operations)) {
    for (const second of takes(operations)) {
      const [entered, enteredLater] = [entryOf(operations, first), entryOf(operations, second)];
      if (entered === undefined || enteredLater === undefined) continue;
      if (!precedes(entered, enteredLater) || !precedes(first, second)) continue;
      [first.output, second.output] = [second.output, first.output];
      return true;
    }
  }
  return false;
}

export const queuePlants: Readonly<Record<string, Plant>> = { ...bagPlants, "swapped order": swappedOrder };

/** All changes are additions of 1 at least. */
export const counterPlants: Readonly<Record<string, Plant>> = {
  "lost update": plant(function* (operations): Iterable<Change> {
    const adds = done(operations, "add", "add-and-get");
    for (const read of done(operations, "read")) {
      const least = adds.filter((add) => precedes(add, read)).reduce((sum, { input }) => sum + (input as number), 0);
      if (least > 0) yield [read, least - 1];
    }
  }),
  "applied twice": plant(function* (operations): Iterable<Change> {
    const adds = operations.filter(({ f, fate }) => f !== "read" && fate !== "fail");
    for (const read of done(operations, "read")) {
      const begun = adds.filter(({ callNs }) => callNs <= read.returnNs);
      const most = begun.reduce((sum, { input }) => sum + (input as number), 0);
      for (const { input } of begun) yield [read, most + (input as number)];
    }
  }),
  "stale read": plant(function* (operations): Iterable<Change> {
    const reads = done(operations, "read");
    for (const later of reads) {
      const seen = reads.filter((read) => precedes(read, later)).map(({ output }) => output as number);
      const most = Math.max(0, ...seen);
      if (most > 0) yield [later, most - 1];
    }
  }),
};
