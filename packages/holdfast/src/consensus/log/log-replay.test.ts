import { describe, expect, it } from "vitest";
import { type Entry, noData } from "../entry.ts";
import type { LogBatch } from "./durable-log.ts";
import { LogReplay, type Settled } from "./log-replay.ts";
import { configurationOf, type Configuration } from "../configuration.ts";

function entries(from: number, to: number, term: number): Entry[] {
  return Array.from({ length: to - from + 1 }, (_, i) => ({ index: from + i, term, kind: "noop", data: noData }));
}

function snapshotAt(index: number, term: number): { index: number; term: number; configuration: Configuration } {
  return { index, term, configuration: configurationOf([1]) };
}

const append = (from: number, to: number, term: number): LogBatch => ({ entries: entries(from, to, term) });
const reset = (index: number, term: number): LogBatch => ({ reset: { index, term }, entries: [] });
const gap = (heldAfter: number): Settled => ({ kind: "gap", heldAfter });
const follows = (...held: Entry[]): Settled => ({ kind: "follows", entries: held });
const voided: Settled = { kind: "void" };

interface Case {
  readonly name: string;
  readonly last?: { readonly index: number; readonly term: number };
  readonly batches: readonly LogBatch[];
  readonly snapshot: [index: number, term: number];
  readonly settled: Settled;
}

const cases: Case[] = [
  { name: "nothing at all", batches: [], snapshot: [0, 0], settled: follows() },
  {
    name: "entries without a snapshot",
    batches: [append(1, 3, 1)],
    snapshot: [0, 0],
    settled: follows(...entries(1, 3, 1)),
  },
  {
    name: "entries after the snapshot",
    batches: [append(1, 5, 1)],
    snapshot: [3, 1],
    settled: follows(...entries(4, 5, 1)),
  },
  { name: "a snapshot of the last entry", batches: [append(1, 5, 1)], snapshot: [5, 1], settled: follows() },
  { name: "a snapshot of another term", batches: [append(1, 5, 1)], snapshot: [3, 2], settled: voided },
  { name: "a snapshot beyond the end", batches: [append(1, 5, 1)], snapshot: [6, 1], settled: voided },
  {
    name: "a suffix that was replaced by a shorter one",
    batches: [append(1, 5, 1), append(3, 3, 2)],
    snapshot: [0, 0],
    settled: follows(...entries(1, 2, 1), ...entries(3, 3, 2)),
  },
  {
    name: "a reset that voids what was before",
    batches: [append(1, 5, 1), reset(9, 2), append(10, 11, 2)],
    snapshot: [9, 2],
    settled: follows(...entries(10, 11, 2)),
  },
  { name: "a reset beyond the snapshot", batches: [append(1, 5, 1), reset(9, 2)], snapshot: [5, 1], settled: gap(9) },
  {
    name: "a first segment that starts behind the snapshot",
    last: { index: 7, term: 2 },
    batches: [append(8, 9, 2)],
    snapshot: [5, 2],
    settled: gap(7),
  },
  {
    name: "a first segment that starts at the snapshot",
    last: { index: 7, term: 2 },
    batches: [append(8, 9, 2)],
    snapshot: [7, 2],
    settled: follows(...entries(8, 9, 2)),
  },
  {
    name: "a first segment that replaces entries of one that has gone",
    last: { index: 7, term: 1 },
    batches: [append(5, 9, 2)],
    snapshot: [8, 2],
    settled: follows(...entries(9, 9, 2)),
  },
  {
    name: "a first segment that starts too far and is reset",
    last: { index: 300, term: 1 },
    batches: [append(301, 302, 1), reset(200, 2)],
    snapshot: [200, 2],
    settled: follows(),
  },
];

describe("LogReplay", () => {
  it.each(cases)("settles $name", ({ last = { index: 0, term: 0 }, batches, snapshot, settled }) => {
    const replay = new LogReplay({ term: 0, vote: 0 }, last);
    for (const batch of batches) expect(replay.apply(batch)).toBeUndefined();
    expect(replay.settle(snapshotAt(...snapshot))).toEqual(settled);
    replay.forgetBelow(snapshot[0]);
    expect(replay.settle(snapshotAt(...snapshot))).toEqual(settled);
  });

  it("settles the same when it forgets after every batch", () => {
    for (const { last = { index: 0, term: 0 }, batches, snapshot, settled } of cases) {
      const replay = new LogReplay({ term: 0, vote: 0 }, last);
      for (const batch of batches) {
        expect(replay.apply(batch)).toBeUndefined();
        replay.forgetBelow(snapshot[0]);
      }
      expect(replay.settle(snapshotAt(...snapshot))).toEqual(settled);
    }
  });

  it("refuses a batch that leaves a gap", () => {
    const replay = new LogReplay({ term: 0, vote: 0 }, { index: 4, term: 1 });
    expect(replay.apply(append(6, 6, 1))).toBe("entry 6 follows entry 4");
  });

  it("keeps the last hard state", () => {
    const replay = new LogReplay({ term: 1, vote: 0 }, { index: 0, term: 0 });
    replay.apply({ hardState: { term: 2, vote: 3 }, entries: [] });
    replay.apply(append(1, 1, 2));
    expect(replay.hardState).toEqual({ term: 2, vote: 3 });
  });
});
