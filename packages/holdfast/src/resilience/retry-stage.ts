import { Call } from "./call.ts";
import { discardResult } from "./discard-result.ts";
import { DelayDraw } from "./jitter.ts";
import { hears, publish } from "./policy-event.ts";
import { retryAfter } from "./retry-after.ts";
import { RetriesExhaustedError, type RetryLimit } from "./retry-error.ts";
import type { RetryEvent, RetrySettings } from "./retry-options.ts";
import { isRejection, isRetryable } from "./retryable.ts";
import type { Schedule } from "./schedule.ts";
import type { Next, Stage } from "./stage.ts";

/** How many errors of one execution are kept. */
const maxErrors = 32;

/** What a try came to that did not end the execution by itself. */
type Failure =
  | { readonly refused: false; readonly error: unknown }
  | { readonly refused: true; readonly result: unknown };

/** Runs the first try with nothing around it; everything else begins when that fails. */
export class RetryStage implements Stage {
  settings: RetrySettings;
  retries = 0;
  recovered = 0;
  exhausted = 0;

  constructor(settings: RetrySettings) {
    this.settings = settings;
  }

  run(call: Call, next: Next): Promise<unknown> {
    const settings = this.settings;
    const { budget, retryOnResult } = settings;
    if (budget !== undefined) budget.deposit();
    const startedAt = settings.timed ? settings.clock.now() : 0;
    return next(call).then(
      retryOnResult === undefined
        ? undefined
        : (result) =>
            retryOnResult(result)
              ? new RetryRun(this, settings, call, next, startedAt).retry({ refused: true, result })
              : result,
      (error: unknown) => new RetryRun(this, settings, call, next, startedAt).retry({ refused: false, error }),
    );
  }
}

/** One execution whose first try has failed. */
class RetryRun {
  readonly #stage: RetryStage;
  readonly #settings: RetrySettings;
  readonly #call: Call;
  readonly #next: Next;
  readonly #startedAt: number;
  readonly #delays: DelayDraw;
  readonly #errors: unknown[] = [];
  /** For listeners alone. */
  readonly #failedAt: number;
  #schedule: Schedule;
  #attempt = 1;

  constructor(stage: RetryStage, settings: RetrySettings, call: Call, next: Next, startedAt: number) {
    this.#stage = stage;
    this.#settings = settings;
    this.#call = call;
    this.#next = next;
    this.#startedAt = startedAt;
    this.#schedule = settings.schedule;
    this.#delays = new DelayDraw(settings.jitter, settings.random, settings.maxDelayMs);
    this.#failedAt = settings.onEvent === undefined ? 0 : settings.clock.now();
  }

  async retry(first: Failure): Promise<unknown> {
    const stage = this.#stage;
    const { retryOnResult, onEvent } = this.#settings;
    for (let failure = first; ;) {
      this.#consider(failure);
      const error = failure.refused ? undefined : failure.error;
      const delayMs = this.#plan(failure);
      if (typeof delayMs === "string") return this.#giveUp(failure, delayMs);
      stage.retries++;
      if (hears<RetryEvent>(onEvent, "retry")) {
        publish<RetryEvent>(onEvent, { type: "retry", ...this.#origin(), attempt: this.#attempt, delayMs, error });
      }
      if (failure.refused) discardResult(failure.result);
      await this.#wait(delayMs);
      this.#attempt++;
      let result: unknown;
      try {
        result = await this.#try();
      } catch (error) {
        failure = { refused: false, error };
        continue;
      }
      if (retryOnResult?.(result) === true) {
        failure = { refused: true, result };
        continue;
      }
      stage.recovered++;
      if (hears<RetryEvent>(onEvent, "recovered")) {
        const attempts = this.#attempt;
        publish<RetryEvent>(onEvent, {
          type: "recovered",
          ...this.#origin(),
          attempts,
          retryingMs: this.#retryingMs(),
        });
      }
      return result;
    }
  }

  /** Keeps a failure that is worth another try; throws for any other, and when nobody waits any more. */
  #consider(failure: Failure): void {
    const { retryRejections, retryOn = isRetryable } = this.#settings;
    if (this.#call.aborted) {
      if (failure.refused) discardResult(failure.result);
      throw this.#call.reason;
    }
    if (failure.refused) return;
    const { error } = failure;
    if ((!retryRejections && isRejection(error)) || !retryOn(error, this.#attempt)) throw error;
    if (this.#errors.length === maxErrors) this.#errors.shift();
    this.#errors.push(error);
  }

  /** The wait before the next try, or what forbids it: everything is asked before anything is waited for. */
  #plan(failure: Failure): number | RetryLimit {
    const { maxAttempts, maxElapsedMs, budget, clock, timed, delayFrom } = this.#settings;
    if (this.#attempt >= maxAttempts) return "attempts";
    const elapsedMs = timed ? clock.now() - this.#startedAt : 0;
    const error = failure.refused ? undefined : failure.error;
    const step = this.#schedule.next({ attempt: this.#attempt, elapsedMs, error });
    if (step === undefined) return "schedule";
    this.#schedule = step.rest;
    const said = failure.refused ? failure.result : error;
    const asked = delayFrom === undefined ? retryAfter(said, clock) : delayFrom(said);
    const delayMs = this.#delays.next(step.delayMs, asked ?? 0);
    if (elapsedMs + delayMs >= maxElapsedMs) return "elapsed";
    if (budget !== undefined && !budget.tryWithdraw()) return "budget";
    return delayMs;
  }

  #wait(delayMs: number): Promise<void> {
    const { clock } = this.#settings;
    const call = this.#call;
    if (delayMs > 0) return clock.sleep(delayMs, { signal: call.signal });
    // A later turn, and not a microtask: an operation that fails at once must not keep others from running.
    return new Promise((resolve, reject) => {
      clock.defer(() => {
        if (call.aborted) reject(call.reason);
        else resolve();
      });
    });
  }

  #try(): Promise<unknown> {
    const { operation, attempt, options } = this.#call;
    return this.#next(new Call(operation, this.#call, attempt + this.#attempt - 1, options));
  }

  #giveUp(failure: Failure, reason: RetryLimit): unknown {
    const { onEvent, name } = this.#settings;
    this.#stage.exhausted++;
    const error = failure.refused ? undefined : failure.error;
    if (hears<RetryEvent>(onEvent, "retriesExhausted")) {
      const attempts = this.#attempt;
      const retryingMs = this.#retryingMs();
      publish<RetryEvent>(onEvent, {
        type: "retriesExhausted",
        ...this.#origin(),
        attempts,
        reason,
        error,
        retryingMs,
      });
    }
    if (failure.refused) return failure.result;
    throw new RetriesExhaustedError(name, this.#attempt, reason, this.#errors);
  }

  #retryingMs(): number {
    return this.#settings.clock.now() - this.#failedAt;
  }

  #origin(): { readonly at: number; readonly policy: string } {
    return { at: this.#settings.clock.wallTime(), policy: this.#settings.name };
  }
}
