import { describe, expect, it } from "vitest";
import { seededRandom } from "../runtime/index.ts";
import { CoreCluster } from "../testing/index.ts";
import type { Entry, SnapshotMeta } from "./entry.ts";
import type { Input } from "./step.ts";
import { configurationOf } from "./configuration.ts";

const configuration = configurationOf([1, 2, 3]);

function entry(index: number, term: number): Entry {
  return { index, term, kind: "command", data: new Uint8Array(1) };
}

function core(entries: Entry[], commit: number): CoreCluster {
  const cores = new CoreCluster({ size: 3, random: seededRandom(3) });
  cores.feed(1, {
    type: "message",
    message: { type: "append", from: 2, to: 1, term: 2, previousIndex: 0, previousTerm: 0, entries, commit },
  });
  return cores;
}

function arrives(snapshot: SnapshotMeta, term = 2): Input {
  return { type: "message", message: { type: "snapshot", from: 2, to: 1, term, snapshot } };
}

describe("a snapshot that arrives", () => {
  it("replaces a log that ends before it", () => {
    const cores = core([entry(1, 1), entry(2, 1)], 1);
    const snapshot = { index: 9, term: 2, configuration };
    const effects = cores.feed(1, arrives(snapshot));
    expect(effects.restore).toEqual(snapshot);
    expect(effects.reset).toEqual({ index: 9, term: 2 });
    expect(effects.messagesAfterSync).toMatchObject([{ type: "appendAccepted", matchIndex: 9 }]);
    const { log, commit } = cores.core(1);
    expect([log.baseIndex, log.lastIndex, log.lastTerm, commit]).toEqual([9, 9, 2, 9]);
  });

  it("replaces a log that holds another term there", () => {
    const cores = core([entry(1, 1), entry(2, 1), entry(3, 1)], 1);
    expect(cores.feed(1, arrives({ index: 2, term: 2, configuration })).reset).toEqual({ index: 2, term: 2 });
    expect(cores.core(1).log.lastIndex).toBe(2);
  });

  it("only commits where the log already holds what it covers", () => {
    const cores = core([entry(1, 1), entry(2, 2), entry(3, 2)], 1);
    const effects = cores.feed(1, arrives({ index: 2, term: 2, configuration }));
    expect(effects.restore).toBeUndefined();
    expect(cores.core(1).commit).toBe(2);
    expect(cores.core(1).log.lastIndex).toBe(3);
    expect(effects.messagesAfterSync).toMatchObject([{ matchIndex: 2 }]);
  });

  it("changes nothing when it is older than what is committed", () => {
    const cores = core([entry(1, 1), entry(2, 2), entry(3, 2)], 3);
    const effects = cores.feed(1, arrives({ index: 2, term: 2, configuration }));
    expect(effects.restore).toBeUndefined();
    expect(cores.core(1).commit).toBe(3);
    expect(effects.messagesAfterSync).toMatchObject([{ matchIndex: 3 }]);
  });

  it("of a deposed leader is refused with the present term", () => {
    const cores = core([entry(1, 1)], 0);
    const effects = cores.feed(1, arrives({ index: 9, term: 1, configuration }, 1));
    expect(effects.restore).toBeUndefined();
    expect(effects.messagesAfterSync).toMatchObject([{ type: "heartbeatResult", term: 2 }]);
  });

  it("lets later appends go on from it", () => {
    const cores = core([], 0);
    cores.feed(1, arrives({ index: 9, term: 2, configuration }));
    cores.feed(1, {
      type: "message",
      message: {
        type: "append",
        from: 2,
        to: 1,
        term: 2,
        previousIndex: 9,
        previousTerm: 2,
        entries: [entry(10, 2)],
        commit: 10,
      },
    });
    expect(cores.core(1).commit).toBe(10);
  });
});
