import { createMemoryMember, type Member } from "../../../coordination/index.ts";
import { seededRandom, type Random } from "../../../runtime/index.ts";
import { VirtualClock } from "../../../testing/index.ts";
import { createAutomaticRecovery, type AutomaticRecovery } from "../automatic-recovery.ts";
import type { PersonCall } from "../recovery-input.ts";
import type { AutomaticRecoveryOptions } from "../recovery-options.ts";
import type { RecoveryContext, RecoveryStrategy } from "../recovery-strategy.ts";
import type { RecoveryEntry } from "../recovery-task.ts";

/** What a strategy did: when it began and ended at a target. */
export interface Repair {
  readonly by: string;
  readonly target: string;
  readonly key: string;
  readonly token: number | undefined;
  readonly beganAt: number;
  endedAt: number | undefined;
}

/** Automatic recoveries on virtual time, and a world in which things fail and are repaired. */
export class RecoveryScene {
  readonly clock: VirtualClock = new VirtualClock();
  readonly member: Member = createMemoryMember({ clock: this.clock });
  readonly random: Random = seededRandom(11);
  readonly entries: RecoveryEntry[] = [];
  readonly calls: PersonCall[] = [];
  readonly errors: unknown[] = [];
  readonly repairs: Repair[] = [];
  /** How many repairs of a target fail before one does not. */
  readonly failures: Map<string, number> = new Map();
  /** Targets at which a repair takes no notice of its signal. */
  readonly deaf: Set<string> = new Set();
  repairMs: number = 100;
  readonly #open: AutomaticRecovery[] = [];

  recovery(options: Partial<AutomaticRecoveryOptions> = {}): AutomaticRecovery {
    const recovery = createAutomaticRecovery({
      strategies: [this.strategy()],
      verifyMs: 500,
      backoffMs: 1_000,
      coolDownMs: 0,
      name: "first",
      clock: this.clock,
      random: this.random.fork(options.name ?? "first"),
      onDecision: (entry) => this.entries.push(entry),
      onPersonWanted: (call) => this.calls.push(call),
      onError: (error) => this.errors.push(error),
      ...options,
    });
    this.#open.push(recovery);
    return recovery;
  }

  strategy(name: string = "restart", options: Partial<RecoveryStrategy> = {}): RecoveryStrategy {
    return { name, handles: ["*"], run: (context) => this.repair(name, context), ...options };
  }

  async repair(by: string, { task, idempotencyKey: key, fencingToken: token, signal }: RecoveryContext): Promise<void> {
    const repair: Repair = { by, target: task.target, key, token, beganAt: this.clock.now(), endedAt: undefined };
    this.repairs.push(repair);
    try {
      await this.clock.sleep(this.repairMs, this.deaf.has(task.target) ? {} : { signal });
    } finally {
      repair.endedAt = this.clock.now();
    }
    const left = this.failures.get(task.target) ?? 0;
    if (left <= 0) return;
    this.failures.set(task.target, left - 1);
    throw new Error(`${task.target} is still broken`);
  }

  /** What was decided about a target, in order. */
  decisions(target: string): string[] {
    return this.entries.filter((entry) => entry.target === target).map(({ decision }) => decision);
  }

  async until<T>(promise: Promise<T>, maxMs: number = 600_000): Promise<T> {
    const progress = { settled: false };
    const settle = (): boolean => (progress.settled = true);
    promise.then(settle, settle);
    for (let waited = 0; !progress.settled && waited < maxMs; waited += 50) await this.clock.advance(50);
    if (!progress.settled) throw new Error(`nothing after ${maxMs} ms of virtual time`);
    return await promise;
  }

  async close(): Promise<void> {
    for (const recovery of this.#open) await this.until(recovery.close());
    await this.member.close();
  }
}
