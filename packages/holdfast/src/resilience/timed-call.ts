import { ScopedCall, type Call } from "./call.ts";
import { discardResult } from "./discard-result.ts";
import type { Next } from "./stage.ts";
import { TimeoutError } from "./timeout-error.ts";
import type { TimerWheel, WheelTimer } from "./timer-wheel.ts";

/** Who limits a call, and wants to know what became of it. */
export interface TimeLimit {
  readonly name: string;
  readonly wheel: TimerWheel;
  /** Whether anybody may ask a call when it started. */
  readonly timesCalls: boolean;
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

/** One call with a limit: the scope of the operation, and its own timer; it lives in the wheel until it settles. */
export class TimedCall extends ScopedCall implements WheelTimer {
  readonly limitMs: number;
  readonly abandons: boolean;
  /** Negative where nobody asks. */
  startedAt = -1;
  ring: WheelTimer["ring"] = undefined;
  tick = 0;
  before: WheelTimer | undefined = undefined;
  after: WheelTimer | undefined = undefined;
  readonly #limit: TimeLimit;
  #state: State = "running";
  #resolve: (value: unknown) => void = neverCalled;
  #reject: (reason: unknown) => void = neverCalled;

  constructor(limit: TimeLimit, outer: Call, limitMs: number, abandons: boolean, attempt: number = outer.attempt) {
    super(outer.operation, outer, attempt, outer.options);
    this.#limit = limit;
    this.limitMs = limitMs;
    this.abandons = abandons;
  }

  /** What the call was rejected with when its time was over. */
  get error(): TimeoutError | undefined {
    return this.#state === "timedOut" ? (this.reason as TimeoutError) : undefined;
  }

  run(next: Next): Promise<unknown> {
    const limit = this.#limit;
    const startedAt = limit.wheel.start(this, this.limitMs);
    if (limit.timesCalls) this.startedAt = startedAt;
    const result = new Promise(capture);
    this.#resolve = captured.resolve;
    this.#reject = captured.reject;
    next(this).then(
      (value) => this.#onValue(value),
      (error: unknown) => this.#onError(error),
    );
    return result;
  }

  expire(): void {
    // The caller has left, and was told why: this is no timeout. Who waits in between is let go.
    if (this.aborted) {
      this.#state = "givenUp";
      if (this.abandons) this.#reject(this.reason);
      return;
    }
    const error = new TimeoutError(this.#limit.name, this.limitMs);
    this.#state = "timedOut";
    if (this.abandons) this.#reject(error);
    this.#limit.onTimedOut(this);
    this.abort(error);
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
      this.#reject(error === this.reason ? error : new TimeoutError(this.#limit.name, this.limitMs, error));
      return;
    }
    this.#leave();
    this.#reject(error);
  }

  #leave(): void {
    this.#state = "settled";
    this.#limit.wheel.stop(this);
    this.end();
  }
}
