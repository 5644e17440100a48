import * as fc from "fast-check";
import type { IdentifiedEvent, TelemetryEvent } from "holdfast/telemetry";
import { describe, expect, it } from "vitest";
import { emptyLog, withEvents, withLost } from "./event-log.ts";
import { filterEvents, noFilter } from "./filter-events.ts";

let given = 0;

function told(
  nodeId: string,
  at: number,
  fact: object = { type: "roleChanged", role: "leader", term: 3 },
): IdentifiedEvent {
  given += 1;
  return { id: `${nodeId}:${given}`, event: { ...fact, at, nodeId, seq: given } as unknown as TelemetryEvent };
}

describe("the log", () => {
  it("has what several nodes tell in the order of time, each once, and drops the oldest", () => {
    fc.assert(
      fc.property(fc.array(fc.array(fc.nat(1_000), { maxLength: 30 }), { maxLength: 20 }), (batches) => {
        const max = 50;
        let log = emptyLog;
        const all: IdentifiedEvent[] = [];
        for (const [index, times] of batches.entries()) {
          const events = times.map((at) => told(`n${index % 3}`, at));
          all.push(...events);
          log = withEvents(log, [...events, ...events.slice(0, 3)], max);
        }
        const times = log.entries.map(({ event }) => event.at);
        expect(times).toEqual(times.toSorted((a, b) => a - b));
        expect(new Set(log.entries.map(({ id }) => id)).size).toBe(log.entries.length);
        expect(log.entries.length + log.dropped).toBe(all.length);
        expect(log.entries.length).toBeLessThanOrEqual(max);
      }),
    );
  });

  it("keeps the same entries for what it had, and the same log when nothing is new", () => {
    const first = told("n1", 5);
    const before = withEvents(emptyLog, [first]);
    const after = withEvents(before, [told("n2", 3)]);
    expect(after.entries[1]).toBe(before.entries[0]);
    expect(withEvents(after, [first])).toBe(after);
  });

  it("adds up what is lost, and says when nobody knows how much", () => {
    let log = withLost(withLost(emptyLog, "n1", 4), "n1", 6);
    expect(log.lost.get("n1")).toBe(10);
    log = withLost(withLost(log, "n1", null), "n1", 2);
    expect(log.lost.get("n1")).toBeNull();
    for (let node = 0; node < 3_000; node++) log = withLost(log, `x${node}`, 1);
    expect(log.lost.size).toBe(1_000);
  });

  it("takes ten thousand at once, and ten thousand more, in no time", () => {
    const batch = (from: number): IdentifiedEvent[] => Array.from({ length: 10_000 }, (_, at) => told("n1", from + at));
    const full = withEvents(emptyLog, batch(0));
    const log = withEvents(full, batch(5_000));
    expect(log.entries).toHaveLength(10_000);
    expect(log.dropped).toBe(10_000);
    expect(log.entries.at(-1)?.event.at).toBe(14_999);
  });
});

describe("a filter", () => {
  const { entries } = withEvents(emptyLog, [
    told("n1", 1, { type: "leaderChanged", leader: null, term: 2 }),
    told("n2", 2, { type: "leaderChanged", leader: "n9", term: 3 }),
    told("n2", 3, {
      type: "request",
      method: "/etcdserverpb.KV/Put",
      transport: "grpc",
      code: 0,
      durationMs: 1,
      error: null,
    }),
    told("n3", 4, { type: "notYetKnown", thing: { message: "odd" } }),
  ]);
  it.each([
    [{}, [1, 2, 3, 4]],
    [{ what: "leaderChanged" }, [1, 2]],
    [{ what: "room:consensus", node: "n2" }, [2]],
    [{ what: "trouble" }, [1]],
    [{ text: "  N9   follows" }, [2]],
    [{ text: "odd" }, [4]],
    [{ node: "n7" }, []],
  ])("%j", (change, expected) => {
    expect(filterEvents(entries, { ...noFilter, ...change }).map(({ event }) => event.at)).toEqual(expected);
  });
});
