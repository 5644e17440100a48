import type { Clock } from "../runtime/system.ts";
import type { Call } from "./call.ts";
import { FallbackFailedError } from "./fallback.ts";
import { isTimeout } from "./overload.ts";
import type { CallContext, ExecuteOptions, Policy } from "./policy.ts";
import type { PolicyDescription } from "./policy-description.ts";
import { policyOf, type Next } from "./stage.ts";

/** The moving average forgets a tenth with each call. */
const newShare = 0.1;

export interface ServiceHealth {
  /** Moving average over the calls of the full way, 0..1. */
  readonly errorRate: number;
  /** Calls of the full way since the last check; with none, the error rate is as old as that. */
  readonly freshCalls: number;
  /** What the last check found. */
  readonly degraded: boolean;
}

export interface ServiceOptions<Input, Result> {
  /** The way it should be. */
  readonly full: (input: Input, context: CallContext) => PromiseLike<Result> | Result;
  /** A cheaper answer: from a cache, without a part, empty. It also answers when the full way fails. */
  readonly degraded: (input: Input, context: CallContext) => PromiseLike<Result> | Result;
  /**
   * The service's own say at each check; true to degrade. One that throws, or says nothing within a check's interval,
   * changes nothing. Default: the error rate is
   * above `degradeAbove`, and once degraded until it is below `recoverBelow`.
   */
  readonly shouldDegrade?: (health: ServiceHealth) => PromiseLike<boolean> | boolean;
  /** 0..1. Default 0.5: seven failures in a row. */
  readonly degradeAbove?: number;
  /** 0..1, at most `degradeAbove`. Default 0.2: nine successes in a row after the above. */
  readonly recoverBelow?: number;
}

export interface ServiceMetrics extends ServiceHealth {
  readonly fullCalls: number;
  readonly fullFailures: number;
  readonly degradedCalls: number;
  readonly degradedFailures: number;
}

/** Which way calls of a service go: `probing` is degraded, with now and then a call on the full way to measure it. */
export type Way = "full" | "probing" | "degraded";

/** A service with a full and a degraded way to run. */
export class DegradableService<Input, Result> {
  readonly name: string;
  degraded = false;
  readonly #options: Required<ServiceOptions<Input, Result>>;
  readonly #clock: Clock;
  readonly #probeIntervalMs: () => number;
  readonly #wayOf: (degraded: boolean) => Way;
  #errorRate = 0;
  #freshCalls = 0;
  #probedAt = Number.NEGATIVE_INFINITY;
  readonly #description: PolicyDescription;
  readonly #count = { fullCalls: 0, fullFailures: 0, degradedCalls: 0, degradedFailures: 0 };

  constructor(
    name: string,
    options: Required<ServiceOptions<Input, Result>>,
    world: {
      readonly clock: Clock;
      readonly probeIntervalMs: () => number;
      readonly wayOf: (degraded: boolean) => Way;
    },
  ) {
    this.name = name;
    this.#options = options;
    this.#clock = world.clock;
    this.#probeIntervalMs = world.probeIntervalMs;
    this.#wayOf = world.wayOf;
    this.#description = describe(this, options, world.wayOf);
  }

  get health(): ServiceHealth {
    return { errorRate: this.#errorRate, freshCalls: this.#freshCalls, degraded: this.degraded };
  }

  get metrics(): ServiceMetrics {
    return { ...this.health, ...this.#count };
  }

  run(input: Input, options?: ExecuteOptions): Promise<Result> {
    return this.policy(input).execute((context) => this.#options.full(input, context), options);
  }

  policy(input: Input): Policy<Result> {
    return policyOf<Result>({ run: (call, next) => this.#run(call, next, input) }, this.#description);
  }

  /** Hears the service's say on what was measured, for so long at most, and begins to measure anew. */
  async judge(patienceMs: number): Promise<void> {
    const waited = new AbortController();
    try {
      const silence = this.#clock.sleep(patienceMs, { signal: waited.signal }).then(
        () => this.degraded,
        () => this.degraded,
      );
      this.degraded = await Promise.race([this.#options.shouldDegrade(this.health), silence]);
    } catch {
      // No say: what it said before stands.
    } finally {
      waited.abort();
    }
    this.#freshCalls = 0;
  }

  #run(call: Call, next: Next, input: Input): Promise<unknown> {
    const way = this.#wayOf(this.degraded);
    if (way !== "full" && !(way === "probing" && this.#probeIsDue())) return this.#runDegraded(call, input);
    return next(call).then(
      (result) => {
        this.#record(false);
        return result;
      },
      (error: unknown) => {
        // A caller that gave up says nothing about the service; a time limit further out does.
        if (call.aborted && !isTimeout(call.reason)) throw error;
        this.#record(true);
        if (call.aborted) throw error;
        return this.#runDegraded(call, input).catch((second: unknown) => {
          throw call.aborted ? second : new FallbackFailedError([error, second]);
        });
      },
    );
  }

  async #runDegraded(call: Call, input: Input): Promise<unknown> {
    this.#count.degradedCalls++;
    try {
      return await this.#options.degraded(input, call);
    } catch (error) {
      this.#count.degradedFailures++;
      throw error;
    }
  }

  #probeIsDue(): boolean {
    const now = this.#clock.now();
    if (now - this.#probedAt < this.#probeIntervalMs()) return false;
    this.#probedAt = now;
    return true;
  }

  #record(failed: boolean): void {
    this.#count.fullCalls++;
    if (failed) this.#count.fullFailures++;
    this.#freshCalls++;
    this.#errorRate += ((failed ? 1 : 0) - this.#errorRate) * newShare;
  }
}

function describe(
  service: { readonly name: string; readonly degraded: boolean },
  { degradeAbove, recoverBelow }: { readonly degradeAbove: number; readonly recoverBelow: number },
  wayOf: (degraded: boolean) => Way,
): PolicyDescription {
  return {
    kind: "degradableService",
    name: service.name,
    get options() {
      return { way: wayOf(service.degraded), degradeAbove, recoverBelow };
    },
  };
}
