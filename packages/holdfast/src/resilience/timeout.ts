import { checkFunction, checkNumber, checkOneOf, checkOptionNames, InvalidArgumentError } from "../errors/base.ts";
import { systemClock, type Clock } from "../runtime/system.ts";
import type { Call } from "./call.ts";
import { discardResult } from "./discard-result.ts";
import type { CallContext, Policy } from "./policy.ts";
import { hears, publish, type PolicyEvent } from "./policy-event.ts";
import { policyOf, rejected, type Next, type Stage } from "./stage.ts";
import { TimedCall, type TimeLimit } from "./timed-call.ts";
import { wheelOf, type TimerWheel } from "./timer-wheel.ts";

/**
 * What happens when the time is over. Both abort the operation's signal. `abandoning`: the promise rejects at once,
 * and what the operation still does is nobody's concern. `cooperative`: it waits until the operation has ended.
 */
export type TimeoutMode = "abandoning" | "cooperative";

export interface TimeoutOptions {
  /** Milliseconds >= 0, or a function of the call that gives them; Infinity for no limit. Default 10 000. */
  readonly timeoutMs?: number | ((context: CallContext) => number);
  /** Default "abandoning". */
  readonly mode?: TimeoutMode;
  /** Gets a result that came after its call was abandoned. Default: it is disposed, see `discardResult`. */
  readonly onLateResult?: (result: unknown) => void;
  readonly onEvent?: (event: TimeoutEvent) => void;
  readonly name?: string;
  readonly clock?: Clock;
}

export interface TimedOutEvent extends PolicyEvent {
  readonly type: "timedOut";
  readonly timeoutMs: number;
  readonly attempt: number;
  readonly mode: TimeoutMode;
}

/** An abandoned operation has ended after all. */
export interface LateOutcomeEvent extends PolicyEvent {
  readonly type: "lateOutcome";
  readonly outcome: "fulfilled" | "rejected";
  /** Since the operation was started. */
  readonly durationMs: number;
  readonly attempt: number;
}

export type TimeoutEvent = TimedOutEvent | LateOutcomeEvent;

export interface TimeoutMetrics {
  /** Calls that ran out of time. */
  readonly timedOut: number;
  /** Abandoned operations that are still under way. */
  readonly abandoned: number;
}

export interface TimeoutPolicy extends Policy {
  readonly metrics: TimeoutMetrics;
  /** Changes the limit or the mode for calls that start from now on. @throws InvalidArgumentError, changing nothing */
  update(options: Pick<TimeoutOptions, "timeoutMs" | "mode">): void;
}

export const timeoutDefaults: { readonly timeoutMs: 10_000; readonly mode: "abandoning" } = {
  timeoutMs: 10_000,
  mode: "abandoning",
};

/**
 * Gives an operation a limit of time.
 *
 * The limit is met late by at most 1/64 of itself or one millisecond, whichever is more. The caller's own abort is never
 * reported as a timeout, and a result that was returned is never aborted afterwards: a stream in it can be read to its
 * end. An operation that outlives its call has its late failure handled and its late result disposed.
 *
 * @throws InvalidArgumentError for options out of range
 * @example
 * const quick = timeout({ timeoutMs: 500 });
 * const answer = await quick.execute(({ signal }) => fetch("http://127.0.0.1:8080/", { signal }));
 */
export function timeout(options: TimeoutOptions = {}): TimeoutPolicy {
  checkOptionNames("timeout", options, ["timeoutMs", "mode", "onLateResult", "onEvent", "name", "clock"]);
  const stage = new TimeoutStage(options);
  return Object.defineProperties(
    policyOf<never>(stage, {
      kind: "timeout",
      ...(options.name === undefined ? {} : { name: options.name }),
      get options() {
        return { timeoutMs: stage.timeoutMs, mode: stage.mode };
      },
    }),
    {
      metrics: { enumerable: true, get: () => ({ timedOut: stage.timedOut, abandoned: stage.abandoned }) },
      update: {
        enumerable: true,
        value: (changes: TimeoutOptions) => {
          checkOptionNames("timeout", changes, ["timeoutMs", "mode"]);
          stage.set(changes);
        },
      },
    },
  ) as ReturnType<typeof policyOf<never>> & TimeoutPolicy;
}

/** The policy as a stage; also the part of other policies that limits their calls. */
export class TimeoutStage implements Stage, TimeLimit {
  timeoutMs: number | ((context: CallContext) => number) = timeoutDefaults.timeoutMs;
  mode: TimeoutMode = timeoutDefaults.mode;
  timedOut = 0;
  abandoned = 0;
  readonly name: string;
  readonly wheel: TimerWheel;
  readonly timesCalls: boolean;
  readonly #policy: string;
  readonly #clock: Clock;
  readonly #discard: (result: unknown) => void;
  readonly #onEvent: ((event: TimeoutEvent) => void) | undefined;

  /** `policy` is whose part it is, for messages. */
  constructor(options: TimeoutOptions, policy = "timeout") {
    this.#policy = policy;
    this.set(options);
    this.name = options.name ?? "";
    this.#clock = options.clock ?? systemClock;
    this.wheel = wheelOf(this.#clock);
    if (options.onLateResult !== undefined) checkFunction(`${policy}.onLateResult`, options.onLateResult);
    if (options.onEvent !== undefined) checkFunction(`${policy}.onEvent`, options.onEvent);
    this.#discard = options.onLateResult ?? discardResult;
    this.#onEvent = options.onEvent;
    this.timesCalls = policy === "adaptiveTimeout" || options.onEvent !== undefined;
  }

  /** Checks everything before it changes anything. */
  set(options: Pick<TimeoutOptions, "timeoutMs" | "mode">): void {
    const { timeoutMs = this.timeoutMs, mode = this.mode } = options;
    if (typeof timeoutMs !== "function" && timeoutMs !== Infinity)
      checkNumber(`${this.#policy}.timeoutMs`, timeoutMs, 0);
    checkOneOf(`${this.#policy}.mode`, mode, ["abandoning", "cooperative"]);
    this.timeoutMs = timeoutMs;
    this.mode = mode;
  }

  run(call: Call, next: Next): Promise<unknown> {
    let limitMs = this.timeoutMs;
    if (typeof limitMs !== "number") {
      try {
        limitMs = limitMs(call);
        if (!(limitMs >= 0))
          throw new InvalidArgumentError(`${this.#policy}.timeoutMs(context)`, "must be >= 0", limitMs);
      } catch (error) {
        return rejected(error);
      }
    }
    const timed = new TimedCall(this, call, limitMs, this.mode === "abandoning");
    return timed.run(next);
  }

  onTimedOut(timed: TimedCall): void {
    this.timedOut++;
    if (timed.abandons) this.abandoned++;
    if (!hears<TimeoutEvent>(this.#onEvent, "timedOut")) return;
    publish<TimeoutEvent>(this.#onEvent, {
      type: "timedOut",
      at: this.#clock.wallTime(),
      policy: this.name,
      timeoutMs: timed.limitMs,
      attempt: timed.attempt,
      mode: timed.abandons ? "abandoning" : "cooperative",
    });
  }

  onLate(timed: TimedCall, outcome: "fulfilled" | "rejected", result: unknown): void {
    this.abandoned--;
    if (outcome === "fulfilled") {
      try {
        this.#discard(result);
      } catch {
        // The call it belonged to is over: nobody is left to be told.
      }
    }
    if (!hears<TimeoutEvent>(this.#onEvent, "lateOutcome")) return;
    publish<TimeoutEvent>(this.#onEvent, {
      type: "lateOutcome",
      at: this.#clock.wallTime(),
      policy: this.name,
      outcome,
      durationMs: this.#clock.now() - timed.startedAt,
      attempt: timed.attempt,
    });
  }
}
