import type { Clock, RandomSource } from "../runtime/system.ts";
import type { BreakerEvent } from "./breaker-event.ts";
import type { BreakerSnapshot } from "./breaker-state.ts";
import type { WindowOptions } from "./breaker-window.ts";

/** Options of a circuit breaker; those left out are `circuitBreakerDefaults`. */
export interface CircuitBreakerOptions {
  /** Which calls are looked at. Default: 5 failures in a row. */
  readonly window?: WindowOptions;
  /** Opens when this share of the window's calls failed, or more: above 0, to 1; default 0.5. `count` and `time` only. */
  readonly failureRate?: number;
  /** Never opens on fewer calls in the window: >= 1; default 10, or the size of a smaller window. `count` and `time` only. */
  readonly minimumCalls?: number;
  /** Looks at how long calls take, too. Default: does not. */
  readonly slowCall?: SlowCallOptions;
  /** Which errors are failures; the others are successes, because an answer came. Default: all. One that throws: yes. */
  readonly isFailure?: (error: unknown) => boolean;
  /** Which results are failures. Default: none. One that throws: no. */
  readonly isFailureResult?: (value: unknown) => boolean;
  /**
   * Which errors are neither failure nor success. Default: `isRejection`, what a policy further in turned away,
   * which says nothing about what is protected.
   */
  readonly ignore?: (error: unknown) => boolean;
  readonly halfOpen?: HalfOpenOptions;
  /** Milliseconds from opening to half-open, or a function of how often it opened in a row (1 first). Default 60 000. */
  readonly openMs?: number | ((timesOpened: number) => number);
  /** The longest time to stay open, whatever `openMs` and `openOn` ask for; milliseconds, default one hour. */
  readonly maxOpenMs?: number;
  /** Lengthens each opening by a random share, up to this one: 0 to 1, default 0. Never shortens it. */
  readonly jitter?: number;
  /** After closing, admits a growing share of the calls. Default: all at once. */
  readonly rampUp?: RampUpOptions;
  /**
   * Opens on one outcome, for the milliseconds it returns; undefined for no. For answers that name a time, such as
   * Retry-After. Asked about ignored errors too.
   */
  readonly openOn?: (outcome: unknown, kind: "error" | "value") => number | undefined;
  /** Where it begins: a state, or what `export()` gave, here or in another process. Default "closed". */
  readonly initialState?: InitialState | BreakerSnapshot;
  readonly onEvent?: (event: BreakerEvent) => void;
  /** Stands in events and errors. Default "". */
  readonly name?: string;
  readonly clock?: Clock;
  /** For jitter. */
  readonly random?: RandomSource;
}

export type InitialState = "closed" | "forcedOpen" | "disabled" | "metricsOnly";

export interface SlowCallOptions {
  /** Calls that take this long, or longer, are slow; milliseconds >= 0. */
  readonly ms: number;
  /**
   * Opens when this share of the window's calls was slow, or more: above 0, to 1; default 1. `count` and `time` only: in
   * the other windows, and as a probe, a slow call is a failure.
   */
  readonly rate?: number;
  /**
   * Counts a call as slow as soon as it has been running that long; whatever becomes of it then is not counted again.
   * Noticed when another call comes or ends: nothing runs in the background, and no call is killed. Default false.
   */
  readonly inFlight?: boolean;
}

export interface HalfOpenOptions {
  /** How many calls are tried, all at once if they come so: >= 1, default 3. The others are rejected. */
  readonly probes?: number;
  /** Closes when this share of the probes succeeded, or more, else opens again: above 0, to 1; default 1. */
  readonly successRate?: number;
  /** How long probes may stay unanswered, counted from the last one admitted; milliseconds > 0, default 60 000. */
  readonly maxMs?: number;
  /** What follows then. Default "open". */
  readonly afterMaxMs?: "open" | "closed";
}

export interface RampUpOptions {
  /** How long it takes from `startShare` to all calls; milliseconds > 0. */
  readonly ms: number;
  /** The share of the calls that is admitted at first: above 0, to 1; default 0.1. */
  readonly startShare?: number;
}

/** What can be changed while it runs. */
export type CircuitBreakerUpdate = Omit<
  CircuitBreakerOptions,
  "initialState" | "onEvent" | "name" | "clock" | "random"
>;

export const circuitBreakerDefaults: {
  readonly window: { readonly kind: "consecutive"; readonly failures: 5 };
  readonly failureRate: 0.5;
  readonly minimumCalls: 10;
  readonly slowCall: { readonly rate: 1; readonly inFlight: false };
  readonly halfOpen: {
    readonly probes: 3;
    readonly successRate: 1;
    readonly maxMs: 60_000;
    readonly afterMaxMs: "open";
  };
  readonly openMs: 60_000;
  readonly maxOpenMs: 3_600_000;
  readonly jitter: 0;
  readonly rampUp: { readonly startShare: 0.1 };
} = {
  window: { kind: "consecutive", failures: 5 },
  failureRate: 0.5,
  minimumCalls: 10,
  slowCall: { rate: 1, inFlight: false },
  halfOpen: { probes: 3, successRate: 1, maxMs: 60_000, afterMaxMs: "open" },
  openMs: 60_000,
  maxOpenMs: 3_600_000,
  jitter: 0,
  rampUp: { startShare: 0.1 },
};
