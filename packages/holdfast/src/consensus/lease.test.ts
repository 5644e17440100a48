import { describe, expect, it } from "vitest";
import { seededRandom } from "../runtime/index.ts";
import { CoreCluster } from "../testing/index.ts";
import type { Message } from "./message.ts";
import type { PlantedBug } from "./planted-bug.ts";
import type { Raft } from "./raft.ts";

interface Leased {
  readonly cores: CoreCluster;
  readonly leader: Raft;
  readonly followers: readonly [number, number];
  /** Asks the leader for a read; whether the answer came at once. */
  readonly readsAtOnce: () => boolean;
}

/** Three cores with a leader that has its lease; an election timeout of a second, so leases of 900 ms. */
function leased(plant?: PlantedBug): Leased {
  const cores = new CoreCluster({
    size: 3,
    random: seededRandom(3),
    reads: "lease",
    ...(plant === undefined ? {} : { plant }),
  });
  const leader = cores.elect();
  const [one, other] = cores.ids.filter((id) => id !== leader.id);
  let id = 0;
  return {
    cores,
    leader,
    followers: [one!, other!],
    readsAtOnce: () =>
      cores.feed(leader.id, { type: "read", id: ++id, now: cores.clockOf(leader.id) }).reads.length > 0,
  };
}

/** A heartbeat to all, now. */
function beat({ cores, leader }: Leased): void {
  leader.heartbeatDeadline = cores.now;
  cores.feed(leader.id, { type: "tick", now: cores.now });
}

describe("a leader with a lease", () => {
  it("answers at once, without a message, at the commit index", () => {
    const { cores, leader } = leased();
    const effects = cores.feed(leader.id, { type: "read", id: 1, now: cores.now });
    expect(effects.reads).toEqual([{ id: 1, index: leader.commit }]);
    expect(effects.messages).toEqual([]);
  });

  it("answers a follower's question at once, too", () => {
    const { cores, leader, followers } = leased();
    const sent: string[] = [];
    cores.passes = ({ type }) => sent.push(type) > 0;
    let answered = -1;
    cores.onEffects = (_, { reads }) => (answered = reads[0]?.index ?? answered);
    cores.feed(followers[0], { type: "read", id: 1, now: cores.now });
    cores.deliver();
    expect(sent).toEqual(["readIndex", "readIndexResult"]);
    expect(answered).toBe(leader.commit);
  });

  it("asks a majority again once the lease is over, which is before the election timeout", () => {
    const setting = leased();
    const { cores, readsAtOnce } = setting;
    beat(setting);
    cores.deliver();
    cores.passes = ({ type }) => type !== "heartbeatResult" && type !== "appendAccepted";
    cores.advance(890);
    expect(readsAtOnce()).toBe(true);
    cores.advance(10);
    expect(readsAtOnce()).toBe(false);
    expect(setting.leader.role).toBe("leader");
  });

  it("needs a majority's promises", () => {
    const setting = leased();
    const { cores, leader, followers, readsAtOnce } = setting;
    cores.passes = ({ from, to }) => ![from, to].includes(followers[0]);
    cores.advance(2_000);
    expect(readsAtOnce()).toBe(true);
    leader.progress.get(followers[1])!.leaseUntil = 0;
    expect(readsAtOnce()).toBe(false);
  });

  // The answers to a heartbeat arrive 800 ms late: by then little is left of what they promise.
  it.each([
    [undefined, false],
    ["lease-from-receipt", true],
  ] as const)("counts the lease from when it asked (planted: %s)", (plant, believes) => {
    const setting = leased(plant);
    const { cores, leader, readsAtOnce } = setting;
    const late: Message[] = [];
    cores.passes = (message) => message.type !== "heartbeatResult" || (late.push(message), false);
    beat(setting);
    cores.deliver();
    cores.passes = ({ type }) => !type.startsWith("heartbeat");
    cores.advance(800);
    expect(late).toHaveLength(2);
    for (const message of late) cores.feed(leader.id, { type: "message", message, now: cores.now });
    cores.advance(90);
    expect(readsAtOnce()).toBe(true);
    cores.advance(20);
    expect(readsAtOnce()).toBe(believes);
  });

  // While it stands still another is elected and commits; a client's read is the first that it hears of.
  it.each([
    [undefined, 0],
    ["lease-survives-pause", 1],
  ] as const)("does not believe in it after a pause (planted: %s)", (plant, stale) => {
    const { cores, leader } = leased(plant);
    cores.paused.add(leader.id);
    const { commit } = leader;
    cores.advance(5_000);
    const next = cores.ids.map((id) => cores.core(id)).find((core) => core.role === "leader" && core !== leader);
    expect(next!.commit).toBeGreaterThan(commit);
    const effects = cores.feed(leader.id, { type: "read", id: 1, now: cores.now });
    expect(effects.reads).toHaveLength(stale);
  });

  it("begins a new lease after a pause, from what it asks then", () => {
    const setting = leased();
    const { cores, leader, readsAtOnce } = setting;
    // Long enough to be a pause, too short for the lease to end.
    cores.now += 300;
    expect(readsAtOnce()).toBe(false);
    cores.deliver();
    cores.advance(100);
    expect(leader.role).toBe("leader");
    expect(readsAtOnce()).toBe(true);
  });

  it.each([
    [undefined, 0],
    ["read-before-term-commit", 1],
  ] as const)("waits until it has committed an entry of its term (planted: %s)", (plant, answers) => {
    const { cores, leader } = leased(plant);
    cores.isolate(leader.id);
    cores.advance(1_500);
    cores.passes = ({ type, from, to }) => type !== "appendAccepted" && from !== leader.id && to !== leader.id;
    while (cores.leader === undefined || cores.leader === leader) cores.advance(10);
    const next = cores.leader;
    cores.advance(200);
    expect(next.log.termAt(next.commit)).toBeLessThan(next.term);
    expect(cores.feed(next.id, { type: "read", id: 1, now: cores.now }).reads).toHaveLength(answers);
  });

  it("gives it up for a transfer of leadership, and does not take it up again in its term", () => {
    const { cores, leader, followers, readsAtOnce } = leased();
    expect(readsAtOnce()).toBe(true);
    cores.passes = ({ type }) => type !== "timeoutNow";
    cores.feed(leader.id, { type: "transferLeadership", to: followers[0] });
    expect(readsAtOnce()).toBe(false);
    cores.advance(3_000);
    expect(leader.role).toBe("leader");
    expect(leader.transfer).toBeUndefined();
    expect(readsAtOnce()).toBe(false);
  });

  it("gets none from members that promise nothing", () => {
    const quorum = new CoreCluster({ size: 3, random: seededRandom(3) });
    const leader = quorum.elect();
    for (const progress of leader.progress.values()) expect(progress.leaseUntil).toBeLessThanOrEqual(quorum.now);
    expect(quorum.feed(leader.id, { type: "read", id: 1, now: quorum.now }).reads).toEqual([]);
  });
});

describe("a voter that has promised a leader to wait", () => {
  const request = (leader: Raft, from: number, to: number): Message => {
    const { lastIndex, lastTerm } = leader.log;
    const shared = { type: "requestVote", preVote: false, leadershipTransfer: false } as const;
    return { ...shared, from, to, term: leader.term + 1, lastIndex, lastTerm };
  };

  it("keeps it after a restart", () => {
    const { cores, leader, followers } = leased();
    const [voter, candidate] = followers;
    cores.restart(voter);
    cores.feed(voter, { type: "message", message: request(leader, candidate, voter), now: cores.now });
    expect(cores.core(voter).vote).not.toBe(candidate);
    cores.now += 1_000;
    cores.feed(voter, { type: "message", message: request(leader, candidate, voter), now: cores.now });
    expect(cores.core(voter).vote).toBe(candidate);
  });

  it("keeps it when it learns of a later term", () => {
    const { cores, leader, followers } = leased();
    const [voter, candidate] = followers;
    const term = leader.term + 1;
    const refusal: Message = { type: "voteResult", from: candidate, to: voter, term, preVote: true, granted: false };
    cores.feed(voter, { type: "message", message: refusal, now: cores.now });
    expect(cores.core(voter).term).toBe(term);
    cores.feed(voter, { type: "message", message: request(leader, candidate, voter), now: cores.now });
    expect(cores.core(voter).vote).toBe(0);
  });

  it("does not forget its leader when told to", () => {
    const { cores, leader, followers } = leased();
    cores.feed(followers[0], { type: "forgetLeader" });
    expect(cores.core(followers[0]).leader).toBe(leader.id);
  });
});

describe("the options of reads", () => {
  const random = seededRandom(1);
  it.each([
    [{ reads: "hope" as "lease" }, 'raft.reads must be "quorum" or "lease" (got "hope")'],
    [{ clockDriftRatio: 1 }, "raft.clockDriftRatio must be a number >= 0 and <= 0.9 (got 1)"],
    [{ diskHangMs: -1 }, "raft.diskHangMs must be a number >= 0 (got -1)"],
  ])("refuse %o", (options, message) => {
    expect(() => new CoreCluster({ size: 1, random, ...options })).toThrow(message);
  });
});
