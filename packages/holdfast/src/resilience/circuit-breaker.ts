import { systemClock, systemRandom } from "../runtime/system.ts";
import type { CircuitBreakerOptions, CircuitBreakerUpdate } from "./breaker-options.ts";
import type { Permit } from "./breaker-permit.ts";
import { BreakerStage } from "./breaker-stage.ts";
import type { BreakerSnapshot, BreakerState, BreakerTotals } from "./breaker-state.ts";
import { checkBreakerOptions } from "./check-breaker-options.ts";
import type { Policy } from "./policy.ts";
import { policyOf } from "./stage.ts";

/** What a breaker has seen, at the time of asking. */
export interface BreakerMetrics {
  readonly state: BreakerState;
  /** When the state began, milliseconds since 1970. */
  readonly since: number;
  /** How long it has lasted. */
  readonly stateMs: number;
  /** 0 when not open, Infinity when forced open. */
  readonly remainingOpenMs: number;
  /** How often it opened without having been closed for good in between. */
  readonly timesOpened: number;
  /** Probes under way. */
  readonly probing: number;
  /** The calls that the breaker decides on; for `consecutive` and `period` the failures only. */
  readonly window: {
    readonly calls: number;
    readonly failures: number;
    readonly slow: number;
    /** 0 when there are no calls. */
    readonly failureRate: number;
    readonly slowRate: number;
  };
  /** Since the beginning, or since `reset()`. */
  readonly totals: Readonly<BreakerTotals>;
}

export interface CircuitBreaker extends Policy {
  readonly state: BreakerState;
  readonly metrics: BreakerMetrics;
  /** Leave to make one call outside of `execute`; undefined when the breaker rejects it. Report how the call ended. */
  tryAcquire(): Permit | undefined;
  /** Rejects all calls until it is lifted by another of these methods. */
  forceOpen(): void;
  /** Lets all calls through and records nothing. */
  disable(): void;
  /** Lets all calls through and records them, but never opens. */
  metricsOnly(): void;
  /** Closes at once, whatever the state, with an empty window and without a ramp-up. */
  close(): void;
  /** As `close`, and sets the totals to zero. */
  reset(): void;
  /** What `initialState` takes: JSON with relative times. */
  export(): BreakerSnapshot;
  /**
   * Changes options for the calls from now on; those left out stay. The window is kept as far as it is of the same kind,
   * and the state in any case. @throws InvalidArgumentError, changing nothing
   */
  update(options: CircuitBreakerUpdate): void;
}

/**
 * Stops calling what keeps failing, and tries a few calls later whether it works again.
 *
 * Calls that the caller gives up count neither as failures nor as successes, and results that come after the state has
 * changed change nothing.
 *
 * @throws InvalidArgumentError for options out of range; `execute` rejects with CircuitOpenError
 * @example
 * const breaker = circuitBreaker({ window: { kind: "time", ms: 10_000 }, failureRate: 0.5, openMs: 5_000 });
 * const answer = await breaker.execute(({ signal }) => fetch("http://127.0.0.1:8080/", { signal }));
 */
export function circuitBreaker(options: CircuitBreakerOptions = {}): CircuitBreaker {
  checkBreakerOptions(options);
  const clock = options.clock ?? systemClock;
  const stage = new BreakerStage(options, clock, options.random ?? systemRandom);
  const { machine } = stage;
  const description = {
    kind: "circuitBreaker",
    name: stage.name,
    get options(): Readonly<Record<string, unknown>> {
      const { window, failureRate, openMs, halfOpen } = stage.options;
      return { window, failureRate, openMs, halfOpen, state: machine.state };
    },
  };
  return {
    ...policyOf<never>(stage, description),
    get state(): BreakerState {
      stage.sweep();
      return machine.state;
    },
    get metrics(): BreakerMetrics {
      stage.sweep();
      const { state, since, window, totals, timesOpened, probing, remainingOpenMs } = machine;
      const { calls, failures, slow } = window;
      const stateMs = clock.now() - since;
      return {
        state,
        since: clock.wallTime() - stateMs,
        stateMs,
        remainingOpenMs,
        timesOpened,
        probing,
        window: {
          calls,
          failures,
          slow,
          failureRate: calls === 0 ? 0 : failures / calls,
          slowRate: calls === 0 ? 0 : slow / calls,
        },
        totals: { ...totals },
      };
    },
    tryAcquire: () => stage.acquire(undefined),
    forceOpen: () => machine.set("forcedOpen"),
    disable: () => machine.set("disabled"),
    metricsOnly: () => machine.set("metricsOnly"),
    close: () => machine.set("closed"),
    reset: () => machine.reset(),
    export: () => machine.save(),
    update: (update) => stage.update(update),
  };
}
