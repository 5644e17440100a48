import { checkOptionNames } from "../errors/base.ts";
import type { Clock, RandomSource } from "../runtime/system.ts";
import { exponentialBackoff } from "./backoff.ts";
import { bulkhead, type BulkheadPolicy } from "./bulkhead.ts";
import { circuitBreaker, type CircuitBreaker } from "./circuit-breaker.ts";
import type { Jitter } from "./jitter.ts";
import { pipeline } from "./pipeline.ts";
import type { PolicyEvent } from "./policy-event.ts";
import type { Policy } from "./policy.ts";
import { retry, type RetryPolicy } from "./retry.ts";
import { timeout, type TimeoutPolicy } from "./timeout.ts";

/** What the policies of a preset are made with. */
export interface PresetNumbers {
  /** All attempts and waits together; Infinity where one attempt is all there is. */
  readonly totalMs: number;
  /** One attempt. */
  readonly attemptMs: number;
  readonly maxAttempts: number;
  readonly baseDelayMs: number;
  readonly delayFactor: number;
  readonly maxDelayMs: number;
  readonly jitter: Jitter;
  /** Failures in a row that open the breaker. */
  readonly failures: number;
  readonly openMs: number;
  /** Calls tried half-open, all of which must succeed. */
  readonly probes: number;
  readonly maxConcurrent: number;
}

/** The numbers, for reading and for pipelines of one's own. */
export const presets: Readonly<Record<"standard" | "database" | "externalApi" | "cache", PresetNumbers>> = {
  standard: {
    totalMs: 30_000,
    attemptMs: 10_000,
    maxAttempts: 3,
    baseDelayMs: 100,
    delayFactor: 2,
    maxDelayMs: 10_000,
    jitter: "full",
    failures: 5,
    openMs: 60_000,
    probes: 3,
    maxConcurrent: 100,
  },
  database: {
    totalMs: 60_000,
    attemptMs: 5_000,
    maxAttempts: 2,
    baseDelayMs: 50,
    delayFactor: 1.5,
    maxDelayMs: 5_000,
    jitter: "none",
    failures: 3,
    openMs: 30_000,
    probes: 5,
    maxConcurrent: 100,
  },
  externalApi: {
    totalMs: 15_000,
    attemptMs: 10_000,
    maxAttempts: 3,
    baseDelayMs: 200,
    delayFactor: 2.5,
    maxDelayMs: 30_000,
    jitter: "full",
    failures: 5,
    openMs: 60_000,
    probes: 3,
    maxConcurrent: 100,
  },
  cache: {
    totalMs: Infinity,
    attemptMs: 100,
    maxAttempts: 1,
    baseDelayMs: 10,
    delayFactor: 1,
    maxDelayMs: 100,
    jitter: "none",
    failures: 5,
    openMs: 60_000,
    probes: 3,
    maxConcurrent: 100,
  },
};

export interface PresetOptions {
  /** Names each policy in its events and errors. */
  readonly name?: string;
  /** Gets the events of all its policies. */
  readonly onEvent?: (event: PolicyEvent) => void;
  readonly clock?: Clock;
  readonly random?: RandomSource;
}

/** A pipeline with its parts, outermost first: their state, metrics and `update`. */
export interface Preset extends Policy {
  readonly total: TimeoutPolicy;
  readonly retry: RetryPolicy;
  readonly breaker: CircuitBreaker;
  readonly attempt: TimeoutPolicy;
  readonly bulkhead: BulkheadPolicy;
}

/**
 * For any remote call: 3 attempts within 30 s, 10 s each; the breaker opens on 5 failures in a row for 60 s.
 *
 * @throws InvalidArgumentError for options that break their rules; this and the others
 * @example
 * const orders = pipeline(fallback(() => []), standard({ name: "orders" }));
 */
export function standard(options?: PresetOptions): Preset {
  return assemble(presets.standard, options);
}

/** For a database: 2 attempts without jitter, 5 s each; the breaker opens on 3 failures for 30 s and wants 5 successes. */
export function forDatabase(options?: PresetOptions): Preset {
  return assemble(presets.database, options);
}

/** For somebody else's service: 3 attempts within 15 s, the waits long and spread. */
export function forExternalApi(options?: PresetOptions): Preset {
  return assemble(presets.externalApi, options);
}

/** For a cache: one attempt of 100 ms, because what it would give can be had elsewhere. */
export function forCache(options?: PresetOptions): Preset {
  return assemble(presets.cache, options);
}

function assemble(numbers: PresetNumbers, options: PresetOptions = {}): Preset {
  checkOptionNames("preset", options, ["name", "onEvent", "clock", "random"]);
  const { random, ...timed } = options;
  const chance = random === undefined ? {} : { random };
  const parts = {
    total: timeout({ ...timed, timeoutMs: numbers.totalMs }),
    retry: retry({
      ...timed,
      ...chance,
      maxAttempts: numbers.maxAttempts,
      backoff: exponentialBackoff({ baseMs: numbers.baseDelayMs, factor: numbers.delayFactor }),
      maxDelayMs: numbers.maxDelayMs,
      jitter: numbers.jitter,
    }),
    breaker: circuitBreaker({
      ...timed,
      ...chance,
      window: { kind: "consecutive", failures: numbers.failures },
      openMs: numbers.openMs,
      halfOpen: { probes: numbers.probes },
    }),
    attempt: timeout({ ...timed, timeoutMs: numbers.attemptMs }),
    bulkhead: bulkhead({ ...timed, maxConcurrent: numbers.maxConcurrent }),
  };
  const { total, breaker, attempt } = parts;
  return Object.assign(pipeline(total, parts.retry, breaker, attempt, parts.bulkhead), parts);
}
