import {
  checkFunction,
  checkInteger,
  checkNumber,
  checkOptionNames,
  HoldfastError,
  InvalidArgumentError,
} from "../errors/base.ts";
import { systemClock, type Clock } from "../runtime/system.ts";
import type { Call } from "./call.ts";
import { discardResult } from "./discard-result.ts";
import { HedgedCall, type HedgeRules } from "./hedged-call.ts";
import type { Policy } from "./policy.ts";
import { hears, publish, type PolicyEvent } from "./policy-event.ts";
import type { RetryBudget } from "./retry-budget.ts";
import { MovingQuantile } from "./quantile.ts";
import { policyOf, type Next, type Stage } from "./stage.ts";
import { wheelOf, type TimerWheel } from "./timer-wheel.ts";

export interface HedgeOptions {
  /** How long an attempt may take before the next is started beside it: milliseconds >= 0. Default 100. */
  readonly delayMs?: number;
  /**
   * Takes the delay from what first attempts take: this quantile of the last `window` calls that succeeded, 0.01 to 1.
   * Until ten have, it is `delayMs`. Default: none, the delay is fixed.
   */
  readonly quantile?: number;
  /** How many durations the quantile looks at: an integer from 10 to 1 000 000. Default 200. */
  readonly window?: number;
  /** Attempts besides the first: an integer >= 1. Default 1. */
  readonly maxHedges?: number;
  /** Whether a result is good enough to end the call. Default: every one is. */
  readonly accept?: (result: unknown) => boolean;
  /** Whether another attempt may follow this error. Default: unless it is a Holdfast error that is not retryable. */
  readonly hedgeAfter?: (error: unknown) => boolean;
  /** What hedges are taken from, filled by each call; may be shared with retries to the same service. Default: none. */
  readonly budget?: RetryBudget;
  /** Gets results that were not taken. Default: they are disposed, see `discardResult`. */
  readonly onDiscard?: (result: unknown) => void;
  readonly onEvent?: (event: HedgeEvent) => void;
  readonly name?: string;
  readonly clock?: Clock;
}

export interface HedgeEvent extends PolicyEvent {
  /** A further attempt was started; was refused by the budget; or won. */
  readonly type: "hedged" | "hedgeRefused" | "hedgeWon";
  /** 2 for the first hedge. */
  readonly attempt: number;
  readonly delayMs: number;
}

export interface HedgeMetrics {
  readonly hedges: number;
  /** Calls that a hedge ended, not the first attempt. */
  readonly won: number;
  /** Hedges that the budget refused. */
  readonly refused: number;
  /** After how long the next call would be hedged, milliseconds. */
  readonly delayMs: number;
}

export interface HedgePolicy extends Policy {
  readonly metrics: HedgeMetrics;
}

export const hedgeDefaults: { readonly delayMs: 100; readonly window: 200; readonly maxHedges: 1 } = {
  delayMs: 100,
  window: 200,
  maxHedges: 1,
};

/** Fewer durations than this say nothing about a quantile. */
const leastSamples = 10;

/**
 * Starts a second attempt when the first is slow, and takes whichever is good first. For reads and for writes that may be
 * repeated: both attempts may have their effect.
 *
 * A fast error does not win over a slower success: errors count only when all attempts failed, and one that fails while
 * nothing else is under way brings the next forward. Losers are aborted, never waited for, and their results disposed.
 *
 * J. Dean, L. A. Barroso, "The tail at scale", CACM 56(2), 2013, "hedged requests".
 *
 * @throws InvalidArgumentError for options out of range
 * @example
 * const quick = hedge({ quantile: 0.95, delayMs: 50 });
 * const page = await quick.execute(({ signal }) => fetch("http://127.0.0.1:8080/", { signal }));
 */
export function hedge(options: HedgeOptions = {}): HedgePolicy {
  const stage = new HedgeStage(options);
  return Object.defineProperty(
    policyOf<never>(stage, {
      kind: "hedge",
      ...(options.name === undefined ? {} : { name: options.name }),
      get options() {
        const { maxHedges, quantile } = stage;
        return { delayMs: stage.delayMs(), maxHedges, ...(quantile === undefined ? {} : { quantile }) };
      },
    }),
    "metrics",
    { enumerable: true, get: () => stage.metrics() },
  ) as ReturnType<typeof policyOf<never>> & HedgePolicy;
}

class HedgeStage implements Stage, HedgeRules {
  readonly wheel: TimerWheel;
  readonly maxHedges: number;
  readonly quantile: number | undefined;
  readonly #options: HedgeOptions;
  readonly #clock: Clock;
  readonly #fixedMs: number;
  readonly #durations: MovingQuantile | undefined;
  #hedges = 0;
  #won = 0;
  #refused = 0;

  constructor(options: HedgeOptions) {
    checkOptionNames("hedge", options, [
      "delayMs",
      "quantile",
      "window",
      "maxHedges",
      "accept",
      "hedgeAfter",
      "budget",
      "onDiscard",
      "onEvent",
      "name",
      "clock",
    ]);
    this.#fixedMs = checkNumber("hedge.delayMs", options.delayMs ?? hedgeDefaults.delayMs, 0);
    this.maxHedges = checkInteger("hedge.maxHedges", options.maxHedges ?? hedgeDefaults.maxHedges, 1);
    const window = checkInteger("hedge.window", options.window ?? hedgeDefaults.window, leastSamples, 1_000_000);
    if (options.quantile !== undefined) checkNumber("hedge.quantile", options.quantile, 0.01, 1);
    checkFunction("hedge.accept", options.accept);
    checkFunction("hedge.hedgeAfter", options.hedgeAfter);
    checkFunction("hedge.onDiscard", options.onDiscard);
    checkFunction("hedge.onEvent", options.onEvent);
    if (options.budget !== undefined && typeof options.budget?.tryWithdraw !== "function") {
      throw new InvalidArgumentError("hedge.budget", "must be a retry budget", options.budget);
    }
    this.quantile = options.quantile;
    this.#durations = options.quantile === undefined ? undefined : new MovingQuantile(window);
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.wheel = wheelOf(this.#clock);
  }

  run(call: Call, next: Next): Promise<unknown> {
    this.#options.budget?.deposit();
    return new Promise((resolve, reject) => {
      new HedgedCall(this, call, next, this.delayMs(), resolve, reject).start();
    });
  }

  delayMs(): number {
    const durations = this.#durations;
    if (durations === undefined || durations.count < leastSamples) return this.#fixedMs;
    return durations.quantile(this.quantile as number);
  }

  metrics(): HedgeMetrics {
    return { hedges: this.#hedges, won: this.#won, refused: this.#refused, delayMs: this.delayMs() };
  }

  accepts(result: unknown): boolean {
    return this.#options.accept === undefined || this.#options.accept(result);
  }

  hedgesAfter(error: unknown): boolean {
    const asked = this.#options.hedgeAfter;
    return asked === undefined ? !HoldfastError.is(error) || error.retryable : asked(error);
  }

  admits(attempt: number, delayMs: number): boolean {
    const admitted = this.#options.budget?.tryWithdraw() ?? true;
    if (admitted) this.#hedges++;
    else this.#refused++;
    this.#tell(admitted ? "hedged" : "hedgeRefused", attempt, delayMs);
    return admitted;
  }

  onWon(attempt: number, startedAt: number): void {
    // Always the first attempt's time, also when it lost and has taken only this much so far: if hedges' times counted
    // instead, slow attempts would drop out, the delay would shrink, and more and more calls would be hedged.
    if (this.#durations !== undefined) this.#durations.record(this.#clock.now() - startedAt);
    if (attempt === 1) return;
    this.#won++;
    this.#tell("hedgeWon", attempt, this.delayMs());
  }

  discard(result: unknown): void {
    const { onDiscard } = this.#options;
    if (onDiscard === undefined) discardResult(result);
    else {
      try {
        onDiscard(result);
      } catch {
        // The call is over: nobody is left to be told.
      }
    }
  }

  #tell(type: HedgeEvent["type"], attempt: number, delayMs: number): void {
    if (!hears(this.#options.onEvent, type)) return;
    publish<HedgeEvent>(this.#options.onEvent, {
      type,
      at: this.#clock.wallTime(),
      policy: this.#options.name ?? "",
      attempt,
      delayMs,
    });
  }
}
