import type { HealingAction, HealingOrder, HealingResult, Observation, ObservedMember } from "holdfast/recovery";
import type { Random } from "holdfast/runtime";
import { HealingInvariants } from "./healing-invariants.ts";
import { between, isLive, newMachine, pick, type Machine } from "./model-machine.ts";

const second = 1_000;
const minute = 60 * second;

/** A cut network: those inside hear each other, and nobody else. */
export interface Cut {
  readonly inside: ReadonlySet<string>;
  readonly from: number;
  readonly until: number;
}

export interface ModelOptions {
  readonly random: Random;
  readonly voters: number;
  /** Whether a healer can tell a process that has ended from one that is silent. */
  readonly knowsProcesses: boolean;
  /** Whether it is told that a machine is destroyed. */
  readonly knowsLoss: boolean;
  readonly hasGossip: boolean;
}

/**
 * A cluster boiled down to who runs, who hears whom, who leads and who votes: thousands of hours of it take a minute. Its
 * leader makes any change that it is asked for, as long as the members are those that the change was meant for: what
 * keeps the quorum safe here is healing alone. (A real leader looks for itself, too.)
 */
export class ModelCluster {
  now = 0;
  readonly machines: Map<string, Machine> = new Map();
  cut: Cut | undefined;
  leader: string | undefined;
  term = 0;
  readonly invariants: HealingInvariants;
  readonly options: ModelOptions;
  /** When each member was last heard by the present leader. */
  readonly #heard = new Map<string, number>();
  #leaderlessSince = 0;
  #electionAt = 0;
  #next: number;

  constructor(options: ModelOptions) {
    this.options = options;
    this.#next = options.voters + 1;
    for (let number = 1; number <= options.voters; number++) {
      this.machines.set(`n${number}`, newMachine(`n${number}`, "voter", 0));
    }
    this.invariants = new HealingInvariants(options.voters);
  }

  get voters(): readonly Machine[] {
    return [...this.machines.values()].filter(({ kind }) => kind === "voter");
  }

  get learners(): readonly Machine[] {
    return [...this.machines.values()].filter(({ kind }) => kind === "learner");
  }

  get leaderlessMs(): number {
    return this.leader === undefined ? this.now - this.#leaderlessSince : 0;
  }

  hears(one: string, other: string): boolean {
    const { cut } = this;
    if (cut === undefined || cut.until <= this.now || cut.from > this.now) return true;
    return cut.inside.has(one) === cut.inside.has(other);
  }

  /** Whether those who live and hear this one suffice to decide. */
  hasMajority(leader: string, voters: readonly Machine[] = this.voters): boolean {
    const live = voters.filter((machine) => isLive(machine, this.now) && this.hears(leader, machine.id));
    return live.length * 2 > voters.length;
  }

  /** Everybody is there and well. */
  get isAtFullStrength(): boolean {
    const { voters, machines, now } = this;
    const isWell = (machine: Machine): boolean =>
      isLive(machine, now) && machine.slowUntil <= now && machine.fullUntil <= now;
    const isWhole = this.cut === undefined || this.cut.until <= now;
    return this.leader !== undefined && isWhole && machines.size === this.options.voters && voters.every(isWell);
  }

  /** Time goes by: who leads may lead no more, and others are elected. */
  advance(byMs: number): void {
    this.now += byMs;
    const { leader, now } = this;
    if (leader !== undefined) {
      const machine = this.machines.get(leader);
      const leads = machine?.kind === "voter" && isLive(machine, now) && this.hasMajority(leader);
      if (!leads) {
        this.leader = undefined;
        this.#leaderlessSince = now;
        this.#electionAt = now + between(this.options.random, second, 4 * second);
      }
    }
    if (this.leader === undefined && now >= this.#electionAt) this.#elect();
    if (this.leader === undefined) return;
    for (const machine of this.machines.values()) {
      if (isLive(machine, now) && this.hears(this.leader, machine.id)) this.#heard.set(machine.id, now);
    }
  }

  #elect(): void {
    const able = this.voters.filter((machine) => isLive(machine, this.now) && this.hasMajority(machine.id));
    const winner = pick(this.options.random, able);
    if (winner === undefined) return;
    this.leader = winner.id;
    this.term++;
    // To a leader that has just begun everybody seems to have been there.
    this.#heard.clear();
    for (const id of this.machines.keys()) this.#heard.set(id, this.now);
  }

  /** What the leader sees. */
  observe(): Observation {
    const { leader } = this;
    const members = [...this.machines.values()].map((machine) => this.#observed(machine, leader));
    return { leader: leader ?? null, isSettled: true, members };
  }

  #observed(machine: Machine, leader: string | undefined): ObservedMember {
    const { now, options } = this;
    const { id, kind, isDestroyed, runsFrom, slowUntil, fullUntil, caughtUpAt, load } = machine;
    const heardAt = this.#heard.get(id) ?? now;
    const answers = leader !== undefined && isLive(machine, now) && this.hears(leader, id);
    const isStopped = options.knowsProcesses && (isDestroyed || runsFrom > now);
    const isHeardOtherwise = isLive(machine, now) && (leader === undefined || this.hears(leader, id));
    return {
      id,
      name: id,
      kind,
      isManaged: true,
      liveness: answers ? "answers" : isStopped ? "stopped" : "silent",
      sinceMs: answers ? minute : now - heardAt,
      lost: options.knowsLoss && isDestroyed && now - heardAt > 5 * second ? "its machine is gone" : null,
      gossip: options.hasGossip ? (isHeardOtherwise ? "alive" : "dead") : null,
      lagEntries: kind === "learner" && now < caughtUpAt ? 10_000 : 0,
      isSlow: answers && slowUntil > now,
      isDiskFull: answers && fullUntil > now,
      load,
      zone: null,
      canRestart: true,
    };
  }

  /** Does what is ordered, or does it not. What a leader does that leads no more is not known. */
  act(order: HealingOrder, leader: string): HealingResult {
    if (this.leader !== leader) return { outcome: "unknown", reason: "leadership was lost" };
    const { action, seen } = order;
    const isChange = action.type === "addLearner" || action.type === "promote" || action.type === "remove";
    if (isChange && !this.#isAsSeen(seen)) return { outcome: "refused", reason: "the members have changed" };
    const before = this.voters;
    const couldDecide = this.hasMajority(leader, before);
    const result = this.#perform(action);
    this.invariants.onChange(this, before, couldDecide, leader);
    return result;
  }

  #isAsSeen({ voters, learners }: HealingOrder["seen"]): boolean {
    const ids = (machines: readonly Machine[]): string =>
      machines
        .map(({ id }) => id)
        .toSorted()
        .join();
    return ids(this.voters) === voters.toSorted().join() && ids(this.learners) === learners.toSorted().join();
  }

  #perform(action: HealingAction): HealingResult {
    const { random } = this.options;
    const machine = "member" in action ? this.machines.get(action.member) : undefined;
    switch (action.type) {
      case "addLearner": {
        const added = newMachine(`n${this.#next++}`, "learner", this.now + between(random, 2 * second, minute));
        added.caughtUpAt = added.runsFrom + between(random, second, 2 * minute);
        // Some new machines are no good.
        added.isDestroyed = random.next() < 0.05;
        this.machines.set(added.id, added);
        return { outcome: "done" };
      }
      case "promote":
        if (machine?.kind !== "learner") return { outcome: "refused", reason: "it is no learner" };
        machine.kind = "voter";
        return { outcome: "done" };
      case "remove":
        this.machines.delete(action.member);
        return { outcome: "done" };
      case "restart":
        if (machine === undefined || machine.isDestroyed) return { outcome: "failed", reason: "nothing starts there" };
        machine.runsFrom = this.now + between(random, 2 * second, 15 * second);
        machine.pausedUntil = 0;
        if (random.next() < 0.7) machine.slowUntil = 0;
        return { outcome: "done" };
      case "transferLeadership": {
        const to = this.machines.get(action.to);
        if (to === undefined || !isLive(to, this.now) || !this.hears(this.leader!, to.id)) {
          return { outcome: "refused", reason: "it does not answer" };
        }
        this.leader = to.id;
        this.term++;
        return { outcome: "done" };
      }
      default:
        return { outcome: "failed", reason: "there is nothing to move" };
    }
  }
}
