import { describe, expect, it } from "vitest";
import { seededRandom } from "../runtime/index.ts";
import { CoreCluster } from "../testing/index.ts";
import type { Fact } from "./effects.ts";
import type { PlantedBug } from "./planted-bug.ts";
import type { Raft } from "./raft.ts";

interface Setting {
  readonly cores: CoreCluster;
  readonly leader: Raft;
  readonly followers: readonly number[];
  readonly facts: Fact[];
}

function elected(size = 3, plant?: PlantedBug): Setting {
  const cores = new CoreCluster({ size, random: seededRandom(11), ...(plant === undefined ? {} : { plant }) });
  const leader = cores.elect();
  const facts: Fact[] = [];
  cores.onEffects = (_, effects) => facts.push(...effects.facts);
  return { cores, leader, followers: cores.ids.filter((id) => id !== leader.id), facts };
}

const command = Uint8Array.of(1);

describe("a transfer of leadership", () => {
  it("makes the follower that was named lead, in no time", () => {
    const { cores, leader, followers } = elected();
    const { term } = leader;
    for (const to of followers) {
      cores.feed(cores.leader!.id, { type: "transferLeadership", to });
      cores.deliver();
      expect(cores.leader!.id).toBe(to);
      cores.advance(200);
    }
    expect(cores.leader!.term).toBe(term + 2);
    expect(leader.role).toBe("follower");
    for (const id of cores.ids) expect(cores.core(id).leader).toBe(cores.leader!.id);
  });

  it("takes whoever holds most of the log when nobody is named", () => {
    const { cores, leader, followers } = elected(5);
    const [, , furthest] = followers;
    cores.passes = ({ type, to }) => type !== "append" || to === furthest;
    cores.feed(leader.id, { type: "propose", commands: [command] });
    cores.deliver();
    cores.feed(leader.id, { type: "transferLeadership", to: 0 });
    expect(leader.transfer?.to).toBe(furthest);
  });

  // The follower lacks entries, and what it is sent of them is lost at first.
  it.each([
    [undefined, true],
    ["transfer-without-catch-up", false],
  ] as const)("brings the other's log up to date first (planted: %s)", (plant, arrives) => {
    const { cores, leader, followers } = elected(3, plant);
    const [to] = followers;
    cores.passes = (message) => message.type !== "append" || message.to !== to;
    cores.feed(leader.id, { type: "propose", commands: [command, command] });
    cores.deliver();
    cores.feed(leader.id, { type: "transferLeadership", to: to! });
    cores.deliver();
    if (arrives) expect(cores.leader).toBe(leader);
    cores.heal();
    cores.advance(400);
    expect(cores.leader?.id === to).toBe(arrives);
    if (arrives) expect(cores.core(to!).log.lastIndex).toBeGreaterThan(leader.commit - 1);
  });

  it("drops commands while it is under way, the leader's and those of others", () => {
    const { cores, leader, followers } = elected();
    cores.passes = ({ type }) => type !== "timeoutNow";
    const { lastIndex } = leader.log;
    cores.feed(leader.id, { type: "transferLeadership", to: followers[0]! });
    expect(cores.feed(leader.id, { type: "propose", commands: [command] }).dropped).toEqual([command]);
    cores.feed(followers[1]!, { type: "propose", commands: [command] });
    cores.deliver();
    expect(leader.log.lastIndex).toBe(lastIndex);
  });

  it("is given up after an election timeout, and commands are taken again", () => {
    const { cores, leader, followers, facts } = elected();
    cores.passes = ({ type }) => type !== "timeoutNow";
    cores.feed(leader.id, { type: "transferLeadership", to: followers[0]! });
    cores.advance(990);
    expect(leader.transfer).toBeDefined();
    cores.advance(20);
    expect(facts).toContainEqual({ type: "transferAborted", to: followers[0], term: leader.term });
    const { commit } = leader;
    expect(cores.feed(leader.id, { type: "propose", commands: [command] }).dropped).toEqual([]);
    cores.deliver();
    expect(leader.commit).toBe(commit + 1);
  });

  it("tells the other again when the message is lost", () => {
    const { cores, leader, followers } = elected();
    let lost = 0;
    cores.passes = ({ type }) => type !== "timeoutNow" || ++lost > 1;
    cores.feed(leader.id, { type: "transferLeadership", to: followers[1]! });
    cores.deliver();
    expect(cores.leader).toBe(leader);
    cores.advance(150);
    expect(lost).toBeGreaterThan(1);
    expect(cores.leader!.id).toBe(followers[1]);
  });

  it("goes on when it is asked for again, and refuses another aim", () => {
    const { cores, leader, followers } = elected();
    cores.passes = ({ type }) => type !== "timeoutNow";
    const [one, other] = followers;
    cores.feed(leader.id, { type: "transferLeadership", to: one! });
    const { transfer } = leader;
    for (const to of [one!, 0]) {
      expect(cores.feed(leader.id, { type: "transferLeadership", to }).transferRefused).toBeUndefined();
    }
    const refused = cores.feed(leader.id, { type: "transferLeadership", to: other! });
    expect(refused.transferRefused).toBe("TRANSFER_UNDER_WAY");
    expect(leader.transfer).toBe(transfer);
  });

  it("is refused where it cannot be", () => {
    const { cores, leader, followers } = elected();
    const ask = (id: number, to: number): unknown => cores.feed(id, { type: "transferLeadership", to }).transferRefused;
    expect(ask(followers[0]!, followers[1]!)).toBe("NOT_LEADER");
    expect(ask(leader.id, 99)).toBe("NO_SUCH_VOTER");
    cores.isolate(followers[0]!);
    cores.advance(1_100);
    expect(ask(leader.id, followers[0]!)).toBe("MEMBER_UNREACHABLE");
    expect(ask(leader.id, leader.id)).toBeUndefined();
    expect(leader.transfer).toBeUndefined();
  });

  it("has nobody to go to in a cluster of one", () => {
    const { cores, leader } = elected(1);
    expect(cores.feed(1, { type: "transferLeadership", to: 0 }).transferRefused).toBe("MEMBER_UNREACHABLE");
    expect(leader.role).toBe("leader");
  });

  it("is asked of nobody by a stranger or by a leader of the past", () => {
    const { cores, leader, followers } = elected();
    const [to, other] = followers;
    const { term } = leader;
    for (const message of [
      { type: "timeoutNow", from: other!, to: to!, term },
      { type: "timeoutNow", from: leader.id, to: to!, term: term - 1 },
    ] as const) {
      cores.feed(to!, { type: "message", message });
      expect(cores.core(to!).role).toBe("follower");
    }
  });

  it("gives linearizable reads that are under way back to who asked here", () => {
    const { cores, leader, followers } = elected();
    cores.passes = ({ type }) => type !== "heartbeatResult";
    cores.feed(leader.id, { type: "read", id: 7 });
    let dropped: readonly number[] = [];
    cores.onEffects = (id, { droppedReads }) => {
      if (id === leader.id && droppedReads.length > 0) dropped = droppedReads;
    };
    cores.feed(leader.id, { type: "transferLeadership", to: followers[0]! });
    cores.deliver();
    expect(dropped).toEqual([7]);
  });
});

describe("a follower that is told to forget its leader", () => {
  it("helps to elect another at once", () => {
    const { cores, leader, followers } = elected();
    const [voter, candidate] = followers;
    cores.isolate(leader.id);
    const ask = (): boolean | undefined => {
      const { log, term } = cores.core(candidate!);
      const { lastIndex, lastTerm } = log;
      const shared = { type: "requestVote", preVote: true, leadershipTransfer: false } as const;
      const message = { ...shared, from: candidate!, to: voter!, term: term + 1, lastIndex, lastTerm };
      const answer = cores.feed(voter!, { type: "message", message }).messages[0];
      return answer?.type === "voteResult" ? answer.granted : undefined;
    };
    expect(ask()).toBe(false);
    cores.feed(voter!, { type: "forgetLeader" });
    expect(cores.core(voter!).leader).toBe(0);
    expect(ask()).toBe(true);
  });

  it("finds it again when it is still there; a leader forgets nobody", () => {
    const { cores, leader, followers } = elected();
    cores.feed(followers[0]!, { type: "forgetLeader" });
    cores.feed(leader.id, { type: "forgetLeader" });
    expect(leader.leader).toBe(leader.id);
    cores.advance(150);
    expect(cores.core(followers[0]!).leader).toBe(leader.id);
    expect(cores.leader).toBe(leader);
  });
});
