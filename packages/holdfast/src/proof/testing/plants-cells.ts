import type { DrawnOperation } from "./drawn-history.ts";
import { done, plant, precedes, sameObject, strange, type Change, type Plant } from "./plant.ts";

/** What an operation certainly left in its cell; undefined when it left nothing there for certain. */
function writtenBy({ f, input, output }: DrawnOperation): unknown {
  if (f === "write" || f === "put") return input;
  if (f === "cas" && output === true) return (input as unknown[])[1];
  return f === "del" ? null : undefined;
}

/** Values are written once at most: after another write was over, one that was there before cannot come back. */
const staleRead: Plant = plant(function* (operations): Iterable<Change> {
  const writes = done(operations, "write", "put", "cas", "del").filter((o) => writtenBy(o) !== undefined);
  for (const read of done(operations, "read", "get")) {
    const before = writes.filter((write) => sameObject(write, read) && precedes(write, read));
    for (const old of before) {
      const value = writtenBy(old);
      if (value !== null && before.some((newer) => precedes(old, newer))) yield [read, value];
    }
  }
});

const phantomRead: Plant = plant(function* (operations): Iterable<Change> {
  for (const read of done(operations, "read", "get")) yield [read, strange];
});

/** Each value is there once, and whoever swaps it away has it to himself. */
const swappedTwice: Plant = plant(function* (operations): Iterable<Change> {
  const swaps = done(operations, "cas");
  for (const first of swaps) {
    const [expected] = first.input as unknown[];
    if (first.output !== true || expected === null) continue;
    for (const second of swaps) {
      if (second !== first && sameObject(first, second)) {
        yield [second, true, [expected, (second.input as unknown[])[1]]];
      }
    }
  }
});

export const registerPlants: Readonly<Record<string, Plant>> = { "stale read": staleRead, phantom: phantomRead };
export const swapPlants: Readonly<Record<string, Plant>> = { ...registerPlants, "lost update": swappedTwice };

type List = readonly number[];

/** By key and element: what brought it there. */
function origins(
  operations: readonly DrawnOperation[],
): (list: DrawnOperation, element: number) => DrawnOperation | undefined {
  return (list, element) =>
    operations.find(
      (o) =>
        sameObject(o, list) &&
        ((o.f === "append" && o.input === element) || (o.f === "put" && (o.input as List).includes(element))),
    );
}

/** Pairs of positions in what a read gave, the one behind having been appended after the one before was there. */
function* inOrder(operations: readonly DrawnOperation[]): Iterable<readonly [DrawnOperation, number, number]> {
  const originOf = origins(operations);
  for (const read of done(operations, "get")) {
    const list = read.output as List;
    for (let at = 1; at < list.length; at++) {
      const [before, after] = [originOf(read, list[at - 1]!), originOf(read, list[at]!)];
      if (before !== undefined && after !== undefined && precedes(before, after)) yield [read, at - 1, at];
    }
  }
}

export const appendPlants: Readonly<Record<string, Plant>> = {
  "applied twice": plant(function* (operations): Iterable<Change> {
    for (const read of done(operations, "get")) {
      const list = read.output as List;
      if (list.length > 0) yield [read, [...list, list.at(-1)]];
    }
  }),
  "swapped order": plant(function* (operations): Iterable<Change> {
    for (const [read, a, b] of inOrder(operations)) {
      const list = read.output as List;
      yield [read, list.with(a, list[b]!).with(b, list[a]!)];
    }
  }),
  /** The element before it is there, so nothing was put over both. */
  "lost append": plant(function* (operations): Iterable<Change> {
    const originOf = origins(operations);
    for (const [read, , at] of inOrder(operations)) {
      const list = read.output as List;
      if (precedes(originOf(read, list[at]!)!, read)) yield [read, list.toSpliced(at, 1)];
    }
  }),
  /** Somebody saw the last element before, and the one ahead of it is still there. */
  "stale read": plant(function* (operations): Iterable<Change> {
    const reads = done(operations, "get");
    for (const earlier of reads) {
      const list = earlier.output as List;
      if (list.length < 2) continue;
      for (const later of reads) {
        if (sameObject(earlier, later) && precedes(earlier, later)) yield [later, list.slice(0, -1)];
      }
    }
  }),
  phantom: plant(function* (operations): Iterable<Change> {
    for (const read of done(operations, "get")) yield [read, [...(read.output as List), strange]];
  }),
};

type Part = readonly ["r" | "w", string, number | null];

/** Reads of a register before the transaction itself writes it. */
function* reads(operations: readonly DrawnOperation[]): Iterable<readonly [DrawnOperation, number, string]> {
  for (const operation of done(operations, "txn")) {
    const parts = operation.output as readonly Part[];
    for (const [at, [kind, name]] of parts.entries()) {
      if (kind === "r" && parts.findIndex((part) => part[1] === name) === at) yield [operation, at, name];
    }
  }
}

/** What a transaction leaves in a register. */
function lastWrite({ input }: DrawnOperation, name: string): number | undefined {
  return (input as readonly Part[]).findLast((part) => part[0] === "w" && part[1] === name)?.[2] ?? undefined;
}

function withRead({ output }: DrawnOperation, at: number, value: number): Part[] {
  return (output as readonly Part[]).map((part, i) => (i === at ? [part[0], part[1], value] : part));
}

export const multiRegisterPlants: Readonly<Record<string, Plant>> = {
  "stale read": plant(function* (operations): Iterable<Change> {
    const all = done(operations, "txn");
    for (const [read, at, name] of reads(operations)) {
      const before = all.filter((o) => precedes(o, read) && lastWrite(o, name) !== undefined);
      for (const old of before) {
        if (before.some((newer) => precedes(old, newer))) yield [read, withRead(read, at, lastWrite(old, name)!)];
      }
    }
  }),
  /** Of two registers that one transaction wrote, the one as it left it and the other as it was before. */
  "torn transaction": plant(function* (operations): Iterable<Change> {
    const all = done(operations, "txn");
    for (const [read, at, name] of reads(operations)) {
      for (const [other, otherAt, seen] of reads([read])) {
        if (seen === name) continue;
        const value = (other.output as readonly Part[])[otherAt]![2];
        const writer = all.find((o) => o !== read && value !== null && lastWrite(o, seen) === value);
        if (writer === undefined || lastWrite(writer, name) === undefined) continue;
        for (const old of all) {
          const before = lastWrite(old, name);
          if (before !== undefined && precedes(old, writer)) yield [read, withRead(read, at, before)];
        }
      }
    }
  }),
  phantom: plant(function* (operations): Iterable<Change> {
    for (const [read, at] of reads(operations)) yield [read, withRead(read, at, strange)];
  }),
};
