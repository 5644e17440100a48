import { describe, expect, it } from "vitest";
import { seededRandom, type Random } from "../runtime/index.ts";
import { CoreCluster, CorePromises } from "../testing/index.ts";
import type { ConfigurationChange } from "./configuration-change.ts";
import { configurationAt } from "./configuration-history.ts";
import { membersOf, type Configuration } from "./configuration.ts";
import type { Effects } from "./effects.ts";
import type { NodeId } from "./entry.ts";
import type { PlantedBug } from "./planted-bug.ts";
import { committedIndex } from "./quorum/majority.ts";
import type { Raft } from "./raft.ts";

const electionTimeoutMs = 100;

/** Cores whose members come, go and change their parts while messages are lost and cores crash, all from one seed. */
class MembersRun {
  readonly happened: Map<string, number> = new Map();
  readonly #cluster: CoreCluster;
  readonly #random: Random;
  readonly #promises = new CorePromises();
  readonly #overlaps = new Set<string>();
  readonly #crashed = new Set<NodeId>();
  #cut: ReadonlySet<NodeId> = new Set();
  #lossRatio = 0;
  #nextId: number;

  constructor(seed: number, plant?: PlantedBug) {
    this.#random = seededRandom(seed);
    const size = this.#random.integer(1, 5);
    this.#nextId = size + 1;
    this.#cluster = new CoreCluster({
      size,
      random: this.#random.fork("cores"),
      electionTimeoutMs,
      heartbeatMs: 20,
      ...(plant === undefined ? {} : { plant }),
    });
    this.#cluster.passes = ({ from, to }) => {
      if (from === to) return true;
      return this.#cut.has(from) === this.#cut.has(to) && this.#random.next() >= this.#lossRatio;
    };
    this.#cluster.onEffects = (id, effects) => this.#onEffects(id, effects);
  }

  run(steps: number): void {
    for (let step = 0; step < steps; step++) {
      this.#happen();
      if (this.#random.next() < 0.5) this.#cluster.advance(this.#random.integer(1, 6) * 5, 5);
      else this.#cluster.deliver();
    }
    this.#converge();
  }

  #happen(): void {
    const random = this.#random;
    const draw = random.next();
    const leader = this.#leader();
    if (draw < 0.4) this.#propose(leader);
    else if (draw < 0.7) this.#change(leader);
    else if (draw < 0.75) this.#cutOff(leader);
    else if (draw < 0.83) this.#cut = new Set();
    else if (draw < 0.86) this.#lossRatio = random.next() < 0.5 ? 0 : random.next() * 0.4;
    else if (draw < 0.9) this.#crash(random.next() < 0.4 ? leader?.id : undefined);
    else if (draw < 0.96) this.#restart();
    else if (draw < 0.98) this.#compact();
    else if (leader !== undefined) this.#cluster.feed(leader.id, { type: "transferLeadership", to: 0 });
  }

  /** Of several that believe they lead, any. */
  #leader(): Raft | undefined {
    return this.#drawOne([...this.#cluster.cores.values()].filter(({ role }) => role === "leader"));
  }

  #propose(leader: Raft | undefined): void {
    if (leader !== undefined) this.#cluster.feed(leader.id, { type: "propose", commands: [Uint8Array.of(1)] });
  }

  #change(leader: Raft | undefined): void {
    if (leader === undefined) return;
    const changes = Array.from({ length: this.#random.next() < 0.6 ? 1 : 2 }, () => this.#drawChange(leader));
    this.#cluster.feed(leader.id, { type: "changeConfiguration", id: 1, changes, mode: "auto" });
  }

  #drawChange({ configuration, id: leader }: Raft): ConfigurationChange {
    const random = this.#random;
    const { voters, learners } = configuration;
    const draw = random.next();
    if (draw < 0.4 && membersOf(configuration).length < 7) {
      const id = this.#nextId++;
      const type = (["addVoter", "addLearner", "addWitness"] as const)[random.integer(0, 2)]!;
      this.#cluster.join(id, { witness: type === "addWitness" });
      return { type, id };
    }
    if (draw < 0.6 && learners.length > 0) return { type: "promote", id: this.#drawOne(learners)! };
    if (draw < 0.7) return { type: "demote", id: this.#drawOne(voters)! };
    return { type: "remove", id: random.next() < 0.3 ? leader : this.#drawOne(membersOf(configuration))! };
  }

  #cutOff(leader: Raft | undefined): void {
    const { ids } = this.#cluster;
    const group = ids.filter(() => this.#random.next() < 0.4);
    this.#cut = new Set(leader !== undefined && this.#random.next() < 0.5 ? [leader.id, ...group.slice(0, 2)] : group);
    this.#count("cut");
  }

  #crash(id: NodeId | undefined = this.#drawOne(this.#cluster.ids)): void {
    if (id === undefined || this.#cluster.ids.length === 1) return;
    this.#cluster.crash(id);
    this.#crashed.add(id);
    this.#count("crash");
  }

  #restart(id: NodeId | undefined = this.#drawOne([...this.#crashed])): void {
    if (id === undefined) return;
    this.#crashed.delete(id);
    this.#cluster.restart(id);
  }

  #compact(): void {
    const id = this.#drawOne(this.#cluster.ids)!;
    const { commit, log } = this.#cluster.core(id);
    if (commit <= log.baseIndex) return;
    this.#cluster.feed(id, { type: "compact", index: commit });
    this.#count("compact");
  }

  #onEffects(id: NodeId, { snapshotsTo, facts, configurationResults }: Effects): void {
    const core = this.#cluster.core(id);
    this.#promises.check([core]);
    if (facts.some(({ type }) => type === "configurationChanged")) this.#checkOverlaps(core);
    for (const to of snapshotsTo) {
      const { baseIndex: index } = core.log;
      const snapshot = { index, term: core.log.termAt(index)!, configuration: configurationAt(core, index) };
      const delivered = this.#cut.has(id) === this.#cut.has(to) && this.#cluster.cores.has(to);
      const message = { type: "snapshot", from: id, to, term: core.term, snapshot } as const;
      if (delivered) this.#cluster.feed(to, { type: "message", message });
      this.#cluster.feed(id, { type: "snapshotSent", to, index, delivered });
      this.#count("snapshot");
    }
    for (const result of configurationResults) this.#count("refused" in result ? result.refused : "changed");
    for (const { type } of facts) this.#count(type);
    const joint = core.configuration.votersOutgoing.length > 0;
    if (joint && facts.some(({ type }) => type === "configurationChanged")) this.#count("joint");
    if (facts.some((fact) => fact.type === "configurationChanged" && !fact.configuration.voters.includes(id))) {
      if (core.role === "leader") this.#count("leader leaves");
    }
  }

  /** Consecutive configurations of a log must not be able to decide without each other. */
  #checkOverlaps({ configurations }: Raft): void {
    for (let at = 1; at < configurations.length; at++) {
      const [one, other] = [configurations[at - 1]!.configuration, configurations[at]!.configuration];
      const pair = [one, other].map((each) => `${each.voters.join()} ${each.votersOutgoing.join()}`).join(" | ");
      if (this.#overlaps.has(pair) || one.voters.length === 0) continue;
      if (!overlap(one, other)) throw new Error(`quorums overlap: not those of ${pair}`);
      this.#overlaps.add(pair);
    }
  }

  /** With nothing in the way, one leader brings everybody that takes part to the same configuration and log. */
  #converge(): void {
    this.#cut = new Set();
    this.#lossRatio = 0;
    for (const id of this.#crashed) this.#restart(id);
    this.#cluster.advance(30 * electionTimeoutMs, 5);
    const { leader } = this.#cluster;
    if (leader === undefined) throw new Error("it converges: nobody leads");
    this.#propose(leader);
    this.#cluster.advance(5 * electionTimeoutMs, 5);
    if (leader.commit !== leader.log.lastIndex || leader.role !== "leader") throw new Error("it converges: no commit");
    if (leader.configuration.votersOutgoing.length > 0) throw new Error("it converges: still joint");
    for (const id of membersOf(leader.configuration)) {
      const { commit, configuration } = this.#cluster.core(id);
      expect([id, commit, configuration]).toEqual([id, leader.commit, leader.configuration]);
    }
  }

  #drawOne<T>(values: readonly T[]): T | undefined {
    return values.length === 0 ? undefined : values[this.#random.integer(0, values.length - 1)];
  }

  #count(what: string): void {
    this.happened.set(what, (this.happened.get(what) ?? 0) + 1);
  }
}

/** Whether no set of members decides in one while all others decide in the other. */
function overlap(one: Configuration, other: Configuration): boolean {
  const ids = [...new Set([...membersOf(one), ...membersOf(other)])];
  const decides = ({ voters, votersOutgoing }: Configuration, has: (id: NodeId) => boolean): boolean =>
    [voters, votersOutgoing].every((half) => committedIndex(half, (id) => (has(id) ? 1 : 0)) > 0);
  for (let bits = 0; bits < 2 ** ids.length; bits++) {
    const has = (id: NodeId): boolean => ((bits >> ids.indexOf(id)) & 1) === 1;
    if (decides(one, has) && decides(other, (id) => !has(id))) return false;
  }
  return true;
}

describe("cores whose members change under drawn faults", () => {
  it("keep every promise, and converge once nothing is in the way", () => {
    const happened = new Map<string, number>();
    for (let seed = 1; seed <= 50; seed++) {
      const run = new MembersRun(seed);
      try {
        run.run(150);
      } catch (error) {
        throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
      }
      for (const [what, count] of run.happened) happened.set(what, (happened.get(what) ?? 0) + count);
    }
    const least = {
      changed: 200,
      joint: 100,
      "leader leaves": 50,
      logTruncated: 10,
      CHANGE_UNCERTAIN: 20,
      CHANGE_PENDING: 20,
      TERM_NOT_COMMITTED: 5,
      TOO_MANY_WITNESSES: 5,
      crash: 100,
      cut: 100,
      snapshot: 20,
      transferStarted: 50,
    };
    const counted = Object.keys(least).map((what) => [what, happened.get(what) ?? 0] as const);
    for (const [what, count] of counted) {
      expect([what, count >= least[what as keyof typeof least], count]).toEqual([what, true, count]);
    }
  });

  it("are found out when a removed leader counts itself", () => {
    const seeds = Array.from({ length: 30 }, (_, at) => at + 1);
    const broken = seeds.find((seed) => {
      try {
        new MembersRun(seed, "removed-leader-counts-itself").run(150);
      } catch (error) {
        return /one leader a term|committed entries do not change|conflicts at/.test((error as Error).message);
      }
      return false;
    });
    expect(broken).toBeDefined();
  });
});
