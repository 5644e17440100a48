import { describe, expect, it } from "vitest";
import { seededRandom } from "../runtime/index.ts";
import { CoreCluster } from "../testing/index.ts";
import type { Fact } from "./effects.ts";
import type { Raft } from "./raft.ts";

interface Setting {
  readonly cores: CoreCluster;
  readonly leader: Raft;
  readonly facts: Fact[];
}

/** An election timeout of a second; a disk that is at one write for three has stalled. From now on the leader's is. */
function withHungLeader(size = 3): Setting {
  const cores = new CoreCluster({ size, random: seededRandom(2), diskHangMs: 3_000 });
  const leader = cores.elect();
  const since = cores.now;
  const facts: Fact[] = [];
  cores.onEffects = (id, effects) => id === leader.id && facts.push(...effects.facts);
  cores.diskWaitOf = (id) => (id === leader.id ? cores.now - since : 0);
  return { cores, leader, facts };
}

describe("a leader whose disk hangs", () => {
  it("hands leadership over once the disk has been at one write for too long", () => {
    const { cores, leader, facts } = withHungLeader();
    cores.advance(3_000);
    expect(cores.leader).toBe(leader);
    cores.advance(10);
    expect(facts).toContainEqual({ type: "diskStalled", waitMs: 3_010 });
    expect(facts.filter(({ type }) => type === "transferStarted")).toHaveLength(1);
    expect(cores.leader!.id).not.toBe(leader.id);
    expect(leader.role).toBe("follower");
  });

  it("steps down when nobody takes over", () => {
    const { cores, leader, facts } = withHungLeader();
    cores.passes = ({ type }) => type !== "timeoutNow";
    cores.advance(3_020);
    expect(leader.transfer).toBeDefined();
    cores.advance(1_000);
    expect(facts.map(({ type }) => type)).toContain("transferAborted");
    expect(leader.role).toBe("follower");
    cores.advance(2_500);
    expect(cores.leader!.id).not.toBe(leader.id);
  });

  it("leads on when it is alone: there is nobody who could do better", () => {
    const { cores, leader, facts } = withHungLeader(1);
    cores.advance(4_000);
    expect(facts).toEqual([{ type: "diskStalled", waitMs: 3_010 }]);
    expect(leader.role).toBe("leader");
  });

  it("does not stand for election before the disk is back", () => {
    const { cores, leader, facts } = withHungLeader();
    cores.advance(3_500);
    for (const id of cores.ids) if (id !== leader.id) cores.paused.add(id);
    const { term } = leader;
    cores.advance(10_000);
    expect([leader.role, leader.leader, leader.term]).toEqual(["follower", 0, term]);
    cores.diskWaitOf = () => 0;
    cores.advance(2_100);
    expect(facts.at(-1)?.type).toBe("roleChanged");
    expect(facts.map(({ type }) => type)).toContain("diskRecovered");
    expect(leader.role).toBe("preCandidate");
  });

  it("does not let itself be made leader again meanwhile", () => {
    const { cores, leader } = withHungLeader();
    cores.advance(3_500);
    const next = cores.leader!;
    cores.feed(next.id, { type: "transferLeadership", to: leader.id });
    cores.advance(1_500);
    expect(cores.leader).toBe(next);
  });
});
