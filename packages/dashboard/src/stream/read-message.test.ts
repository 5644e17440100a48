import { describe, expect, it } from "vitest";
import { readMessage } from "./read-message.ts";

const hello = {
  type: "hello",
  version: 1,
  servedBy: "n1",
  release: "0.1.0",
  allows: { faults: true, plans: true, keys: true },
  everyMs: 1_000,
};

describe("a message", () => {
  it("is itself when nothing is wrong with it, also with fields that are new", () => {
    const message = { ...hello, more: 1 };
    expect(readMessage(message).message).toBe(message);
  });

  it.each([
    [null, "a message without a type"],
    [[], "a message without a type"],
    [{ type: "toString" }, "a message of the unknown type toString"],
    [{ ...hello, version: 2 }, "format version 2: this page knows version 1"],
    [{ ...hello, everyMs: "1000" }, "hello.everyMs is not what it should be"],
    [{ type: "cluster", cluster: { at: 1 } }, "cluster.cluster.servedBy is not what it should be"],
    [
      { type: "events", events: [{ id: "a", event: { type: "x" } }] },
      "events.events[0].event.at is not what it should be",
    ],
    [{ type: "faults", faults: {}, targets: [] }, "faults.faults is not what it should be"],
    [{ type: "history", times: [1], cluster: 7, policies: [] }, "history.cluster is not what it should be"],
    [{ type: "history", times: [1], cluster: null }, "history.policies is not what it should be"],
    [{ type: "lost", nodeId: "n1", count: Number.NaN }, "lost.count is not what it should be"],
  ])("%j is left out, with the reason", (value, problem) => {
    expect(readMessage(value)).toEqual({ problem });
  });

  it("of which a part is none is shown without that part", () => {
    const event = (at: unknown, id: unknown = "a") => ({ id, event: { type: "x", at, nodeId: "n1", seq: 1 } });
    const all = [1, 8.64e15, -1].map((at) => event(at));
    const odd = [event(8.65e15), event(Infinity), event("now"), event(1, 7), null, { id: "b", event: null }];
    expect(readMessage({ type: "events", events: [...odd, ...all] })).toEqual({
      message: { type: "events", events: all },
      problem: "events.events[0].event.at is not what it should be",
    });
    expect(readMessage({ type: "events", events: odd })).toEqual({
      problem: "events.events[0].event.at is not what it should be",
    });
    const shown = readMessage(JSON.parse('{"type":"lost","nodeId":"__proto__","count":1e999}'));
    expect(shown).toEqual({ problem: "lost.count is not what it should be" });
  });

  it("may be called anything, and changes nothing of other objects", () => {
    const text = '{"type":"drills","__proto__":{"polluted":1},"drills":[],"constructor":{"prototype":{"polluted":1}}}';
    expect(readMessage(JSON.parse(text)).problem).toBeUndefined();
    for (const type of ["__proto__", "constructor", "hasOwnProperty"]) {
      expect(readMessage({ type })).toEqual({ problem: `a message of the unknown type ${type}` });
    }
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });
});
