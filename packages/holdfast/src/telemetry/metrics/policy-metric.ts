import type { PolicyNumbers } from "./record-policies.ts";

/** A metric that is read from policies of some kinds. */
export interface PolicyMetric {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge";
  readonly kinds: readonly string[];
  /** Default: `policy` alone. */
  readonly labels?: readonly string[];
  /** The values with those of the labels after `policy`. */
  readonly values: (policy: PolicyNumbers) => readonly (readonly [value: number | undefined, ...labels: string[]])[];
}

type Values = PolicyMetric["values"];

const count =
  (name: string): Values =>
  ({ counts }) => [[counts[name]]];
const gauge =
  (name: string): Values =>
  ({ gauges }) => [[gauges[name]]];

type Rows = Readonly<Record<string, readonly [field: string, help: string]>>;

/** A metric per row, all of the same kinds of policies. */
function metricsOf(type: "counter" | "gauge", prefix: string, kinds: readonly string[], rows: Rows): PolicyMetric[] {
  const values = type === "counter" ? count : gauge;
  return Object.entries(rows).map(([name, [field, help]]) => ({
    name: `recovery_${prefix}_${name}`,
    help,
    type,
    kinds,
    values: values(field),
  }));
}

/** As numbers, for graphs and alerts: whatever lets all calls through is 0, whatever lets none through is 1. */
const breakerStates: Readonly<Record<string, number>> = {
  closed: 0,
  open: 1,
  halfOpen: 2,
  rampUp: 2,
  forcedOpen: 1,
  disabled: 0,
  metricsOnly: 0,
};

const modes = ["normal", "partial", "full"] as const;

const breaker = ["circuitBreaker"];
const timeouts = ["timeout", "adaptiveTimeout", "tieredTimeout"];
const fallbacks = ["fallback", "fallbackChain"];

/** Every metric that is read from policies. */
export const policyMetrics: readonly PolicyMetric[] = [
  ...metricsOf("counter", "retry", ["retry"], {
    attempts_total: ["retries", "Tries beyond the first."],
    success_total: ["recovered", "Calls that succeeded after further tries."],
    failure_total: ["exhausted", "Calls that failed in every try they were given."],
  }),
  {
    name: "recovery_circuit_breaker_state",
    help: "0: lets calls through, 1: turns them away, 2: lets some through.",
    type: "gauge",
    kinds: breaker,
    values: ({ state }) => [[breakerStates[state ?? ""]]],
  },
  {
    name: "recovery_circuit_breaker_forced",
    help: "1 when somebody has set the state by hand.",
    type: "gauge",
    kinds: breaker,
    values: ({ state }) => [[["forcedOpen", "disabled", "metricsOnly"].includes(state ?? "") ? 1 : 0]],
  },
  ...metricsOf("counter", "circuit_breaker", breaker, {
    failures_total: ["failures", "Calls that counted as failures."],
    successes_total: ["successes", "Calls that counted as successes."],
    slow_calls_total: ["slow", "Calls that took too long, whether they succeeded or not."],
    rejections_total: ["rejected", "Calls that were turned away."],
    state_changes_total: ["stateChanges", "Changes of the state."],
  }),
  ...metricsOf("gauge", "circuit_breaker", breaker, {
    failure_rate: ["failureRate", "Failed of the calls that it decides on, 0..1."],
    slow_rate: ["slowRate", "Slow of the calls that it decides on, 0..1."],
  }),
  ...metricsOf("counter", "timeout", timeouts, {
    events_total: ["timedOut", "Tries that took too long."],
  }),
  ...metricsOf("gauge", "timeout", ["timeout", "adaptiveTimeout"], {
    abandoned_calls: ["abandoned", "Calls that were given up and are still under way."],
  }),
  {
    name: "recovery_timeout_limit_seconds",
    help: "The limit that an adaptive timeout has found.",
    type: "gauge",
    kinds: ["adaptiveTimeout"],
    values: ({ gauges: { limitMs } }) => [[limitMs === undefined ? undefined : limitMs / 1_000]],
  },
  {
    name: "recovery_bulkhead_rejections_total",
    help: "Calls turned away: the queue was full, or they had waited as long as they may.",
    type: "counter",
    kinds: ["bulkhead"],
    labels: ["policy", "reason"],
    values: ({ counts: { rejected, waitTimeouts } }) => [
      [rejected, "full"],
      [waitTimeouts, "waited"],
    ],
  },
  ...metricsOf("gauge", "bulkhead", ["bulkhead"], {
    active_connections: ["active", "Calls under way."],
    queue_size: ["waiting", "Calls that wait."],
    free_permits: ["free", "Calls that could begin at once."],
  }),
  ...metricsOf("counter", "rate_limiter", ["rateLimiter"], {
    granted_total: ["granted", "Permits given."],
    rejections_total: ["rejected", "Calls turned away."],
  }),
  ...metricsOf("gauge", "rate_limiter", ["rateLimiter"], {
    queue_size: ["waiting", "Calls that wait for their turn."],
    keys: ["keys", "Keys remembered."],
  }),
  ...metricsOf("counter", "throttle", ["throttle"], { rejections_total: ["throttled", "Calls held back."] }),
  ...metricsOf("gauge", "throttle", ["throttle"], {
    reject_probability: ["rejectProbability", "With which the next call is held back, 0..1."],
  }),
  ...metricsOf("counter", "concurrency_limiter", ["concurrencyLimiter"], {
    rejections_total: ["rejected", "Calls turned away."],
  }),
  ...metricsOf("gauge", "concurrency_limiter", ["concurrencyLimiter"], {
    limit: ["limit", "The limit that it has found."],
    active_connections: ["inFlight", "Calls under way."],
  }),
  ...metricsOf("counter", "hedge", ["hedge"], {
    attempts_total: ["hedges", "Attempts started beside a slow one."],
    wins_total: ["won", "Calls that a hedge ended."],
    refusals_total: ["refused", "Hedges that the budget refused."],
  }),
  ...metricsOf("counter", "fallback", fallbacks, {
    answers_total: ["used", "Failures that a fallback answered."],
    failures_total: ["failed", "Failures that no fallback had an answer to."],
  }),
  ...metricsOf("counter", "cache", ["cache"], {
    hits_total: ["hits", "Answers with a fresh value."],
    misses_total: ["misses", "Calls that waited for a load."],
    load_failures_total: ["loadFailures", "Loads that failed."],
    evictions_total: ["evictions", "Entries that gave way to others."],
  }),
  {
    name: "recovery_cache_stale_answers_total",
    help: "Answers with an old value: while a new one was loaded, or because loading failed.",
    type: "counter",
    kinds: ["cache"],
    labels: ["policy", "because"],
    values: ({ counts: { staleWhileRevalidate, staleWhileError } }) => [
      [staleWhileRevalidate, "revalidating"],
      [staleWhileError, "error"],
    ],
  },
  ...metricsOf("gauge", "cache", ["cache"], { entries: ["entries", "Entries kept."] }),
  ...metricsOf("counter", "negative_cache", ["negativeCache"], {
    answers_total: ["answered", "Calls answered with a failure that is remembered."],
  }),
  ...metricsOf("counter", "degradation", ["degradation"], { events_total: ["modeChanges", "Changes of the mode."] }),
  {
    name: "recovery_degradation_mode",
    help: "1 for the mode in force.",
    type: "gauge",
    kinds: ["degradation"],
    labels: ["policy", "mode"],
    values: ({ state }) => modes.map((mode) => [state === mode ? 1 : 0, mode] as const),
  },
  {
    name: "recovery_degradation_mode_duration_seconds",
    help: "How long each mode was in force, altogether.",
    type: "counter",
    kinds: ["degradation"],
    labels: ["policy", "mode"],
    values: ({ counts }) => modes.map((mode) => [(counts[`${mode}Ms`] ?? 0) / 1_000, mode] as const),
  },
  {
    name: "recovery_degradation_success_rate",
    help: "Succeeded of a service's degraded calls, 0..1; not there before the first.",
    type: "gauge",
    kinds: ["degradableService"],
    values: ({ counts: { degradedCalls = 0, degradedFailures = 0 } }) => [
      [degradedCalls === 0 ? undefined : 1 - degradedFailures / degradedCalls],
    ],
  },
  {
    name: "recovery_degradation_active",
    help: "1 while a service counts as degraded.",
    type: "gauge",
    kinds: ["degradableService"],
    values: ({ state }) => [[state === "degraded" ? 1 : 0]],
  },
];
