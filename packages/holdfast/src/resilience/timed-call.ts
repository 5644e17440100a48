import type { Call } from "./call.ts";
import { discardResult } from "./discard-result.ts";
import type { Next } from "./stage.ts";
import { TimeoutError } from "./timeout-error.ts";
import { WheelTimer, type TimerWheel } from "./timer-wheel.ts";

/** Who limits a call, and wants to know what became of it. */
export interface TimeLimit {
  readonly name: string;
  readonly wheel: TimerWheel;
  onTimedOut(timed: TimedCall): void;
  /** A result came in time. */
  onInTime?(timed: TimedCall): void;
  /** An abandoned call has ended; a result belongs to nobody. */
  onLate(timed: TimedCall, outcome: "fulfilled" | "rejected", result: unknown): void;
}

/** What the promise made last gave to its executor; taken at once. One executor for all calls: no closure for each. */
const captured: { resolve: (value: unknown) => void; reject: (reason: unknown) => void } = {
  resolve: neverCalled,
  reject: neverCalled,
};

function neverCalled(): void {
  // Stands in until the first promise is made.
}

function capture(resolve: (value: unknown) => void, reject: (reason: unknown) => void): void {
  captured.resolve = resolve;
  captured.reject = reject;
}

type State = "running" | "settled" | "timedOut" | "givenUp";

/** One call with a limit: it is its own timer, and lives in the wheel until it settles. */
export class TimedCall extends WheelTimer {
  readonly scope: Call;
  readonly limitMs: number;
  readonly abandons: boolean;
  startedAt = 0;
  readonly #limit: TimeLimit;
  #state: State = "running";
  /** What the call was rejected with when its time was over. */
  error: TimeoutError | undefined;
  #resolve: (value: unknown) => void = neverCalled;
  #reject: (reason: unknown) => void = neverCalled;

  constructor(limit: TimeLimit, scope: Call, limitMs: number, abandons: boolean) {
    super();
    this.#limit = limit;
    this.scope = scope;
    this.limitMs = limitMs;
    this.abandons = abandons;
  }

  run(next: Next): Promise<unknown> {
    this.startedAt = this.#limit.wheel.start(this, this.limitMs);
    const result = new Promise(capture);
    this.#resolve = captured.resolve;
    this.#reject = captured.reject;
    next(this.scope).then(
      (value) => this.#onValue(value),
      (error: unknown) => this.#onError(error),
    );
    return result;
  }

  override expire(): void {
    // The caller has left, and was told why: this is no timeout. Who waits in between is let go.
    if (this.scope.aborted) {
      this.#state = "givenUp";
      if (this.abandons) this.#reject(this.scope.reason);
      return;
    }
    const error = new TimeoutError(this.#limit.name, this.limitMs);
    this.#state = "timedOut";
    this.error = error;
    if (this.abandons) this.#reject(error);
    this.#limit.onTimedOut(this);
    this.scope.abort(error);
  }

  #onValue(value: unknown): void {
    if (this.#state === "timedOut" && this.abandons) {
      this.#limit.onLate(this, "fulfilled", value);
      return;
    }
    if (this.#state === "givenUp" && this.abandons) discardResult(value);
    else if (this.#limit.onInTime !== undefined && this.#state === "running") this.#limit.onInTime(this);
    this.#leave();
    // In cooperative mode a result that came in spite of the abort is a result: nothing that was done is lost.
    this.#resolve(value);
  }

  #onError(error: unknown): void {
    if (this.#state === "timedOut") {
      if (this.abandons) {
        this.#limit.onLate(this, "rejected", undefined);
        return;
      }
      this.#reject(error === this.error ? error : new TimeoutError(this.#limit.name, this.limitMs, error));
      return;
    }
    this.#leave();
    this.#reject(error);
  }

  #leave(): void {
    this.#state = "settled";
    this.#limit.wheel.stop(this);
    this.scope.end();
  }
}
