import { InvalidArgumentError } from "../errors/base.ts";
import type { BreakerRegistry } from "./breaker-registry.ts";
import type { BreakerMetrics } from "./circuit-breaker.ts";
import type { Degradation } from "./degrade.ts";
import type { PolicyDescription } from "./policy-description.ts";
import type { Policy } from "./policy.ts";
import { descriptionOf, type Staged } from "./stage.ts";
import type { TieredTimeout } from "./tiered-timeout.ts";

/** What one policy says of itself now, in one form for all kinds. */
export interface PolicyReading {
  /** The factory's name: `retry`, `circuitBreaker`, … */
  readonly kind: string;
  /** Its `name` option, or its kind without one; of several alike the second has ` 2` after it, and so on. */
  readonly name: string;
  /** `closed`, `open`, a mode, …; null for what has no states. */
  readonly state: string | null;
  /** What only rises, since the start. */
  readonly counts: Readonly<Record<string, number>>;
  /** Present values. */
  readonly gauges: Readonly<Record<string, number>>;
  /** The options that matter, as they are in force. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** A policy, a pipeline of them, or what holds several. */
export type ReadablePolicy = Policy<unknown> | BreakerRegistry | Degradation | TieredTimeout<unknown>;

/**
 * Reads policies whenever it is called: what exporters of metrics and dashboards show. Nothing is recorded for it.
 *
 * @throws InvalidArgumentError for anything that cannot be read
 * @example
 * const read = policyReader(pipeline(retry({ name: "stock" }), circuitBreaker({ name: "stock" })));
 * for (const { kind, name, state, counts } of read()) console.log(kind, name, state, counts);
 */
export function policyReader(...policies: readonly ReadablePolicy[]): () => readonly PolicyReading[] {
  for (const [at, policy] of policies.entries()) {
    const readable = policy as { readonly execute?: unknown; readonly check?: unknown } | null | undefined;
    if (typeof readable?.execute !== "function" && typeof readable?.check !== "function") {
      throw new InvalidArgumentError(`policyReader[${at}]`, "must be a policy", policy);
    }
  }
  return () => {
    const seen = new Map<string, number>();
    return policies.flatMap(readAny).map((reading) => {
      const name = reading.name === "" ? reading.kind : reading.name;
      const id = `${reading.kind} ${name}`;
      const times = (seen.get(id) ?? 0) + 1;
      seen.set(id, times);
      return { ...reading, name: times === 1 ? name : `${name} ${times}` };
    });
  };
}

function readAny(policy: ReadablePolicy): PolicyReading[] {
  if ("entries" in policy) return [...policy.entries()].flatMap(([, breaker]) => readPolicy(breaker));
  if ("isEnabled" in policy) return readDegradation(policy);
  if ("policy" in policy) return readTiers(policy);
  return readPolicy(policy);
}

function readPolicy(policy: Policy<unknown> & Partial<Staged>): PolicyReading[] {
  const description = policy[descriptionOf];
  if (description === undefined) return [{ ...nothing, kind: "policy", name: "" }];
  return "kind" in description ? [readOne(policy, description)] : description.flatMap(readPolicy);
}

function readOne(policy: object, { kind, name = "", options = {} }: PolicyDescription): PolicyReading {
  const { state, metrics, statistics } = policy as {
    readonly state?: string;
    readonly metrics?: object;
    readonly statistics?: () => object;
  };
  const numbers = metrics ?? statistics?.call(policy) ?? {};
  const own = kind === "circuitBreaker" ? breakerNumbers(numbers as BreakerMetrics) : numbers;
  return { kind, name, state: state ?? null, ...sorted(kind, own), options };
}

function readTiers({ name, metrics }: TieredTimeout<unknown>): PolicyReading[] {
  const kind = "tieredTimeout";
  return Object.entries(metrics).map(([tier, numbers]) => {
    const whole = name === "" ? tier : `${name}.${tier}`;
    return { ...nothing, kind, name: whole, ...sorted(kind, numbers) };
  });
}

function readDegradation({ name, metrics }: Degradation): PolicyReading[] {
  const { mode, modeChanges, durationsMs, services } = metrics;
  const { normal, partial, full } = durationsMs;
  const counts = { modeChanges, normalMs: normal, partialMs: partial, fullMs: full };
  return [
    { ...nothing, kind: "degradation", name, state: mode, counts },
    ...Object.entries(services).map(([service, { degraded, ...numbers }]) => {
      const kind = "degradableService";
      return { ...nothing, kind, name: service, state: degraded ? "degraded" : "full", ...sorted(kind, numbers) };
    }),
  ];
}

const nothing: Omit<PolicyReading, "kind" | "name"> = { state: null, counts: {}, gauges: {}, options: {} };

function breakerNumbers({ totals, window, probing, remainingOpenMs }: BreakerMetrics): object {
  const { calls, failureRate, slowRate } = window;
  return { ...totals, windowCalls: calls, failureRate, slowRate, probing, remainingOpenMs };
}

/** What of each kind only rises; the rest are present values. */
const risingNames: Readonly<Record<string, readonly string[]>> = {
  retry: ["retries", "recovered", "exhausted"],
  circuitBreaker: ["successes", "failures", "slow", "ignored", "rejected", "late", "stateChanges"],
  bulkhead: ["rejected", "waitTimeouts"],
  timeout: ["timedOut"],
  adaptiveTimeout: ["timedOut"],
  tieredTimeout: ["timedOut", "exhausted"],
  fallback: ["used", "failed"],
  fallbackChain: ["used", "failed"],
  hedge: ["hedges", "won", "refused"],
  rateLimiter: ["granted", "rejected"],
  throttle: ["throttled"],
  concurrencyLimiter: ["rejected"],
  cache: [
    "hits",
    "misses",
    "joined",
    "staleWhileRevalidate",
    "staleWhileError",
    "negativeHits",
    "loads",
    "loadFailures",
    "evictions",
  ],
  negativeCache: ["answered", "joined", "loads", "evictions"],
  degradableService: ["fullCalls", "fullFailures", "degradedCalls", "degradedFailures"],
};

function sorted(kind: string, numbers: object): Pick<PolicyReading, "counts" | "gauges"> {
  const rising = risingNames[kind] ?? [];
  const entries = Object.entries(numbers).filter(([, value]) => typeof value === "number") as [string, number][];
  return {
    counts: Object.fromEntries(entries.filter(([name]) => rising.includes(name))),
    gauges: Object.fromEntries(entries.filter(([name]) => !rising.includes(name))),
  };
}
