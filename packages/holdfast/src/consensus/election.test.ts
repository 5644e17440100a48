import { describe, expect, it } from "vitest";
import { seededRandom } from "../runtime/index.ts";
import { CoreCluster } from "../testing/index.ts";
import type { Message, RequestVote, VoteResult } from "./message.ts";

function cluster(size: number, seed = 1): CoreCluster {
  return new CoreCluster({ size, random: seededRandom(seed) });
}

function vote(overrides: Partial<RequestVote>): RequestVote {
  return {
    type: "requestVote",
    from: 2,
    to: 1,
    term: 1,
    preVote: false,
    leadershipTransfer: false,
    lastIndex: 0,
    lastTerm: 0,
    ...overrides,
  };
}

function answerTo(cores: CoreCluster, message: Message): Message | undefined {
  const effects = cores.feed(message.to, { type: "message", message });
  return [...effects.messages, ...effects.messagesAfterSync].find(({ to }) => to === message.from);
}

describe("election", () => {
  it.each([1, 2, 3, 4, 5, 6, 7])("of %i members finds one leader, which commits an entry of its term", (size) => {
    const cores = cluster(size);
    const leader = cores.elect();
    expect(cores.ids.filter((id) => cores.core(id).role === "leader")).toEqual([leader.id]);
    for (const id of cores.ids) expect(cores.core(id).leader).toBe(leader.id);
    expect(leader.log.at(leader.commit)).toMatchObject({ kind: "noop", term: leader.term });
  });

  it("does not raise the term while a majority is out of reach (pre-vote)", () => {
    const cores = cluster(3);
    cores.isolate(1);
    cores.elect();
    const before = cores.core(1).term;
    cores.advance(20_000);
    expect(cores.core(1).term).toBe(before);
    expect(["preCandidate", "follower"]).toContain(cores.core(1).role);
  });

  it("leaves a leader alone that a returning member has not heard (pre-vote)", () => {
    const cores = cluster(3);
    const leader = cores.elect();
    const away = cores.ids.find((id) => id !== leader.id)!;
    const { term } = leader;
    cores.isolate(away);
    cores.advance(10_000);
    cores.heal();
    cores.advance(3_000);
    expect(leader.role).toBe("leader");
    expect(leader.term).toBe(term);
    expect(cores.core(away).leader).toBe(leader.id);
  });

  it("lets the vote for itself count only once it is durable", () => {
    const cores = cluster(1);
    const effects = cores.feed(1, { type: "tick", now: 5_000 });
    expect(effects.hardState).toEqual({ term: 1, vote: 1 });
    expect(effects.messagesAfterSync).toMatchObject([{ type: "voteResult", from: 1, to: 1, granted: true }]);
    expect(cores.core(1).role).toBe("candidate");
    cores.deliver();
    expect(cores.core(1).role).toBe("leader");
  });

  it("grants one vote a term, and hands it to the disk before the answer may leave", () => {
    const cores = cluster(3);
    const first = cores.feed(1, { type: "message", message: vote({ from: 2 }) });
    expect(first.hardState).toEqual({ term: 1, vote: 2 });
    expect(first.messages).toEqual([]);
    expect(first.messagesAfterSync).toMatchObject([{ type: "voteResult", granted: true, to: 2 }]);
    expect(answerTo(cores, vote({ from: 3 }))).toMatchObject({ granted: false });
    expect(answerTo(cores, vote({ from: 2 }))).toMatchObject({ granted: true });
    cores.restart(1);
    expect(answerTo(cores, vote({ from: 3 }))).toMatchObject({ granted: false });
  });

  // The up-to-date rule compares last terms first, and lengths only between equal ones (Raft, section 5.4.1).
  it.each([
    [{ lastTerm: 2, lastIndex: 3 }, true],
    [{ lastTerm: 2, lastIndex: 2 }, false],
    [{ lastTerm: 1, lastIndex: 9 }, false],
    [{ lastTerm: 3, lastIndex: 1 }, true],
    [{ lastTerm: 2, lastIndex: 4 }, true],
  ])("a voter whose log ends at index 3 of term 2 answers a candidate's %o with %s", (last, granted) => {
    const cores = cluster(3);
    cores.feed(1, {
      type: "message",
      message: {
        type: "append",
        from: 3,
        to: 1,
        term: 2,
        previousIndex: 0,
        previousTerm: 0,
        commit: 0,
        entries: [1, 2, 2].map((term, at) => ({ index: at + 1, term, kind: "noop", data: new Uint8Array(0) })),
      },
    });
    cores.feed(1, { type: "tick", now: 10_000 });
    expect(answerTo(cores, vote({ term: 5, ...last }))).toMatchObject({ granted });
  });

  it("ignores a candidate of any term while it hears its leader", () => {
    const cores = cluster(3);
    const leader = cores.elect();
    const voter = cores.ids.find((id) => id !== leader.id)!;
    const request = vote({ from: 6 - leader.id - voter, to: voter, term: leader.term + 5, lastIndex: 99, lastTerm: 9 });
    expect(answerTo(cores, request)).toBeUndefined();
    expect(cores.core(voter).term).toBe(leader.term);
  });

  it("takes no vote twice from one voter", () => {
    const cores = cluster(5);
    cores.feed(1, { type: "tick", now: 5_000 });
    const grant: VoteResult = { type: "voteResult", from: 2, to: 1, term: 1, preVote: true, granted: true };
    for (let i = 0; i < 5; i++) cores.feed(1, { type: "message", message: grant });
    expect(cores.core(1).role).toBe("preCandidate");
  });

  it("ignores grants of an earlier campaign", () => {
    const cores = cluster(3);
    cores.passes = () => false;
    cores.advance(5_000);
    const stale: VoteResult = { type: "voteResult", from: 2, to: 1, term: 0, preVote: false, granted: true };
    cores.feed(1, { type: "message", message: stale });
    expect(cores.core(1).role).not.toBe("leader");
  });

  it("makes a leader that a majority does not answer step down (check-quorum)", () => {
    const cores = cluster(5);
    const leader = cores.elect();
    cores.isolate(leader.id);
    cores.advance(1_500);
    expect(leader.role).not.toBe("leader");
    expect(cores.leader?.id).not.toBe(leader.id);
  });

  it("makes a leader step down that can send but not receive", () => {
    const cores = cluster(3);
    const deaf = cores.elect();
    cores.passes = (message) => message.to !== deaf.id;
    cores.advance(5_000);
    expect(deaf.role).not.toBe("leader");
    expect(cores.leader).toBeDefined();
    expect(cores.leader!.id).not.toBe(deaf.id);
  });

  it("makes whoever sees a higher term follow it", () => {
    const cores = cluster(3);
    const leader = cores.elect();
    const follower = cores.ids.find((id) => id !== leader.id)!;
    cores.feed(leader.id, {
      type: "message",
      message: {
        type: "heartbeatResult",
        from: follower,
        to: leader.id,
        term: leader.term + 3,
        readSequence: 0,
        sentAt: 0,
        holdMs: 0,
      },
    });
    expect(leader.role).toBe("follower");
    expect(leader.leader).toBe(0);
  });

  it("tells a sender of an earlier term the present one", () => {
    const cores = cluster(3);
    const leader = cores.elect();
    const old: Message = { type: "heartbeat", from: 2, to: leader.id, term: 0, commit: 0, readSequence: 0, sentAt: 0 };
    expect(answerTo(cores, { ...old, from: cores.ids.find((id) => id !== leader.id)! })).toMatchObject({
      type: "heartbeatResult",
      term: leader.term,
    });
  });
});
