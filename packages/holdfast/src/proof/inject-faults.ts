import { InvalidArgumentError } from "../errors/base.ts";
import { seededRandom, type Timer, type World } from "../runtime/index.ts";
import { checkFaults } from "./check-faults.ts";
import type { Fault, FaultType, Targets } from "./fault.ts";
import { FaultEffects } from "./fault-effects.ts";
import { settle, type FaultDescription, type FaultSchedule } from "./fault-schedule.ts";
import type { FaultTargets } from "./fault-targets.ts";

/** Faults on their way. */
export interface Injection {
  /** What is going to happen. */
  readonly schedule: FaultSchedule;
  /** How often each type has begun at its targets; one that found no target, or none that could be struck, has not. */
  readonly struck: Readonly<Partial<Record<FaultType, number>>>;
  /** What has happened in the world since the beginning, by kind: crashes, messages lost, syncs that failed, … */
  readonly happened: Readonly<Record<string, number>>;
  /** Resolves when the schedule's time is over and everything is as it was before. */
  readonly finished: Promise<void>;
  /** Ends everything now: links, disks and clocks as before, nodes started again. */
  heal(): void;
}

/**
 * Makes each fault of a schedule happen at its moment, counted from now, and takes it back after its time; all of them
 * at the end of the schedule. Turned bits stay.
 *
 * @throws InvalidArgumentError on a schedule that breaks a rule, or names what is not there
 * @example
 * const targets = { nodes: new Map([["a", { process: world.process("a"), start: () => startNode("a") }]]) };
 * const injection = injectFaults(world, targets, {
 *   seed: 1,
 *   lengthMs: 10_000,
 *   faults: [{ type: "crash", targets: ["a"], atMs: 1_000, durationMs: 500 }],
 * });
 * await injection.finished;
 * injection.struck; // { crash: 1 }
 */
export function injectFaults(world: World, targets: FaultTargets, description: FaultDescription): Injection {
  const names = [...targets.nodes.keys()];
  checkFaults(description, [...names, ...Object.keys(targets.selectors ?? {})]);
  return new Injector(world, targets, settle(description, names));
}

class Injector implements Injection {
  readonly schedule: FaultSchedule;
  readonly struck: Partial<Record<FaultType, number>> = {};
  readonly finished: Promise<void>;
  readonly #world: World;
  readonly #targets: FaultTargets;
  readonly #effects: FaultEffects;
  readonly #before: Readonly<Record<string, number>>;
  readonly #timers: Timer[] = [];
  /** What ends each of the faults that go on. */
  readonly #ends = new Set<() => void>();
  readonly #searches = new Set<() => void>();
  /** Until when each target recovers. */
  readonly #recovers = new Map<string, number>();
  #finish: () => void = () => undefined;
  #isOver = false;
  readonly #startedAt: number;

  constructor(world: World, targets: FaultTargets, schedule: FaultSchedule) {
    this.#world = world;
    this.#targets = targets;
    this.schedule = schedule;
    this.#effects = new FaultEffects(world, targets, seededRandom(schedule.seed).fork("faults"));
    this.#before = world.faults;
    this.#startedAt = world.clock.now();
    this.finished = new Promise((resolve) => (this.#finish = resolve));
    for (const fault of schedule.faults) {
      if (fault.atMs < schedule.lengthMs) this.#after(fault.atMs, () => this.#begin(fault));
    }
    this.#after(schedule.lengthMs, () => this.heal());
  }

  get happened(): Readonly<Record<string, number>> {
    const counts = Object.entries(this.#world.faults).map(
      ([kind, count]) => [kind, count - (this.#before[kind] ?? 0)] as const,
    );
    return Object.fromEntries(counts.filter(([, count]) => count > 0));
  }

  heal(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const timer of this.#timers) timer.cancel();
    for (const end of this.#searches) end();
    for (const end of this.#ends) end();
    this.#finish();
  }

  #after(delayMs: number, act: () => void): void {
    // Also what happens at once happens as an event of its own.
    this.#timers.push(this.#world.clock.setTimer(delayMs, act));
  }

  #begin(fault: Fault): void {
    const { targets } = fault;
    const selector = typeof targets === "string" ? this.#targets.selectors?.[targets] : undefined;
    if (selector === undefined) this.#strike(fault, this.#named(targets));
    else this.#search(fault, selector);
  }

  #named(targets: Targets): readonly string[] {
    return targets === "all" ? [...this.#targets.nodes.keys()] : (targets as readonly string[]);
  }

  #search(fault: Fault, selector: NonNullable<FaultTargets["selectors"]>[string]): void {
    let isOver = false;
    let stop: (() => void) | undefined;
    const end = (): void => {
      if (isOver) return;
      isOver = true;
      this.#searches.delete(end);
      stop?.();
    };
    this.#searches.add(end);
    stop = selector((names) => {
      if (isOver) return;
      end();
      this.#strike(fault, names);
    });
    if (isOver) return;
    if ((fault.waitMs ?? 0) === 0) end();
    else this.#after(fault.waitMs!, end);
  }

  #strike(fault: Fault, names: readonly string[]): void {
    const now = this.#world.clock.now();
    const free = names.filter((name) => (this.#recovers.get(name) ?? 0) <= now);
    for (const name of free) {
      if (!this.#targets.nodes.has(name)) throw new InvalidArgumentError("target", "must be a node's name", name);
    }
    const { durationMs, recoveryMs = 0 } = fault;
    const effect =
      free.length === 0
        ? undefined
        : this.#effects.begin(fault, free, this.schedule.lengthMs - (now - this.#startedAt));
    if (effect === undefined) return;
    this.struck[fault.type] = (this.struck[fault.type] ?? 0) + 1;
    if (recoveryMs > 0) for (const name of free) this.#recovers.set(name, now + durationMs + recoveryMs);
    const onOver = this.#targets.onFault?.(fault, free);
    let isEnded = false;
    const end = (): void => {
      if (isEnded) return;
      isEnded = true;
      this.#ends.delete(end);
      effect.end();
      onOver?.();
    };
    this.#ends.add(end);
    this.#after(durationMs + (effect.staysDown === true ? recoveryMs : 0), end);
  }
}
