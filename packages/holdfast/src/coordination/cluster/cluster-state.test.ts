import { describe, expect, it } from "vitest";
import { ByteReader, ByteWriter } from "../../wire/index.ts";
import type { ClusterChange, ClusterRequest } from "./cluster-change.ts";
import {
  clusterItems,
  clusterOf,
  readClusterChange,
  readClusterItem,
  writeClusterChange,
  writeClusterItem,
} from "./cluster-codec.ts";
import { ClusterState } from "./cluster-state.ts";

const add = (id: bigint): Extract<ClusterRequest, { type: "memberAdd" }> => {
  return { type: "memberAdd", id, name: `n${id}`, peerUrls: [`http://h${id}:1`], isLearner: id % 2n === 0n };
};
const ifMembers = { voters: [1n, 2n ** 60n, 6n], learners: [12n] };
const alarm = { member: 2n ** 60n, type: "NOSPACE" } as const;

const changes: readonly ClusterChange[] = [
  { type: "ask", number: 1, request: add(4n) },
  { type: "ask", number: 2, request: { type: "memberUpdate", id: 5n, peerUrls: ["http://a:1", "http://b:2"] } },
  { type: "ask", number: 3, request: { type: "memberRemove", id: 6n } },
  { type: "ask", number: 4, request: { type: "memberRemove", id: 6n, ifMembers } },
  { type: "ask", number: 5, request: { ...add(12n), ifMembers } },
  { type: "ask", number: 6, request: { type: "memberPromote", id: 12n, ifMembers: { voters: [1n], learners: [] } } },
  { type: "ask", number: Number.MAX_SAFE_INTEGER, request: { type: "moveLeader", id: 7n } },
  { type: "answer", number: 1 },
  { type: "answer", number: 2, refused: "PEER_URL_EXISTS" },
  { type: "removed", ids: [8n, 9n] },
  { type: "raiseAlarm", alarm },
  { type: "raiseAlarm", alarm: { member: 1n, type: "CORRUPT" } },
  { type: "raiseAlarm", alarm: { member: 1n, type: "NOSPACE" } },
];

describe("what the state knows of the cluster", () => {
  it("is told and told again over the log", () => {
    for (const change of [...changes, { type: "clearAlarm", alarm } as const]) {
      const writer = new ByteWriter();
      writeClusterChange(writer, change);
      const reader = new ByteReader(writer.toBytes());
      expect(readClusterChange(reader)).toEqual(change);
      reader.end("change");
    }
    expect(() => readClusterChange(new ByteReader(Uint8Array.of(1, 1, 1, 65)))).toThrow(/cluster.refused/);
  });

  it("goes into a snapshot and comes out of it", () => {
    const state = new ClusterState();
    for (const change of changes) state.change(change);
    const writer = new ByteWriter();
    for (const item of clusterItems(state.capture())) writeClusterItem(writer, item);
    const reader = new ByteReader(writer.toBytes());
    const items = [];
    while (reader.remaining > 0) items.push(readClusterItem(reader));
    const other = new ClusterState();
    other.change({ type: "raiseAlarm", alarm: { member: 77n, type: "CORRUPT" } });
    other.restore(clusterOf(items));
    expect(other.capture()).toEqual(state.capture());
    expect([...other.asks.keys()]).toEqual([3, 4, 5, 6, Number.MAX_SAFE_INTEGER]);
    expect(other.told.get(4n)).toEqual({ id: 4n, name: "n4", peerUrls: ["http://h4:1"] });
    expect(other.told.has(5n)).toBe(false);
    expect([...other.removed]).toEqual([8n, 9n]);
    expect(other.alarms).toEqual([{ member: 1n, type: "NOSPACE" }, { member: 1n, type: "CORRUPT" }, alarm]);
    expect([other.isRaised("NOSPACE"), other.isRaised("CORRUPT")]).toEqual([true, true]);
  });

  it("takes the first answer alone", () => {
    const state = new ClusterState();
    state.change({ type: "ask", number: 1, request: { type: "memberRemove", id: 6n } });
    expect(state.change({ type: "answer", number: 1 })).toEqual({ answers: { number: 1, refused: undefined } });
    expect(state.change({ type: "answer", number: 1, refused: "UNHEALTHY_CLUSTER" })).toEqual({});
    expect(state.removed.has(6n)).toBe(true);
  });

  it("forgets the alarms and addresses of those that leave", () => {
    const state = new ClusterState();
    state.change({ type: "ask", number: 1, request: add(4n) });
    state.change({ type: "answer", number: 1 });
    state.change({ type: "raiseAlarm", alarm: { member: 4n, type: "NOSPACE" } });
    state.change({ type: "removed", ids: [4n] });
    expect([state.told.size, state.isAlarmed, state.isRaised("NOSPACE")]).toEqual([0, false, false]);
    // An answer that comes late brings nobody back.
    state.change({ type: "ask", number: 2, request: { type: "memberUpdate", id: 4n, peerUrls: ["http://x:1"] } });
    state.change({ type: "answer", number: 2 });
    expect(state.told.size).toBe(0);
  });

  it("holds only so many questions", () => {
    const state = new ClusterState();
    for (let number = 1; number <= 64; number++) state.change({ type: "ask", number, request: add(4n) });
    expect(() => state.change({ type: "ask", number: 65, request: add(4n) })).toThrow("too many requests");
    state.change({ type: "answer", number: 1 });
    state.change({ type: "ask", number: 65, request: add(4n) });
    expect(state.asks.size).toBe(64);
  });
});
