import {
  createHealing,
  recheckOrder,
  stepHealing,
  type Healing,
  type HealingBug,
  type HealingDecision,
} from "holdfast/recovery";
import { seededRandom, type Random } from "holdfast/runtime";
import { InvariantViolation } from "../invariant-violation.ts";
import { ModelCluster } from "./model-cluster.ts";
import { ModelFaults } from "./model-faults.ts";
import { between } from "./model-machine.ts";

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const stepMs = second;
/** A cluster that nobody breaks any more must be whole again after this long: limits count by the hour. */
const healMs = 3 * hour;
/** How long a person takes to come, when called or when nobody leads. */
const personMs = 10 * minute;

export interface HealingRun {
  readonly seed: number;
  readonly violation: InvariantViolation | undefined;
  /** Simulated. */
  readonly hours: number;
  /** Of these, while something was broken or being broken. */
  readonly hoursAtWork: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly actions: Readonly<Record<string, number>>;
  /** Actions that were held back, by the guard. */
  readonly withheld: Readonly<Record<string, number>>;
  /** From each first fault until all was well again, with quiet from some time on. */
  readonly restoredAfterMs: readonly number[];
  /** After the last fault of each series. */
  readonly quietUntilWholeMs: readonly number[];
  readonly persons: number;
  /** Of all that was decided and when. */
  readonly trace: string;
}

/** Breaks and heals one cluster, again and again, for so many simulated hours. */
export function runHealing(seed: number, hours: number, plant?: HealingBug): HealingRun {
  return new Run(seed, plant).live(hours * hour);
}

interface UnderWay {
  readonly healing: Healing;
  readonly order: Parameters<ModelCluster["act"]>[0];
  readonly leader: string;
  readonly doneAt: number;
}

class Run {
  readonly #seed: number;
  readonly #random: Random;
  readonly #cluster: ModelCluster;
  readonly #faults: ModelFaults;
  readonly #plant: HealingBug | undefined;
  /** One for each machine, as each of them may lead. */
  readonly #healers = new Map<string, Healing>();
  #lookedHere = "";
  #underWay: UnderWay[] = [];
  readonly #actions: Record<string, number> = {};
  readonly #withheld: Record<string, number> = {};
  readonly #restored: number[] = [];
  readonly #quiet: number[] = [];
  #workMs = 0;
  #persons = 0;
  #calledAt: number | undefined;
  #trace = 0;
  #weakFrom: number | undefined;

  constructor(seed: number, plant: HealingBug | undefined) {
    this.#seed = seed;
    this.#plant = plant;
    this.#random = seededRandom(seed);
    const random = this.#random.fork("options");
    const chance = (): boolean => random.next() < 0.5;
    const voters = random.next() < 0.1 ? 7 : chance() ? 3 : 5;
    this.#cluster = new ModelCluster({
      random: this.#random.fork("cluster"),
      voters,
      knowsProcesses: chance(),
      knowsLoss: chance(),
      hasGossip: chance(),
    });
    this.#faults = new ModelFaults(this.#cluster, this.#random.fork("faults"));
  }

  live(lengthMs: number): HealingRun {
    let violation: InvariantViolation | undefined;
    try {
      while (this.#cluster.now < lengthMs) {
        this.#breakIt();
        this.#heal();
        // Nothing happens to a cluster that is whole.
        this.#cluster.advance(between(this.#random, minute, 40 * minute));
      }
    } catch (error) {
      if (!(error instanceof InvariantViolation)) throw error;
      violation = error;
    }
    return {
      seed: this.#seed,
      violation,
      hours: this.#cluster.now / hour,
      hoursAtWork: this.#workMs / hour,
      faults: this.#faults.counts,
      actions: this.#actions,
      withheld: this.#withheld,
      restoredAfterMs: this.#restored,
      quietUntilWholeMs: this.#quiet,
      persons: this.#persons,
      trace: this.#trace.toString(16),
    };
  }

  /** A series of faults, some while others still hurt. */
  #breakIt(): void {
    const random = this.#random;
    const untilMs = this.#cluster.now + (random.next() < 0.6 ? second : between(random, minute, 30 * minute));
    const everyMs = between(random, 5 * second, 5 * minute);
    let next = this.#cluster.now;
    let weakFrom: number | undefined;
    while (this.#cluster.now < untilMs) {
      if (this.#cluster.now >= next) {
        this.#faults.strike();
        next = this.#cluster.now + random.next() * 2 * everyMs;
        weakFrom ??= this.#cluster.now;
      }
      this.#step();
      if (weakFrom !== undefined && this.#cluster.isAtFullStrength) {
        this.#restored.push(this.#cluster.now - weakFrom);
        weakFrom = undefined;
      }
    }
    this.#weakFrom = weakFrom;
  }

  #heal(): void {
    const from = this.#cluster.now;
    while (!this.#cluster.isAtFullStrength || this.#underWay.length > 0) {
      this.#step();
      if (this.#cluster.now - from <= healMs) continue;
      const { voters, learners, leader } = this.#cluster;
      const members = [...voters, ...learners].map(({ id, kind, isDestroyed }) => `${id} ${kind} ${isDestroyed}`);
      throw new InvariantViolation(
        "a cluster that is left alone becomes whole",
        `after ${healMs / hour} h: ${leader ?? "nobody"} leads ${members.join(", ")}`,
      );
    }
    this.#quiet.push(this.#cluster.now - from);
    if (this.#weakFrom !== undefined) this.#restored.push(this.#cluster.now - this.#weakFrom);
  }

  #step(): void {
    this.#cluster.advance(stepMs);
    this.#workMs += stepMs;
    this.#endActions();
    this.#look();
    this.#sendPerson();
  }

  #endActions(): void {
    const { now } = this.#cluster;
    const due = this.#underWay.filter(({ doneAt }) => doneAt <= now);
    this.#underWay = this.#underWay.filter(({ doneAt }) => doneAt > now);
    for (const { healing, order, leader } of due) {
      const against = recheckOrder(healing, order, { atMs: now, observation: this.#cluster.observe() });
      const { outcome, reason = null } =
        against === undefined ? this.#cluster.act(order, leader) : ({ outcome: "refused", reason: against } as const);
      this.#note(stepHealing(healing, { type: "ended", atMs: now, outcome, reason }).decisions);
    }
  }

  #look(): void {
    const { leader, term, now } = this.#cluster;
    if (leader === undefined) return;
    const healing = this.#healerOf(leader);
    const here = `${leader} ${term}`;
    const isFirst = here !== this.#lookedHere;
    this.#lookedHere = here;
    const observation = this.#cluster.observe();
    const { order, decisions } = stepHealing(healing, { type: "observed", atMs: now, observation, isFirst });
    this.#note(decisions);
    if (order === undefined) return;
    this.#cluster.invariants.onOrder(this.#cluster, order.action);
    this.#actions[order.action.type] = (this.#actions[order.action.type] ?? 0) + 1;
    this.#underWay.push({ healing, order, leader, doneAt: now + between(this.#random, 100, 5 * second) });
  }

  #healerOf(leader: string): Healing {
    const known = this.#healers.get(leader);
    if (known !== undefined) return known;
    const { voters } = this.#cluster.options;
    const plant = this.#plant === undefined ? {} : { plant: this.#plant };
    const healing = createHealing({ desired: { voters }, ...plant });
    this.#healers.set(leader, healing);
    return healing;
  }

  #note(decisions: readonly HealingDecision[]): void {
    for (const decision of decisions) {
      const { type, atMs, text } = decision;
      for (const letter of `${type} ${atMs} ${text}`) this.#trace = (this.#trace * 31 + letter.codePointAt(0)!) >>> 0;
      if (type === "withheld") this.#withheld[decision.guard] = (this.#withheld[decision.guard] ?? 0) + 1;
      if (type === "personWanted") this.#calledAt ??= this.#cluster.now;
    }
  }

  /** Whoever was called, or sees that nothing works, starts what can be started, and lets healing go on. */
  #sendPerson(): void {
    const { now, leaderlessMs, machines } = this.#cluster;
    const isDue = leaderlessMs >= personMs || (this.#calledAt !== undefined && now - this.#calledAt >= personMs);
    if (!isDue) return;
    this.#persons++;
    this.#calledAt = undefined;
    for (const machine of machines.values()) {
      if (machine.runsFrom > now) machine.runsFrom = now;
      machine.pausedUntil = 0;
    }
    for (const healing of this.#healers.values()) stepHealing(healing, { type: "acknowledged" });
  }
}
