import { describe, expect, it } from "vitest";
import { seededRandom } from "../runtime/index.ts";
import { CoreCluster } from "../testing/index.ts";
import { configurationAt } from "./configuration-history.ts";
import { configurationOf } from "./configuration.ts";
import type { Effects, Fact } from "./effects.ts";
import type { NodeId } from "./entry.ts";
import type { Raft } from "./raft.ts";
import type { ConfigurationResult } from "./reconfiguration.ts";

/** A cluster with a leader, and everything its cores say about configurations. */
interface Setting {
  readonly cluster: CoreCluster;
  readonly leader: Raft;
  readonly others: readonly NodeId[];
  readonly results: ConfigurationResult[];
  readonly facts: (readonly [NodeId, Extract<Fact, { type: "configurationChanged" }>])[];
}

function setting(size: number, seed = 1): Setting {
  const cluster = new CoreCluster({ size, random: seededRandom(seed) });
  const results: ConfigurationResult[] = [];
  const facts: Setting["facts"] = [];
  const leader = cluster.elect();
  cluster.onEffects = (id: NodeId, effects: Effects) => {
    results.push(...effects.configurationResults);
    for (const fact of effects.facts) if (fact.type === "configurationChanged") facts.push([id, fact]);
  };
  return { cluster, leader, others: cluster.ids.filter((id) => id !== leader.id), results, facts };
}

function propose(cluster: CoreCluster, count = 1): void {
  const commands = Array.from({ length: count }, () => Uint8Array.of(1));
  cluster.feed(cluster.leader!.id, { type: "propose", commands });
  cluster.deliver();
}

describe("a change of the members", () => {
  it("brings in a node that knows nothing, which gets the log and then votes", () => {
    const { cluster, leader, results, facts } = setting(3);
    propose(cluster, 5);
    cluster.join(4);
    cluster.change([{ type: "addVoter", id: 4, address: "d:1" }]);
    cluster.deliver();
    const expected = configurationOf([1, 2, 3, 4], new Map([[4, "d:1"]]));
    expect(results).toEqual([{ id: 1, configuration: expected }]);
    cluster.advance(200);
    for (const id of [1, 2, 3, 4]) {
      expect(cluster.core(id).configuration).toEqual(expected);
      expect(cluster.core(id).commit).toBe(leader.log.lastIndex);
      const told = facts.filter(([at]) => at === id).map(([, { committed }]) => committed);
      expect(told).toEqual([false, true]);
    }
    // Three of four: with two down nothing is committed any more.
    const [one, other] = [1, 2, 3].filter((id) => id !== leader.id);
    cluster.crash(one!);
    propose(cluster);
    expect(leader.commit).toBe(leader.log.lastIndex);
    cluster.crash(other!);
    propose(cluster);
    expect(leader.commit).toBe(leader.log.lastIndex - 1);
  });

  it("makes three of one in one joint step, which the leader leaves by itself", () => {
    const { cluster, leader, results } = setting(1);
    cluster.join(2);
    cluster.join(3);
    const { configurationResults } = cluster.change([2, 3].map((id) => ({ type: "addVoter", id })));
    expect(configurationResults).toEqual([]);
    expect(leader.configuration.votersOutgoing).toEqual([1]);
    cluster.deliver();
    expect(results).toEqual([{ id: 1, configuration: configurationOf([1, 2, 3]) }]);
    cluster.advance(300);
    expect(cluster.core(3).configuration).toEqual(configurationOf([1, 2, 3]));
    cluster.crash(1);
    expect(cluster.elect().configuration.voters).toEqual([1, 2, 3]);
  });

  it("counts from when it is in the log", () => {
    const { cluster, leader } = setting(1);
    cluster.change([{ type: "addVoter", id: 2 }]);
    cluster.deliver();
    expect(leader.configuration.voters).toEqual([1, 2]);
    // Nobody runs as member 2, so the change itself cannot be committed.
    expect(leader.commit).toBe(leader.log.lastIndex - 1);
    cluster.advance(3_000);
    expect(leader.role).not.toBe("leader");
    cluster.restart(1);
    expect(cluster.core(1).configuration.voters).toEqual([1, 2]);
    cluster.join(2);
    expect(cluster.elect().commit).toBe(cluster.core(1).log.lastIndex);
  });

  it("is refused with the reason, and changes nothing", () => {
    const { cluster, leader, others } = setting(3);
    const add = [{ type: "addVoter", id: 4 }] as const;
    const ask = (id: NodeId): unknown =>
      cluster.feed(id, { type: "changeConfiguration", id: 7, changes: add, mode: "auto" }).configurationResults;
    expect(ask(others[0]!)).toEqual([{ id: 7, refused: "NOT_LEADER" }]);
    expect(cluster.change([]).configurationResults).toEqual([{ id: 1, refused: "NO_CHANGE" }]);
    const both = cluster.change([...add, { type: "addVoter", id: 5 }], "simple");
    expect(both.configurationResults).toEqual([{ id: 2, refused: "TOO_MANY_CHANGES" }]);
    cluster.change(add);
    expect(ask(leader.id)).toEqual([{ id: 7, refused: "CHANGE_PENDING" }]);
    cluster.deliver();
    cluster.feed(leader.id, { type: "transferLeadership", to: others[0]! });
    expect(ask(leader.id)).toEqual([{ id: 7, refused: "TRANSFER_UNDER_WAY" }]);
    expect(leader.log.at(leader.log.lastIndex)!.kind).toBe("configuration");
    expect(leader.configurations.length).toBe(2);
  });

  it("waits until the leader has committed an entry of its term", () => {
    const { cluster, leader, others } = setting(3);
    cluster.passes = (message) => message.from !== leader.id && message.to !== leader.id && message.type !== "append";
    for (let waited = 0; (cluster.leader ?? leader) === leader && waited < 1_000; waited++) cluster.advance(10);
    expect(others).toContain(cluster.leader!.id);
    expect(cluster.change([{ type: "remove", id: leader.id }]).configurationResults).toEqual([
      { id: 1, refused: "TERM_NOT_COMMITTED" },
    ]);
  });

  it("is taken back with its entry, and its asker told that this cannot be known", () => {
    const { cluster, leader, others, results, facts } = setting(3);
    cluster.isolate(leader.id);
    cluster.change([{ type: "remove", id: others[0]! }]);
    expect(leader.configuration.voters).toHaveLength(2);
    cluster.advance(5_000);
    expect(results).toEqual([{ id: 1, refused: "CHANGE_UNCERTAIN" }]);
    expect(cluster.leader!.id).not.toBe(leader.id);
    cluster.heal();
    cluster.advance(1_000);
    expect(leader.configuration).toEqual(configurationOf([1, 2, 3]));
    expect(
      facts
        .filter(([id]) => id === leader.id)
        .map(([, { configuration, committed }]) => [configuration.voters.length, committed]),
    ).toEqual([
      [2, false],
      [3, true],
    ]);
    propose(cluster);
    expect(leader.commit).toBe(cluster.leader!.log.lastIndex);
  });

  it("that nobody finished is finished by the next leader", () => {
    const { cluster, leader, others } = setting(3);
    for (const id of [4, 5]) cluster.join(id);
    // The joint configuration arrives everywhere, and the leader goes before it can leave it.
    cluster.change([
      { type: "addVoter", id: 4 },
      { type: "addVoter", id: 5 },
      { type: "remove", id: others[0]! },
    ]);
    cluster.passes = (message) => message.type !== "appendAccepted" || message.to !== leader.id;
    cluster.deliver();
    expect(leader.configuration.votersOutgoing).toEqual([1, 2, 3]);
    cluster.crash(leader.id);
    cluster.heal();
    const next = cluster.elect();
    expect(next.configuration).toEqual(configurationOf([leader.id, others[1]!, 4, 5]));
    expect(next.commit).toBe(next.log.lastIndex);
  });

  it("that is explicit stays joint until it is left by a change of nothing", () => {
    const { cluster, leader, results } = setting(3);
    cluster.join(4);
    cluster.change([{ type: "addVoter", id: 4 }], "explicit");
    cluster.deliver();
    const joint = { ...configurationOf([1, 2, 3, 4]), votersOutgoing: [1, 2, 3] };
    expect(results).toEqual([{ id: 1, configuration: joint }]);
    expect(cluster.change([{ type: "remove", id: 4 }]).configurationResults).toEqual([
      { id: 2, refused: "CHANGE_PENDING" },
    ]);
    cluster.change([]);
    cluster.deliver();
    expect(leader.configuration).toEqual(configurationOf([1, 2, 3, 4]));
    expect(results.at(-1)).toEqual({ id: 3, configuration: configurationOf([1, 2, 3, 4]) });
  });

  it("is known by its position, after a snapshot and a restart, too", () => {
    const { cluster, leader } = setting(3);
    const before = leader.log.lastIndex;
    cluster.join(4);
    cluster.change([{ type: "addLearner", id: 4 }]);
    cluster.deliver();
    propose(cluster);
    expect(configurationAt(leader, before)).toEqual(configurationOf([1, 2, 3]));
    expect(configurationAt(leader, before + 1).learners).toEqual([4]);
    cluster.feed(leader.id, { type: "compact", index: before });
    expect(leader.configurations.length).toBe(2);
    cluster.feed(leader.id, { type: "compact", index: before + 2 });
    expect(leader.configurations).toEqual([{ index: before + 1, configuration: leader.configuration }]);
    cluster.restart(leader.id);
    expect(cluster.core(leader.id).configuration.learners).toEqual([4]);
  });

  it("comes with a snapshot to a member that is behind", () => {
    const { cluster, leader, others } = setting(3);
    const late = others[0]!;
    cluster.crash(late);
    cluster.join(4);
    cluster.change([{ type: "addVoter", id: 4 }]);
    cluster.deliver();
    const index = leader.commit;
    const snapshot = { index, term: leader.term, configuration: configurationAt(leader, index) };
    cluster.feed(leader.id, { type: "compact", index });
    cluster.restart(late);
    const { id: from, term } = leader;
    cluster.feed(late, { type: "message", message: { type: "snapshot", from, to: late, term, snapshot } });
    expect(cluster.core(late).configuration).toEqual(configurationOf([1, 2, 3, 4]));
    expect(cluster.core(late).configurations).toEqual([{ index, configuration: configurationOf([1, 2, 3, 4]) }]);
  });
});

describe("a member that goes", () => {
  it("hears that it has, and disturbs nobody", () => {
    const { cluster, leader, others } = setting(3);
    const gone = others[0]!;
    cluster.change([{ type: "remove", id: gone }]);
    cluster.deliver();
    cluster.advance(300);
    const { term } = leader;
    const core = cluster.core(gone);
    expect(core.configuration.voters).not.toContain(gone);
    expect(core.commit).toBe(leader.commit);
    cluster.advance(10_000);
    expect(leader.progress.has(gone)).toBe(false);
    expect([core.role, core.leader, core.term]).toEqual(["follower", 0, term]);
    expect([cluster.leader!.id, leader.term]).toEqual([leader.id, term]);
  });

  it("and did not hear of it disturbs nobody either", () => {
    const { cluster, leader, others } = setting(3);
    const gone = others[0]!;
    cluster.isolate(gone);
    cluster.change([{ type: "remove", id: gone }]);
    cluster.advance(5_000);
    const { term } = leader;
    cluster.heal();
    cluster.advance(5_000);
    expect(cluster.core(gone).configuration.voters).toContain(gone);
    expect([cluster.leader!.id, leader.term]).toEqual([leader.id, term]);
  });

  it.each(["remove", "demote"] as const)("when it leads, leads until that is committed and hands over: %s", (type) => {
    const { cluster, leader, others, results } = setting(4);
    cluster.isolate(leader.id);
    cluster.change([{ type, id: leader.id }]);
    propose(cluster);
    const { lastIndex } = leader.log;
    expect(leader.role).toBe("leader");
    expect(leader.commit).toBeLessThan(lastIndex - 1);
    cluster.passes = (message) => [leader.id, others[0], others[1]].includes(message.to);
    cluster.advance(100);
    // Two of the three that stay have it, which suffices without the one that goes.
    expect(results).toEqual([{ id: 1, configuration: leader.configuration }]);
    cluster.heal();
    cluster.advance(100);
    const next = cluster.leader!;
    expect(others).toContain(next.id);
    expect(leader.role).toBe("follower");
    expect(next.log.lastIndex).toBe(lastIndex + 1);
    cluster.advance(5_000);
    expect(cluster.leader!.id).toBe(next.id);
    expect(cluster.core(leader.id).leader).toBe(type === "demote" ? next.id : 0);
  });

  it("is elected once more when nobody else has the entry that removes it", () => {
    const { cluster, leader, others } = setting(2);
    cluster.isolate(leader.id);
    cluster.change([{ type: "remove", id: leader.id }]);
    cluster.advance(5_000);
    expect(cluster.leader).toBeUndefined();
    cluster.heal();
    cluster.advance(5_000);
    // It alone could lead, as the other would have needed its vote: it did, and handed over.
    const next = cluster.leader!;
    expect([next.id, next.configuration.voters]).toEqual([others[0], others]);
    expect(next.commit).toBe(next.log.lastIndex);
    expect([leader.role, leader.configuration.voters]).toEqual(["follower", others]);
  });

  it("does not count when it leads: it needs a majority of the others", () => {
    const { cluster, leader, others } = setting(4);
    cluster.isolate(leader.id, others[0]!);
    cluster.change([{ type: "remove", id: leader.id }]);
    cluster.deliver();
    expect(leader.commit).toBe(leader.log.lastIndex - 1);
    cluster.advance(2_000);
    expect(leader.role).not.toBe("leader");
  });
});
