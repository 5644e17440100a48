import { describe, expect, it } from "vitest";
import { seededRandom } from "../runtime/index.ts";
import { CoreCluster } from "../testing/index.ts";
import type { Entry } from "./entry.ts";
import type { Append, Message } from "./message.ts";
import type { Raft } from "./raft.ts";

function cluster(
  size: number,
  options: {
    maxAppendBytes?: number;
    maxInFlight?: number;
    maxInFlightBytes?: number;
    maxUncommittedBytes?: number;
  } = {},
): CoreCluster {
  return new CoreCluster({ size, random: seededRandom(7), ...options });
}

const text = new TextEncoder();
const bytes = (value: string): Uint8Array => text.encode(value);

function propose(cores: CoreCluster, leader: Raft, ...commands: string[]): void {
  cores.feed(leader.id, { type: "propose", commands: commands.map(bytes) });
  cores.deliver();
}

function terms(core: Raft): number[] {
  const found: number[] = [];
  for (let index = 1; index <= core.log.lastIndex; index++) found.push(core.log.termAt(index)!);
  return found;
}

function entry(index: number, term: number, data = ""): Entry {
  return { index, term, kind: "command", data: bytes(data) };
}

function append(overrides: Partial<Append>): Append {
  return {
    type: "append",
    from: 2,
    to: 1,
    term: 1,
    previousIndex: 0,
    previousTerm: 0,
    entries: [],
    commit: 0,
    ...overrides,
  };
}

describe("replication", () => {
  it("commits what a majority holds and tells everyone", () => {
    const cores = cluster(3);
    const leader = cores.elect();
    propose(cores, leader, "a", "b", "c");
    cores.advance(200);
    for (const id of cores.ids) {
      expect(cores.core(id).commit).toBe(4);
      expect(cores.core(id).log.at(4)?.data).toEqual(bytes("c"));
    }
  });

  it.each([
    [2, 0, true],
    [2, 1, false],
    [4, 1, true],
    [4, 2, false],
    [6, 2, true],
    [6, 3, false],
  ])("of %i members with %i away %s: it commits", (size, away, commits) => {
    const cores = cluster(size);
    const leader = cores.elect();
    const before = leader.commit;
    const others = cores.ids.filter((id) => id !== leader.id).slice(0, away);
    cores.isolate(...others);
    propose(cores, leader, "a");
    expect(leader.commit > before).toBe(commits);
  });

  it("does not count itself before its own log is synced", () => {
    const cores = cluster(1);
    const leader = cores.elect();
    const effects = cores.feed(1, { type: "propose", commands: [bytes("a")] });
    expect(effects.entries).toHaveLength(1);
    expect(leader.commit).toBe(leader.log.lastIndex - 1);
    cores.deliver();
    expect(leader.commit).toBe(leader.log.lastIndex);
  });

  it("ignores a sync of entries that were replaced meanwhile", () => {
    const cores = cluster(3);
    const mark = cores.feed(1, { type: "message", message: append({ entries: [entry(1, 1), entry(2, 1)] }) }).mark!;
    cores.feed(1, { type: "message", message: append({ from: 3, term: 2, entries: [entry(1, 2)] }) });
    cores.feed(1, { type: "synced", mark });
    expect(cores.core(1).syncedIndex).toBe(0);
  });

  it("acknowledges only after the sync", () => {
    const cores = cluster(3);
    const effects = cores.feed(1, { type: "message", message: append({ entries: [entry(1, 1)] }) });
    expect(effects.messages).toEqual([]);
    expect(effects.messagesAfterSync).toMatchObject([{ type: "appendAccepted", matchIndex: 1 }]);
  });

  // Figure 7 of the Raft paper: followers whose logs miss entries, or hold others, are brought to the leader's.
  it.each([
    ["misses one", [1, 1, 1, 4, 4, 5, 5, 6, 6]],
    ["misses many", [1, 1, 1, 4]],
    ["has one more", [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6]],
    ["has two of a later term", [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7]],
    ["diverged early", [1, 1, 1, 4, 4, 4, 4]],
    ["diverged in old terms", [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3]],
  ])("repairs a follower that %s", (_, followerTerms) => {
    const cores = cluster(3);
    const leaderTerms = [1, 1, 1, 4, 4, 5, 5, 6, 6, 6];
    const load = (id: number, logTerms: readonly number[]): void => {
      const entries = logTerms.map((term, at) => entry(at + 1, term, `${term}`));
      cores.feed(id, { type: "message", message: append({ from: 3, to: id, term: 7, entries }) });
      cores.passes = () => false;
      cores.deliver();
    };
    load(1, leaderTerms);
    load(2, followerTerms);
    cores.passes = (message) => message.from !== 3 && message.to !== 3;
    let leader: Raft | undefined;
    // Only the first has a log that wins, unless the second's is better: then it leads and repairs the first.
    for (let i = 0; i < 1_000 && leader === undefined; i++) {
      cores.advance(100);
      leader = cores.leader;
    }
    cores.advance(3_000);
    expect(terms(cores.core(1))).toEqual(terms(cores.core(2)));
    expect(cores.core(1).commit).toBe(cores.core(2).commit);
    expect(cores.core(1).commit).toBe(leader!.log.lastIndex);
  });

  it("backs up over a long divergence in a round a term, not a round an entry", () => {
    const cores = cluster(3);
    const ours = Array.from({ length: 400 }, (_, at) => entry(at + 1, at < 100 ? 1 : 5));
    const theirs = Array.from({ length: 300 }, (_, at) => entry(at + 1, at < 100 ? 1 : at < 200 ? 2 : 3));
    cores.passes = () => false;
    cores.feed(1, { type: "message", message: append({ from: 3, to: 1, term: 5, entries: ours }) });
    cores.feed(2, { type: "message", message: append({ from: 3, to: 2, term: 5, entries: theirs }) });
    cores.deliver();
    let rejected = 0;
    cores.passes = (message) => {
      if (message.type === "appendRejected") rejected++;
      return message.from !== 3 && message.to !== 3;
    };
    while (cores.leader === undefined) cores.advance(100);
    cores.advance(500);
    expect(terms(cores.core(2))).toEqual(terms(cores.core(1)));
    expect(rejected).toBeGreaterThan(0);
    expect(rejected).toBeLessThanOrEqual(4);
  });

  it("never commits an entry of an earlier term by counting (figure 8)", () => {
    const cores = cluster(3);
    const leader = cores.elect();
    const follower = cores.ids.find((id) => id !== leader.id)!;
    // Both hold an entry of the first term that was never committed.
    cores.passes = (message) => message.to !== leader.id;
    cores.feed(leader.id, { type: "propose", commands: [bytes("old")] });
    cores.deliver();
    const old = leader.log.lastIndex;
    const { commit } = leader;
    // The leader loses its office and wins it again; its own entry of the new term does not arrive.
    cores.passes = (message) => message.type !== "append";
    const higher: Message = {
      type: "heartbeatResult",
      from: follower,
      to: leader.id,
      term: leader.term + 1,
      readSequence: 0,
      sentAt: 0,
      holdMs: 0,
    };
    cores.feed(leader.id, { type: "message", message: higher });
    for (let i = 0; i < 200 && leader.role !== "leader"; i++) cores.advance(100);
    expect(leader.role).toBe("leader");
    const accepted: Message = {
      type: "appendAccepted",
      from: follower,
      to: leader.id,
      term: leader.term,
      matchIndex: old,
    };
    cores.feed(leader.id, { type: "message", message: accepted });
    expect(leader.commit).toBe(commit);
    cores.feed(leader.id, { type: "message", message: { ...accepted, matchIndex: leader.log.lastIndex } });
    expect(leader.commit).toBe(leader.log.lastIndex);
  });

  it("keeps entries that an old append, arriving late, does not name", () => {
    const cores = cluster(3);
    const three = [entry(1, 1), entry(2, 1), entry(3, 1)];
    cores.feed(1, { type: "message", message: append({ entries: three }) });
    cores.feed(1, { type: "message", message: append({ entries: three.slice(0, 1) }) });
    expect(cores.core(1).log.lastIndex).toBe(3);
  });

  it("refuses what does not follow an entry of the right term", () => {
    const cores = cluster(3);
    cores.feed(1, { type: "message", message: append({ entries: [entry(1, 1), entry(2, 1)] }) });
    const message = append({ from: 3, term: 3, previousIndex: 2, previousTerm: 2, entries: [entry(3, 3)] });
    const effects = cores.feed(1, { type: "message", message });
    expect(effects.messagesAfterSync).toMatchObject([{ type: "appendRejected", rejectedIndex: 2 }]);
    expect(cores.core(1).log.lastIndex).toBe(2);
  });

  it("commits on a follower only as far as its log is known to be the leader's", () => {
    const cores = cluster(3);
    cores.feed(1, { type: "message", message: append({ entries: [entry(1, 1), entry(2, 1), entry(3, 1)] }) });
    cores.feed(1, { type: "message", message: append({ from: 3, term: 2, entries: [entry(1, 1)], commit: 3 }) });
    expect(cores.core(1).commit).toBe(1);
  });

  it("stops on an append that contradicts what is committed", () => {
    const cores = cluster(3);
    const entries = [entry(1, 1), entry(2, 1)];
    cores.feed(1, { type: "message", message: append({ entries, commit: 1 }) });
    const message = append({ from: 3, term: 2, previousIndex: 1, previousTerm: 1, entries: [entry(2, 2)] });
    cores.feed(1, { type: "message", message });
    expect(cores.core(1).log.termAt(2)).toBe(2);
    expect(cores.core(1).commit).toBe(1);
  });

  it("sends in pieces of bounded size, a bounded number of them ahead", () => {
    const cores = cluster(2, { maxAppendBytes: 100, maxInFlight: 4 });
    const leader = cores.elect();
    const sent: Append[] = [];
    cores.passes = (message) => {
      if (message.type === "append") sent.push(message);
      return message.type !== "append";
    };
    const commands = Array.from({ length: 50 }, () => new Uint8Array(40));
    cores.feed(leader.id, { type: "propose", commands });
    expect(sent).toHaveLength(4);
    for (const { entries } of sent) expect(entries).toHaveLength(2);
    cores.heal();
    cores.advance(5_000);
    expect(leader.commit).toBe(leader.log.lastIndex);
  });

  it("sends no more than a bounded number of bytes ahead, and at least one append", () => {
    const cores = cluster(2, { maxAppendBytes: 100, maxInFlightBytes: 250 });
    const leader = cores.elect();
    const sent: Append[] = [];
    cores.passes = (message) => {
      if (message.type === "append") sent.push(message);
      return message.type !== "append";
    };
    const commands = [40, 40, 40, 40, 40, 40, 40, 600, 40].map((size) => new Uint8Array(size));
    cores.feed(leader.id, { type: "propose", commands });
    // Each holds two of 40: the window is full with the fourth.
    expect(sent.map(({ entries }) => entries.length)).toEqual([2, 2, 2, 1]);
    cores.heal();
    cores.advance(5_000);
    expect(leader.commit).toBe(leader.log.lastIndex);
    expect([...leader.progress.values()]).toMatchObject([{ inFlight: [], inFlightBytes: [], bytesInFlight: 0 }]);
  });

  it("does not go beyond that for a follower that answers heartbeats and acknowledges nothing", () => {
    const cores = cluster(3, { maxAppendBytes: 100, maxInFlight: 4 });
    const leader = cores.elect();
    const stuck = cores.ids.find((id) => id !== leader.id)!;
    let entries = 0;
    let appends = 0;
    cores.passes = (message) => {
      if (message.type === "append" && message.to === stuck) {
        appends++;
        entries += message.entries.length;
      }
      return message.type !== "appendAccepted" || message.from !== stuck;
    };
    const commands = Array.from({ length: 50 }, () => new Uint8Array(40));
    cores.feed(leader.id, { type: "propose", commands });
    cores.advance(5_000);
    expect(entries).toBe(8);
    // It is asked again and again, with nothing in it.
    expect(appends).toBeGreaterThan(20);
    expect(leader.commit).toBe(leader.log.lastIndex);
    cores.heal();
    cores.advance(500);
    expect(cores.core(stuck).commit).toBe(leader.commit);
  });

  it("sends a snapshot when what a full window waits for has gone from the log", () => {
    const cores = cluster(3, { maxInFlight: 1, maxAppendBytes: 1 });
    const leader = cores.elect();
    const stuck = cores.ids.find((id) => id !== leader.id)!;
    cores.passes = (message) => message.type !== "append" || message.to !== stuck;
    propose(cores, leader, "a", "b", "c");
    expect(leader.progress.get(stuck)!.mode).toBe("replicate");
    cores.feed(leader.id, { type: "compact", index: leader.commit });
    const asked: number[] = [];
    cores.onEffects = (_, effects) => void asked.push(...effects.snapshotsTo);
    cores.advance(200);
    expect(asked).toEqual([stuck]);
  });

  it("drops commands beyond the bound on what is uncommitted, and takes them again later", () => {
    const cores = cluster(3, { maxUncommittedBytes: 100 });
    const leader = cores.elect();
    cores.passes = (message) => message.type !== "append";
    const commands = Array.from({ length: 3 }, () => new Uint8Array(40));
    const effects = cores.feed(leader.id, { type: "propose", commands });
    expect(effects.dropped).toHaveLength(1);
    cores.heal();
    cores.advance(1_000);
    expect(cores.feed(leader.id, { type: "propose", commands: commands.slice(1) }).dropped).toEqual([]);
  });

  it("recovers what messages lost on the way, without a new proposal", () => {
    const cores = cluster(3);
    const leader = cores.elect();
    propose(cores, leader, "a");
    cores.passes = (message) => message.type !== "append" && message.type !== "appendAccepted";
    propose(cores, leader, "b", "c");
    cores.heal();
    cores.advance(500);
    for (const id of cores.ids) expect(cores.core(id).commit).toBe(leader.log.lastIndex);
  });

  it("believes nobody who claims to hold more than the leader's log", () => {
    const cores = cluster(3);
    const leader = cores.elect();
    const [liar, other] = cores.ids.filter((id) => id !== leader.id);
    // The other's answers are lost: what the liar says decides.
    cores.passes = ({ from }) => from !== other;
    cores.feed(leader.id, {
      type: "message",
      message: { type: "appendAccepted", from: liar!, to: leader.id, term: leader.term, matchIndex: 1_000 },
    });
    expect(leader.progress.get(liar!)!.match).toBeLessThanOrEqual(leader.log.lastIndex);
    propose(cores, leader, "a", "b");
    cores.advance(200);
    expect(cores.core(liar!).log.lastIndex).toBe(leader.log.lastIndex);
    expect(leader.commit).toBe(leader.log.lastIndex);
  });

  it("hands a command on to the leader, and drops it when none is known", () => {
    const cores = cluster(3);
    expect(cores.feed(1, { type: "propose", commands: [bytes("a")] }).dropped).toEqual([bytes("a")]);
    const leader = cores.elect();
    const follower = cores.ids.find((id) => id !== leader.id)!;
    propose(cores, cores.core(follower), "b");
    expect(leader.log.at(leader.log.lastIndex)?.data).toEqual(bytes("b"));
  });

  it("asks for a snapshot for a follower that needs what is compacted", () => {
    const cores = cluster(3);
    const leader = cores.elect();
    const away = cores.ids.find((id) => id !== leader.id)!;
    cores.isolate(away);
    cores.advance(100);
    propose(cores, leader, "a", "b", "c", "d", "e", "f");
    cores.feed(leader.id, { type: "compact", index: leader.commit });
    cores.heal();
    const asked: number[] = [];
    cores.onEffects = (_, effects) => asked.push(...effects.snapshotsTo);
    cores.advance(3_000);
    expect(asked).toEqual([away]);
  });
});
