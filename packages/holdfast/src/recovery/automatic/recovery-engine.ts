import type { Timer } from "../../runtime/system.ts";
import { RecoveryError } from "./recovery-error.ts";
import type { RecoveryEffect, RecoveryEvent, RecoveryTransition } from "./recovery-input.ts";
import type { RecoverySettings } from "./recovery-options.ts";
import { nextDueAt, type RecoveryState } from "./recovery-state.ts";
import type { Verify } from "./recovery-strategy.ts";
import type { RecoveryTask } from "./recovery-task.ts";
import { step } from "./recovery-step.ts";
import { runVerification, StrategyRun } from "./strategy-run.ts";

export interface EngineParts {
  readonly settings: RecoverySettings;
  readonly state: RecoveryState;
  readonly fencingToken?: number;
  /** Records what has changed, with the messages that it is due to; before anything is done about it. */
  readonly record?: (transition: RecoveryTransition, messages: readonly RecoveryMessage[]) => Promise<void>;
  /** Called for every decision and every call for a person, once they are recorded. */
  readonly tell: (effect: Extract<RecoveryEffect, { readonly type: "decided" | "callPerson" }>) => void;
  /** It could not be recorded: nothing is done any more. */
  readonly onLost?: (error: unknown) => void;
}

/** Where in the store an event came from. */
export interface RecoveryMessage {
  readonly key: Uint8Array;
  readonly modRevision: number;
}

interface Waiting {
  readonly event: RecoveryEvent;
  readonly message: RecoveryMessage | undefined;
}

/** As many events make one transition at most, so that it can be recorded in one go. */
const maxBatch = 64;

/** Takes what happens, one thing after the other, lets the core decide, and does what it says. */
export class RecoveryEngine {
  readonly #parts: EngineParts;
  readonly #waiting: Waiting[] = [];
  readonly #runs = new Map<string, StrategyRun>();
  readonly #trials = new Map<string, AbortController>();
  /** Wall time, without its jumps. */
  readonly #wallOffset: number;
  #timer: Timer | undefined;
  #isDeciding = false;
  #isOver = false;

  constructor(parts: EngineParts) {
    this.#parts = parts;
    const { clock } = parts.settings;
    this.#wallOffset = clock.wallTime() - clock.now();
  }

  get state(): RecoveryState {
    return this.#parts.state;
  }

  /** Strategies that run here. */
  get running(): number {
    return this.#runs.size;
  }

  feed(event: RecoveryEvent, message?: RecoveryMessage): void {
    if (this.#isOver) return;
    this.#waiting.push({ event, message });
    void this.#decide();
  }

  /** Tells all strategies to end, and resolves when they have, or have had the time for it. */
  async close(reason: RecoveryError): Promise<void> {
    this.#stop(reason);
    if (this.#runs.size === 0) return;
    const { clock, graceMs } = this.#parts.settings;
    const waited = new AbortController();
    const grace = clock.sleep(graceMs, { signal: waited.signal }).catch(() => undefined);
    await Promise.race([Promise.all([...this.#runs.values()].map(({ done }) => done)), grace]);
    waited.abort();
  }

  #stop(reason: RecoveryError): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#waiting.length = 0;
    this.#timer?.cancel();
    for (const run of this.#runs.values()) run.stop(reason);
    for (const trial of this.#trials.values()) trial.abort(reason);
  }

  /** Synchronous as far as nothing has to be recorded elsewhere. */
  async #decide(): Promise<void> {
    if (this.#isDeciding) return;
    this.#isDeciding = true;
    try {
      while (this.#waiting.length > 0 && !this.#isOver) {
        const batch = this.#waiting.splice(0, maxBatch);
        const transition = this.#apply(batch.map(({ event }) => event));
        if (this.#parts.record !== undefined) {
          const messages = batch.flatMap(({ message }) => (message === undefined ? [] : [message]));
          await this.#parts.record(transition, messages);
          if (this.#isOver) return;
        }
        for (const effect of transition.effects) this.#perform(effect);
      }
      this.#setTimer();
    } catch (error) {
      this.#stop(new RecoveryError("RECOVERY_HANDED_OVER", { cause: error }));
      this.#parts.onLost?.(error);
    } finally {
      this.#isDeciding = false;
    }
  }

  #apply(events: readonly RecoveryEvent[]): RecoveryTransition {
    const { settings, state } = this.#parts;
    const effects: RecoveryEffect[] = [];
    const changed = new Set<string>();
    const closed = new Map<string, RecoveryTransition["closed"][number]>();
    const forgotten: string[] = [];
    for (const event of events) {
      const input = { ...event, at: this.#now(), draw: settings.random.next() };
      const one = step(state, input, settings);
      effects.push(...one.effects);
      for (const target of one.changed) changed.add(target);
      for (const task of one.closed) closed.set(task.id, task);
      forgotten.push(...one.forgotten.filter((id) => !closed.delete(id)));
    }
    return { effects, changed, closed: [...closed.values()], forgotten };
  }

  #perform(effect: RecoveryEffect): void {
    if (this.#isOver) return;
    if (effect.type === "decided" || effect.type === "callPerson") {
      // Whoever is not on trial any more is not asked about.
      if (effect.type === "decided" && effect.task.status !== "verifying") this.#trials.get(effect.task.id)?.abort();
      this.#parts.tell(effect);
    } else if (effect.type === "start") this.#start(effect);
    else if (effect.type === "end") this.#runs.get(effect.task)?.end(new RecoveryError("ATTEMPT_NOT_NEEDED"));
    else this.#verify(effect);
  }

  #start(effect: Extract<RecoveryEffect, { readonly type: "start" }>): void {
    const { settings, fencingToken } = this.#parts;
    const strategy = settings.strategies.find(({ name }) => name === effect.strategy);
    if (strategy === undefined) return;
    const tell = (event: RecoveryEvent): void => this.feed(event);
    const run = new StrategyRun({ settings, fencingToken, tell }, effect, strategy);
    this.#runs.set(effect.task.id, run);
    void this.#attend(effect.task.id, run);
  }

  #verify({ task, attempt, strategy: name }: Extract<RecoveryEffect, { readonly type: "verify" }>): void {
    const { settings } = this.#parts;
    const verify = settings.strategies.find((each) => each.name === name)?.verify ?? settings.verify;
    if (verify === undefined) return;
    const trial = new AbortController();
    this.#trials.set(task.id, trial);
    void this.#try(task, attempt, verify, trial);
  }

  async #attend(id: string, run: StrategyRun): Promise<void> {
    await run.done;
    if (this.#runs.get(id) === run) this.#runs.delete(id);
  }

  async #try(task: RecoveryTask, attempt: number, verify: Verify, trial: AbortController): Promise<void> {
    const verdict = await runVerification(this.#parts.settings, task, verify, trial.signal);
    if (this.#trials.get(task.id) === trial) this.#trials.delete(task.id);
    if (verdict === undefined) return;
    this.feed({ type: "verified", task: task.id, target: task.target, attempt, ...verdict });
  }

  #setTimer(): void {
    this.#timer?.cancel();
    const dueAt = nextDueAt(this.#parts.state);
    if (this.#isOver || dueAt === Infinity) return;
    const delayMs = Math.max(0, dueAt - this.#now());
    this.#timer = this.#parts.settings.clock.setTimer(delayMs, () => this.feed({ type: "tick" }));
  }

  #now(): number {
    return Math.floor(this.#wallOffset + this.#parts.settings.clock.now());
  }
}
