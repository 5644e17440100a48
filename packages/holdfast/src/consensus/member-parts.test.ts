import { describe, expect, it } from "vitest";
import { seededRandom } from "../runtime/index.ts";
import { CoreCluster } from "../testing/index.ts";
import { configurationOf, emptyConfiguration } from "./configuration.ts";
import type { NodeId } from "./entry.ts";
import type { Raft } from "./raft.ts";
import { learnerReady } from "./reconfiguration.ts";

interface Setting {
  readonly cluster: CoreCluster;
  readonly leader: Raft;
  readonly others: readonly NodeId[];
}

function setting(size: number): Setting {
  const cluster = new CoreCluster({ size, random: seededRandom(1) });
  const leader = cluster.elect();
  return { cluster, leader, others: cluster.ids.filter((id) => id !== leader.id) };
}

function propose(cluster: CoreCluster, count = 1): void {
  const commands = Array.from({ length: count }, () => Uint8Array.of(1));
  cluster.feed(cluster.leader!.id, { type: "propose", commands });
  cluster.deliver();
}

describe("a learner", () => {
  it("gets everything, decides nothing, and does not stand for election", () => {
    const { cluster, leader, others } = setting(3);
    for (const id of [4, 5]) cluster.join(id);
    cluster.change([4, 5].map((id) => ({ type: "addLearner", id })));
    cluster.deliver();
    propose(cluster, 3);
    expect(cluster.core(4).log.lastIndex).toBe(leader.log.lastIndex);
    const held = leader.commit;
    cluster.isolate(leader.id, 4, 5);
    propose(cluster);
    expect(leader.commit).toBe(held);
    expect(leader.progress.get(4)!.match).toBe(held + 1);
    // Nor does it keep a leader in office, or confirm its reads.
    expect(cluster.feed(leader.id, { type: "read", id: 1 }).reads).toEqual([]);
    cluster.advance(5_000);
    expect(leader.role).not.toBe("leader");
    for (const id of [4, 5]) expect([cluster.core(id).role, cluster.core(id).leader]).toEqual(["follower", 0]);
    expect(others).toContain(cluster.leader!.id);
  });

  it("is ready once it has caught up and while it is heard", () => {
    const { cluster, leader } = setting(1);
    propose(cluster, 100);
    cluster.join(2);
    cluster.change([{ type: "addLearner", id: 2 }]);
    expect(learnerReady(leader, 2)).toBe(false);
    cluster.deliver();
    expect(learnerReady(leader, 2)).toBe(true);
    expect([learnerReady(leader, 1), learnerReady(leader, 9)]).toEqual([false, false]);
    cluster.crash(2);
    cluster.advance(1_100);
    expect(learnerReady(leader, 2)).toBe(false);
    cluster.restart(2);
    cluster.advance(300);
    cluster.change([{ type: "promote", id: 2 }]);
    cluster.advance(300);
    expect(cluster.core(2).configuration).toEqual(configurationOf([1, 2]));
    cluster.feed(1, { type: "transferLeadership", to: 2 });
    cluster.deliver();
    expect(cluster.leader!.id).toBe(2);
  });

  it("to be is a voter until the joint change is over", () => {
    const { cluster, leader, others } = setting(3);
    cluster.join(4);
    cluster.change([
      { type: "addVoter", id: 4 },
      { type: "demote", id: others[0]! },
    ]);
    expect(leader.configuration.learnersNext).toEqual([others[0]]);
    cluster.deliver();
    expect(leader.configuration.learners).toEqual([others[0]]);
    expect(leader.configuration.voters).not.toContain(others[0]);
  });
});

describe("a node that joins", () => {
  it("takes no part until it is told who does", () => {
    const { cluster, leader } = setting(1);
    cluster.join(2);
    cluster.advance(10_000);
    const core = cluster.core(2);
    expect([core.configuration, core.term, core.role]).toEqual([emptyConfiguration, 0, "follower"]);
    expect(leader.role).toBe("leader");
  });
});

describe("a witness", () => {
  function withWitness(): Setting {
    const made = setting(2);
    made.cluster.join(3, { witness: true });
    made.cluster.change([{ type: "addWitness", id: 3 }]);
    made.cluster.deliver();
    return made;
  }

  it("votes and vouches for entries without their commands", () => {
    const { cluster, leader, others } = withWitness();
    cluster.crash(others[0]!);
    propose(cluster, 3);
    // As long as the other may only be slow, the witness gets nothing that the other lacks.
    const { log } = cluster.core(3);
    expect(leader.commit).toBe(leader.log.lastIndex - 3);
    expect(log.lastIndex).toBe(leader.commit);
    cluster.advance(1_500);
    expect(leader.commit).toBe(leader.log.lastIndex);
    expect(log.lastIndex).toBe(leader.log.lastIndex);
    const kinds = Array.from({ length: log.lastIndex }, (_, at) => log.at(at + 1)!);
    expect(kinds.filter(({ kind }) => kind === "omitted")).toHaveLength(3);
    expect(kinds.filter(({ kind }) => kind === "command")).toHaveLength(0);
    expect(kinds.find(({ kind }) => kind === "configuration")!.data.length).toBeGreaterThan(0);
  });

  it("never leads, and elects whoever has everything", () => {
    const { cluster, leader, others } = withWitness();
    propose(cluster, 3);
    cluster.crash(leader.id);
    expect(cluster.elect().id).toBe(others[0]);
    cluster.crash(others[0]!);
    cluster.advance(10_000);
    expect(cluster.core(3).role).toBe("follower");
    cluster.restart(leader.id);
    cluster.restart(others[0]!);
    cluster.elect();
    const asked = cluster.feed(cluster.leader!.id, { type: "transferLeadership", to: 3 });
    expect(asked.transferRefused).toBe("NO_SUCH_VOTER");
  });

  it("does not stand in the way of another leader when one is lost", () => {
    const { cluster, leader, others } = withWitness();
    // The other voter is slow to answer, and the leader is gone before it does.
    cluster.passes = (message) => message.type !== "appendAccepted" || message.from !== others[0];
    propose(cluster, 3);
    cluster.crash(leader.id);
    cluster.heal();
    expect(cluster.elect().id).toBe(others[0]);
  });

  it("gets nothing that its leader could still lose", () => {
    const { cluster, leader, others } = withWitness();
    cluster.change([{ type: "remove", id: others[0]! }]);
    cluster.deliver();
    const { lastIndex } = leader.log;
    cluster.feed(leader.id, { type: "propose", commands: [Uint8Array.of(1)] });
    // Power fails before the sync is over, and what was sent meanwhile arrives.
    cluster.crash(leader.id);
    cluster.deliver();
    expect(cluster.core(3).log.lastIndex).toBe(lastIndex);
    cluster.restart(leader.id);
    expect(cluster.elect().id).toBe(leader.id);
  });

  it("gets nothing that cannot be decided without another voter who lacks it", () => {
    const { cluster, leader, others } = withWitness();
    cluster.isolate(others[0]!);
    cluster.advance(1_500);
    const { lastIndex } = leader.log;
    expect(cluster.core(3).log.lastIndex).toBe(lastIndex);
    // It takes the leader's place, and must have this first.
    cluster.change([{ type: "remove", id: leader.id }]);
    cluster.deliver();
    expect(leader.log.lastIndex).toBe(lastIndex + 1);
    expect(cluster.core(3).log.lastIndex).toBe(lastIndex);
    cluster.heal();
    cluster.crash(leader.id);
    expect(cluster.elect().id).toBe(others[0]);
  });

  it("does not vote for who lacks what it vouches for", () => {
    const { cluster, leader, others } = withWitness();
    cluster.isolate(others[0]!);
    propose(cluster, 3);
    cluster.advance(1_500);
    expect(leader.commit).toBe(leader.log.lastIndex);
    cluster.crash(leader.id);
    cluster.heal();
    cluster.advance(10_000);
    expect(cluster.leader).toBeUndefined();
    cluster.restart(leader.id);
    expect(cluster.elect().id).toBe(leader.id);
  });
});
