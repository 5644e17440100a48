import { eventRooms, type EventOf, type TelemetryEventType } from "../event.ts";
import type { Telemetry } from "../telemetry.ts";
import type { Metrics } from "./create-metrics.ts";

export interface RecordTelemetryOptions {
  /**
   * Events that nothing is recorded of. Default: those of single calls, of which there are too many to make an event for
   * each, and whose numbers `recordPolicies` has without any.
   */
  readonly except?: readonly TelemetryEventType[];
}

export const recordTelemetryDefaults: { readonly except: readonly TelemetryEventType[] } = {
  except: [
    "request",
    "retry",
    "lateOutcome",
    "breakerRejected",
    "bulkheadQueued",
    "bulkheadRejected",
    "bulkheadWaitTimeout",
    "rateLimitRejected",
    "rateLimitWaiting",
    "throttled",
    "concurrencyLimited",
    "hedged",
    "hedgeRefused",
    "hedgeWon",
    "fallbackUsed",
    "cacheHit",
    "cacheMiss",
    "cacheNegativeHit",
    "cacheStale",
    "failureAnswered",
  ],
};

/**
 * Metrics of what a telemetry tells: how often which event happened, and what can be said of some of them, such as how
 * long calls were retried. Returns what ends it; the metrics stay as they are then.
 *
 * @throws InvalidArgumentError for a type that does not exist
 * @example
 * const stop = recordTelemetry(metrics, telemetry);
 */
export function recordTelemetry(
  metrics: Metrics,
  telemetry: Telemetry,
  options: RecordTelemetryOptions = {},
): () => void {
  const { except = recordTelemetryDefaults.except } = options;
  const types = (Object.keys(eventRooms) as TelemetryEventType[]).filter((type) => !except.includes(type));
  const counts = metrics.counter({
    name: "telemetry_events_total",
    help: "What has happened, by the type of the event and the room that tells of it.",
    labels: ["room", "type"],
  });
  const stops = types.map((type) => {
    // Bound once: an event looks nothing up.
    const series = counts.with({ room: eventRooms[type], type });
    return telemetry.subscribe(() => series.add(), { types: [type] });
  });
  const on = <Type extends TelemetryEventType>(type: Type, listener: (event: EventOf<Type>) => void): void => {
    if (types.includes(type)) stops.push(telemetry.subscribe(listener, { types: [type] }));
  };
  recordBus(metrics, telemetry);
  recordAttempts(metrics, on);
  recordConsensus(metrics, on);
  recordFaults(metrics, on);
  return () => {
    for (const stop of stops) stop();
  };
}

const maxFaults = 10_000;

/** Whose numbers are added up: metrics may be of several telemetries. */
const sources = new WeakMap<Metrics, Set<Telemetry>>();

function recordBus(metrics: Metrics, telemetry: Telemetry): void {
  const known = sources.get(metrics);
  if (known !== undefined) {
    known.add(telemetry);
    return;
  }
  const all = new Set([telemetry]);
  sources.set(metrics, all);
  metrics.readFrom({
    name: "telemetry_events_faulty_total",
    help: "Events that nobody was told of (dropped, refused), and those that were too large (shortened).",
    type: "counter",
    labels: ["outcome"],
    read(tell) {
      for (const { metrics: own } of all) {
        for (const outcome of ["dropped", "refused", "shortened"] as const) tell(own[outcome], outcome);
      }
    },
  });
  metrics.readFrom({
    name: "telemetry_listener_failures_total",
    help: "How often a listener threw.",
    type: "counter",
    read(tell) {
      for (const { metrics: own } of all) tell(own.listenerFailures);
    },
  });
}

type On = <Type extends TelemetryEventType>(type: Type, listener: (event: EventOf<Type>) => void) => void;

function recordAttempts(metrics: Metrics, on: On): void {
  const latency = metrics.histogram({
    name: "recovery_retry_latency_seconds",
    help: "What retrying added to a call: from the end of its first try to its own end.",
    labels: ["policy", "outcome"],
  });
  on("recovered", ({ policy, retryingMs }) => {
    latency.with({ policy, outcome: "succeeded" }).record(retryingMs / 1_000);
  });
  on("retriesExhausted", ({ policy, retryingMs }) => {
    latency.with({ policy, outcome: "failed" }).record(retryingMs / 1_000);
  });
  const timeouts = metrics.histogram({
    name: "recovery_timeout_duration_seconds",
    help: "How long calls that took too long were given.",
    labels: ["policy"],
  });
  on("timedOut", ({ policy, timeoutMs }) => timeouts.with({ policy }).record(timeoutMs / 1_000));
  on("tierTimedOut", ({ policy, timeoutMs }) => timeouts.with({ policy }).record(timeoutMs / 1_000));
}

function recordConsensus(metrics: Metrics, on: On): void {
  const leaders = metrics
    .counter({ name: "raft_leader_changes_total", help: "How often another leader was followed." })
    .with();
  const elections = metrics
    .counter({ name: "raft_elections_total", help: "How often this node stood for election." })
    .with();
  const losses = metrics
    .counter({ name: "raft_quorum_losses_total", help: "How often this node led and lost its majority." })
    .with();
  const truncated = metrics
    .counter({ name: "raft_truncated_entries_total", help: "Entries, never committed, that gave way to the leader's." })
    .with();
  const stalled = metrics
    .gauge({ name: "raft_disk_stalled", help: "1 while the disk has been at one write for too long." })
    .with();
  on("leaderChanged", ({ leader }) => leader !== null && leaders.add());
  on("roleChanged", ({ role }) => role === "candidate" && elections.add());
  on("quorumLost", () => losses.add());
  on("logTruncated", ({ from, to }) => truncated.add(Math.max(0, to - from + 1)));
  on("diskStalled", () => stalled.set(1));
  on("diskRecovered", () => stalled.set(0));
}

function recordFaults(metrics: Metrics, on: On): void {
  const active = metrics.gauge({
    name: "proof_faults_active",
    help: "Faults in effect that somebody has injected.",
    labels: ["kind"],
  });
  // One that was injected by an earlier process ends here without having begun.
  const known = new Map<string, string>();
  on("faultInjected", ({ fault, kind }) => {
    if (known.has(fault) || known.size >= maxFaults) return;
    known.set(fault, kind);
    active.with({ kind }).add(1);
  });
  on("faultRemoved", ({ fault }) => {
    const kind = known.get(fault);
    if (kind === undefined) return;
    known.delete(fault);
    active.with({ kind }).add(-1);
  });
}
