import type { AttemptFact } from "./attempt-fact.ts";
import type { BreakerFact } from "./breaker-fact.ts";
import type { CertificateFact } from "./certificate-fact.ts";
import type { CompactionFact } from "./compaction-fact.ts";
import type { ConsensusFact } from "./consensus-fact.ts";
import type { DegradationFact } from "./degradation-fact.ts";
import type { DrillFact } from "./drill-fact.ts";
import type { FallbackFact } from "./fallback-fact.ts";
import type { FaultFact } from "./fault-fact.ts";
import type { HealingFact } from "./healing-fact.ts";
import type { HealthFact } from "./health-fact.ts";
import type { LimitFact } from "./limit-fact.ts";
import type { MembershipFact } from "./membership-fact.ts";
import type { PlanFact } from "./plan-fact.ts";
import type { RecoveryFact } from "./recovery-fact.ts";
import type { RedundancyFact } from "./redundancy-fact.ts";
import type { RequestFact } from "./request-fact.ts";

/** What every event carries beside its own fields. */
export interface EventStamp {
  /** Milliseconds since 1970, by the wall clock of the node that noticed. */
  readonly at: number;
  /** The node that noticed. */
  readonly nodeId: string;
  /** 1 for the first event of a telemetry, then one more for each. */
  readonly seq: number;
  /** The trace in which it happened: of a call, a request or a plan, where those are traced. */
  readonly traceId?: string;
}

/** What is published, before it is stamped. */
export type TelemetryFact =
  | MembershipFact
  | ConsensusFact
  | RequestFact
  | CertificateFact
  | CompactionFact
  | FaultFact
  | AttemptFact
  | BreakerFact
  | LimitFact
  | FallbackFact
  | RedundancyFact
  | HealingFact
  | PlanFact
  | RecoveryFact
  | DegradationFact
  | HealthFact
  | DrillFact;

type Stamped<Fact> = Fact extends TelemetryFact ? Fact & EventStamp : never;

/** Everything that happens in a cluster and is told: one union, told apart by `type`. */
export type TelemetryEvent = Stamped<TelemetryFact>;

export type TelemetryEventType = TelemetryFact["type"];

/** The events of some types. */
export type EventOf<Type extends TelemetryEventType> = Extract<TelemetryEvent, { readonly type: Type }>;

/** Which room tells of it. */
export type EventRoom = "membership" | "consensus" | "server" | "proof" | "resilience" | "recovery" | "health";

/** Every type there is, with its room. */
export const eventRooms: Readonly<Record<TelemetryEventType, EventRoom>> = {
  memberJoined: "membership",
  memberReturned: "membership",
  memberSuspect: "membership",
  memberCleared: "membership",
  memberFailed: "membership",
  memberLeft: "membership",
  memberUpdated: "membership",
  memberForgotten: "membership",
  nameConflict: "membership",
  selfRefuted: "membership",
  selfStalled: "membership",
  roleChanged: "consensus",
  leaderChanged: "consensus",
  quorumLost: "consensus",
  logTruncated: "consensus",
  configurationChanged: "consensus",
  diskStalled: "consensus",
  diskRecovered: "consensus",
  request: "server",
  certificateExpiring: "server",
  certificateRenewed: "server",
  historyCompacted: "server",
  faultInjected: "proof",
  faultRemoved: "proof",
  drillStarted: "proof",
  drillPhaseBegan: "proof",
  drillEnded: "proof",
  retry: "resilience",
  recovered: "resilience",
  retriesExhausted: "resilience",
  timedOut: "resilience",
  lateOutcome: "resilience",
  tierTimedOut: "resilience",
  tierExhausted: "resilience",
  hedged: "resilience",
  hedgeRefused: "resilience",
  hedgeWon: "resilience",
  errorHandled: "resilience",
  breakerOpened: "resilience",
  breakerHalfOpened: "resilience",
  breakerRampUpStarted: "resilience",
  breakerClosed: "resilience",
  breakerForcedOpen: "resilience",
  breakerDisabled: "resilience",
  breakerMetricsOnly: "resilience",
  breakerRejected: "resilience",
  bulkheadQueued: "resilience",
  bulkheadRejected: "resilience",
  bulkheadWaitTimeout: "resilience",
  rateLimitRejected: "resilience",
  rateLimitWaiting: "resilience",
  throttled: "resilience",
  concurrencyLimited: "resilience",
  concurrencyLimitChanged: "resilience",
  fallbackUsed: "resilience",
  fallbackFailed: "resilience",
  cacheHit: "resilience",
  cacheMiss: "resilience",
  cacheNegativeHit: "resilience",
  cacheStale: "resilience",
  cacheLoadFailed: "resilience",
  failureKept: "resilience",
  failureAnswered: "resilience",
  failureOver: "resilience",
  degradationModeChanged: "resilience",
  serviceDegraded: "resilience",
  serviceRecovered: "resilience",
  nodeFailed: "recovery",
  nodeReturned: "recovery",
  promoted: "recovery",
  suspected: "recovery",
  noAgreement: "recovery",
  healingStarted: "recovery",
  healingEnded: "recovery",
  healingWithheld: "recovery",
  healingPersonWanted: "recovery",
  clusterWeakened: "recovery",
  clusterRestored: "recovery",
  executionStarted: "recovery",
  takenOver: "recovery",
  stepStarted: "recovery",
  stepCompleted: "recovery",
  stepFailed: "recovery",
  stepTimedOut: "recovery",
  stepCancelled: "recovery",
  approvalWanted: "recovery",
  approvalGiven: "recovery",
  executionStopping: "recovery",
  cancelIgnored: "recovery",
  rollbackStarted: "recovery",
  undoStarted: "recovery",
  undoCompleted: "recovery",
  undoFailed: "recovery",
  rollbackCompleted: "recovery",
  rollbackFailed: "recovery",
  executionCompleted: "recovery",
  executionFailed: "recovery",
  executionCancelled: "recovery",
  recoveryDecided: "recovery",
  targetRecovered: "recovery",
  personWanted: "recovery",
  serviceModeChanged: "recovery",
  overallModeChanged: "recovery",
  featureShed: "recovery",
  featureRestored: "recovery",
  componentHealthChanged: "health",
  healthChanged: "health",
};

/** Rooms that tell what happened to a call. The others speak of nodes, in the time of whichever call happens to run. */
export const tracedRooms: ReadonlySet<EventRoom> = new Set<EventRoom>(["server", "resilience", "recovery"]);

/** Every type there is. */
export const eventTypes: readonly TelemetryEventType[] = Object.keys(eventRooms) as TelemetryEventType[];

/** The name under which Node's `diagnostics_channel` has the events of a type. */
export function channelName(type: TelemetryEventType): string {
  return `holdfast:${eventRooms[type]}:${type}`;
}
