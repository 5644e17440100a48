import type { BreakerStage } from "./breaker-stage.ts";
import { outcome } from "./breaker-window.ts";
import type { Call } from "./call.ts";
import type { RunningCall } from "./slow-calls.ts";

/** Leave to make one call. Only the first report counts. */
export interface Permit {
  /** The call gave a result, which `isFailureResult` may judge a failure. */
  success(value?: unknown): void;
  /** The call failed; `ignore` and `isFailure` judge the error. */
  failure(error?: unknown): void;
  /** The call was given up, or never made: neither success nor failure. */
  release(): void;
}

export class BreakerPermit implements Permit, RunningCall {
  readonly startedAt: number;
  previous: RunningCall | undefined = undefined;
  next: RunningCall | undefined = undefined;
  listed = false;
  readonly #stage: BreakerStage;
  readonly #epoch: number;
  readonly #call: Call | undefined;
  #reported = false;

  constructor(stage: BreakerStage, epoch: number, startedAt: number, call: Call | undefined) {
    this.#stage = stage;
    this.#epoch = epoch;
    this.startedAt = startedAt;
    this.#call = call;
  }

  success(value?: unknown): void {
    if (this.#take()) this.#stage.recordValue(this.#epoch, value, this.#slow());
  }

  failure(error?: unknown): void {
    if (this.#take()) this.#stage.recordError(this.#epoch, error, this.#slow());
  }

  release(): void {
    if (this.#reported) return;
    this.#reported = true;
    this.#stage.settle(this);
    this.#stage.machine.release(this.#epoch);
  }

  overdue(): void {
    if (this.#call?.aborted) {
      this.release();
      return;
    }
    this.#reported = true;
    this.#stage.machine.record(this.#epoch, outcome.slow);
  }

  /** Whether this is the first report, of a call that nobody has given up. */
  #take(): boolean {
    // It may be the call that ends now that has been running for too long.
    this.#stage.sweep();
    if (this.#reported) return false;
    if (this.#call?.aborted) {
      this.release();
      return false;
    }
    this.#reported = true;
    this.#stage.settle(this);
    return true;
  }

  #slow(): number {
    return this.#stage.isSlow(this.startedAt) ? outcome.slow : outcome.success;
  }
}
