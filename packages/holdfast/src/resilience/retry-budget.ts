import { checkNumber, checkOptionNames } from "../errors/base.ts";
import { systemClock, type Clock } from "../runtime/system.ts";

export interface RetryBudgetOptions {
  /** Further tries per call, in the long run: 0.2 adds at most a fifth to the load. A number >= 0. Default 0.2. */
  readonly ratio?: number;
  /** Further tries per second that are always allowed, for callers of little traffic. A number >= 0. Default 10. */
  readonly minPerSecond?: number;
  /** How many unused tries are kept for a bad moment. A number >= 0. Default 100. */
  readonly maxTokens?: number;
  readonly clock?: Clock;
}

/**
 * What keeps retries from multiplying the load of a service that is already in trouble. Share one among all retries and
 * hedges that go to the same service.
 */
export interface RetryBudget {
  /** A call has begun: adds `ratio` of a try. */
  deposit(): void;
  /** Takes one try; false when there is none, and the further try must not be made. */
  tryWithdraw(): boolean;
  /** Tries that could be made now. */
  readonly balance: number;
}

export const retryBudgetDefaults: { readonly ratio: 0.2; readonly minPerSecond: 10; readonly maxTokens: 100 } = {
  ratio: 0.2,
  minPerSecond: 10,
  maxTokens: 100,
};

/**
 * A budget of further tries: a bucket that calls fill and further tries empty, as in Finagle's RetryBudget and gRPC's
 * retry throttling (gRFC A6), next to a small one that time fills (a second's worth at most; full at the start).
 *
 * @throws InvalidArgumentError for options out of range
 * @example
 * const budget = retryBudget({ ratio: 0.1 });
 * const reads = retry({ budget });
 * const writes = retry({ budget, maxAttempts: 2 });
 */
export function retryBudget(options: RetryBudgetOptions = {}): RetryBudget {
  checkOptionNames("retryBudget", options, ["ratio", "minPerSecond", "maxTokens", "clock"]);
  const { ratio, minPerSecond, maxTokens, clock } = { ...retryBudgetDefaults, clock: systemClock, ...options };
  checkNumber("retryBudget.ratio", ratio, 0);
  checkNumber("retryBudget.minPerSecond", minPerSecond, 0);
  checkNumber("retryBudget.maxTokens", maxTokens, 0);
  return new TokenBudget(ratio, minPerSecond, maxTokens, clock);
}

class TokenBudget implements RetryBudget {
  readonly #ratio: number;
  readonly #perMs: number;
  readonly #maxReserve: number;
  readonly #maxTokens: number;
  readonly #clock: Clock;
  #tokens = 0;
  #reserve: number;
  #refilledAt: number;

  constructor(ratio: number, minPerSecond: number, maxTokens: number, clock: Clock) {
    this.#ratio = ratio;
    this.#perMs = minPerSecond / 1000;
    // Less than one per second must still add up to a whole try.
    this.#maxReserve = minPerSecond === 0 ? 0 : Math.max(1, minPerSecond);
    this.#maxTokens = maxTokens;
    this.#clock = clock;
    this.#reserve = this.#maxReserve;
    this.#refilledAt = clock.now();
  }

  get balance(): number {
    this.#refill();
    return Math.floor(this.#tokens + rounding) + Math.floor(this.#reserve + rounding);
  }

  // Reads no clock: this is on the way of every call.
  deposit(): void {
    const tokens = this.#tokens + this.#ratio;
    this.#tokens = tokens < this.#maxTokens ? tokens : this.#maxTokens;
  }

  tryWithdraw(): boolean {
    this.#refill();
    if (this.#tokens + rounding >= 1) this.#tokens = Math.max(0, this.#tokens - 1);
    else if (this.#reserve + rounding >= 1) this.#reserve = Math.max(0, this.#reserve - 1);
    else return false;
    return true;
  }

  #refill(): void {
    const now = this.#clock.now();
    this.#reserve = Math.min(this.#maxReserve, this.#reserve + (now - this.#refilledAt) * this.#perMs);
    this.#refilledAt = now;
  }
}

/** Ten tenths make a whole, whatever their sum in floating point is. */
const rounding = 1e-9;
