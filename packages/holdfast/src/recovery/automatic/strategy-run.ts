import type { Timer } from "../../runtime/system.ts";
import { causeOf } from "./failure.ts";
import { RecoveryError } from "./recovery-error.ts";
import type { RecoveryEffect, RecoveryEvent } from "./recovery-input.ts";
import type { RecoverySettings } from "./recovery-options.ts";
import type { RecoveryContext, RecoveryStrategy, Verify } from "./recovery-strategy.ts";
import type { RecoveryTask } from "./recovery-task.ts";

export interface RunParts {
  readonly settings: RecoverySettings;
  readonly fencingToken: number | undefined;
  /** What happens: nothing more is told after `stop`. */
  readonly tell: (event: RecoveryEvent) => void;
}

/** One attempt at one target: the strategy, its time limit, and its end. */
export class StrategyRun {
  readonly #parts: RunParts;
  readonly #effect: Extract<RecoveryEffect, { readonly type: "start" }>;
  readonly #strategy: RecoveryStrategy;
  readonly #controller = new AbortController();
  readonly #timers: Timer[] = [];
  /** Resolves when the strategy has ended. */
  readonly done: Promise<void>;
  #isTimedOut = false;
  #isOver = false;

  constructor(
    parts: RunParts,
    effect: Extract<RecoveryEffect, { readonly type: "start" }>,
    strategy: RecoveryStrategy,
  ) {
    this.#parts = parts;
    this.#effect = effect;
    this.#strategy = strategy;
    const { clock, timeoutMs } = parts.settings;
    const limitMs = strategy.timeoutMs ?? timeoutMs;
    this.#timers.push(
      clock.setTimer(limitMs, () => {
        this.#isTimedOut = true;
        this.end(new RecoveryError("ATTEMPT_TIMED_OUT", { detail: `${strategy.name}, ${limitMs} ms` }));
      }),
    );
    this.done = this.#run();
  }

  /** Tells the strategy to end. One that does not is stuck after a while. */
  end(reason: RecoveryError): void {
    if (this.#isOver || this.#controller.signal.aborted) return;
    const { settings, tell } = this.#parts;
    const { task, attempt } = this.#effect;
    this.#timers.push(
      settings.clock.setTimer(settings.graceMs, () =>
        tell({ type: "stuck", task: task.id, target: task.target, attempt }),
      ),
    );
    this.#controller.abort(reason);
  }

  /** Tells the strategy to end, and nobody of how it does. */
  stop(reason: RecoveryError): void {
    this.#over();
    this.#controller.abort(reason);
  }

  async #run(): Promise<void> {
    const { task, attempt } = this.#effect;
    const { fencingToken } = this.#parts;
    const { signal } = this.#controller;
    const context: RecoveryContext = {
      task,
      attempt,
      idempotencyKey: `${task.id}-${attempt}`,
      fencingToken,
      signal,
    };
    try {
      // In a turn of its own: what it throws at once is a failure like any other.
      await Promise.resolve();
      await this.#strategy.run(context);
      this.#tellEnd("succeeded", undefined);
    } catch (error) {
      this.#tellEnd(this.#isTimedOut ? "timedOut" : "failed", error ?? new Error("nothing was thrown"));
    }
  }

  #tellEnd(outcome: "succeeded" | "failed" | "timedOut", error: unknown): void {
    if (this.#isOver) return;
    this.#over();
    const { task, attempt } = this.#effect;
    const cause = error === undefined ? null : causeOf(error);
    this.#parts.tell({ type: "ended", task: task.id, target: task.target, attempt, outcome, error: cause });
  }

  #over(): void {
    this.#isOver = true;
    for (const timer of this.#timers) timer.cancel();
  }
}

/** How often a target on trial is asked about. */
const asks = 10;

/** Asks whether a target is well until it is, or its time of trial is over; undefined when the signal has fired. */
export async function runVerification(
  settings: RecoverySettings,
  task: RecoveryTask,
  verify: Verify,
  signal: AbortSignal,
): Promise<{ readonly isWell: boolean; readonly because: string } | undefined> {
  const { clock, verifyMs } = settings;
  const deadline = clock.now() + verifyMs;
  for (let asked = 1; ; asked++) {
    const answer = await ask(settings, task, verify, deadline - clock.now(), signal);
    if (signal.aborted) return undefined;
    if (answer === true) return { isWell: true, because: `verified, asked ${asked} times` };
    const leftMs = deadline - clock.now();
    if (leftMs <= 0) return { isWell: false, because: `not well after ${verifyMs} ms: ${answer}` };
    await clock.sleep(Math.min(leftMs, Math.max(1, verifyMs / asks)), { signal }).catch(() => undefined);
    if (signal.aborted) return undefined;
  }
}

/** True when it is well; else why not. One question takes no longer than the trial. */
async function ask(
  { clock }: RecoverySettings,
  task: RecoveryTask,
  verify: Verify,
  limitMs: number,
  signal: AbortSignal,
): Promise<true | string> {
  const over = new AbortController();
  const either = AbortSignal.any([signal, over.signal]);
  const slept = clock.sleep(Math.max(1, limitMs), { signal: either }).then(
    () => "no answer",
    () => "no answer",
  );
  try {
    // Not `await`ed alone: one that does not listen must not hold the trial up.
    const answered = Promise.resolve()
      .then(() => verify(task, { signal: either }))
      .then((isWell) => (isWell ? true : "it says that it is not"));
    return await Promise.race([answered, slept]);
  } catch (error) {
    return causeOf(error).message || "it threw";
  } finally {
    over.abort(new RecoveryError("ATTEMPT_NOT_NEEDED"));
  }
}
