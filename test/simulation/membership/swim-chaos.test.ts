import { seededRandom, type Random } from "holdfast/runtime";
import { describe, expect, it } from "vitest";
import { SwimCluster, type SimulatedMember } from "./swim-cluster.ts";

const size = 12;
const seeds = Array.from({ length: 60 }, (_, at) => at + 1);

const faultKinds = ["kill", "restart", "pause", "slow", "cut", "oneWay", "updateMeta", "heal"] as const;
type FaultKind = (typeof faultKinds)[number];

function draw(seed: number, random: Random): SwimCluster {
  return new SwimCluster({
    size,
    seed,
    loss: random.next() * 0.3,
    latencyMs: [0.5, seed % 7 === 0 ? 300 : 3],
    swim: { profile: seed % 3 === 0 ? "local" : "lan", ...(seed % 5 === 0 && { forgetMs: 30_000 }) },
  });
}

function apply(kind: FaultKind, cluster: SwimCluster, random: Random): boolean {
  const member = cluster.member(random.integer(0, size - 1));
  const side = random.integer(1, size / 2);
  switch (kind) {
    case "kill":
      if (member.state === "killed" || cluster.running.length <= size / 2) return false;
      cluster.kill(member);
      return true;
    case "restart":
      return restartAll(cluster) > 0;
    case "pause":
      cluster.pause(member, random.integer(100, 20_000));
      return true;
    case "slow":
      cluster.slow(member, random.integer(100, 20_000));
      return true;
    case "cut":
      cluster.passes = (from, to) => from.index < side === to.index < side;
      return true;
    case "oneWay":
      cluster.passes = (from, to) => from.index >= side || to.index < side;
      return true;
    case "updateMeta":
      if (member.state === "killed") return false;
      cluster.feed(member, { type: "updateMeta", now: cluster.now, meta: Uint8Array.of(random.integer(0, 255)) });
      return true;
    default:
      cluster.passes = () => true;
      return true;
  }
}

function restartAll(cluster: SwimCluster): number {
  const killed = cluster.members.filter(({ state }) => state === "killed");
  for (const member of killed) {
    const others = cluster.running;
    cluster.restart(member);
    cluster.join(member, ...others.slice(0, 3));
  }
  return killed.length;
}

/** Whether everyone knows the latest of everyone. */
function settled(cluster: SwimCluster): boolean {
  const latest = (observer: SimulatedMember, subject: SimulatedMember): boolean => {
    const { member } = observer.swim.records.get(subject.name) ?? {};
    const { incarnation, meta } = subject.swim.self.member;
    return member?.incarnation === incarnation && member.meta[0] === meta[0];
  };
  return cluster.agreed && cluster.members.every((a) => cluster.members.every((b) => latest(a, b)));
}

describe("whatever happens to a cluster", () => {
  it("the rules hold after every step, and once it is over all agree within a push/pull period", () => {
    const happened = new Map<FaultKind, number>();
    for (const seed of seeds) {
      const random = seededRandom(seed).fork("faults");
      const cluster = draw(seed, random);
      for (const member of cluster.members.slice(1)) cluster.join(member, cluster.member(0));
      for (let round = 0; round < 40; round++) {
        const kind = faultKinds[random.integer(0, faultKinds.length - 1)]!;
        if (apply(kind, cluster, random)) happened.set(kind, (happened.get(kind) ?? 0) + 1);
        cluster.advance(random.integer(100, 10_000));
      }
      cluster.passes = () => true;
      cluster.advance(20_000);
      restartAll(cluster);
      cluster.advanceUntil(() => settled(cluster), 30_000);
      expect(cluster.lostPackets + cluster.cutPackets).toBeGreaterThan(0);
      expect(cluster.invariants!.checks).toBeGreaterThan(1_000);
    }
    for (const kind of faultKinds) expect(happened.get(kind), kind).toBeGreaterThan(seeds.length / 2);
  });
});

describe("the rules that are checked", () => {
  function broken(spoil: (observer: SimulatedMember, subject: SimulatedMember) => void): () => void {
    const cluster = new SwimCluster({ size: 4, seed: 1, acquainted: true });
    cluster.advance(2_000);
    const [observer, subject] = [cluster.member(0), cluster.member(1)];
    cluster.kill(subject);
    cluster.advanceUntil(() => cluster.believers(subject, "dead") === 3, 60_000);
    // News that is still on its way would mend what is spoilt.
    cluster.advance(10_000);
    spoil(observer, subject);
    return () => cluster.advance(5_000);
  }

  it("notice a member that comes back from the dead without its doing", () => {
    const run = broken((observer, subject) => {
      const record = observer.swim.records.get(subject.name)!;
      record.member = { ...record.member, state: "alive" };
      observer.swim.live++;
    });
    expect(run).toThrow(/^precedence: m0 at .*: m1 dead\(0\) became alive\(0\)/);
  });

  it("notice an incarnation that somebody else raised", () => {
    const run = broken((observer, subject) => {
      const record = observer.swim.records.get(subject.name)!;
      record.member = { ...record.member, incarnation: 9 };
    });
    expect(run).toThrow(/^incarnations: m0 at .* has m1 at 9, which is at 0/);
  });

  it("notice members that are counted wrongly", () => {
    expect(broken((observer) => observer.swim.live++)).toThrow(/^the count of live members: m0 counts 4, has 3/);
  });
});
