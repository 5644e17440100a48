export type { ConsensusFact, LeaderChanged, LogTruncated, QuorumLost, RoleChanged } from "./consensus-fact.ts";
export type { FaultFact, FaultInjected, FaultRemoved } from "./fault-fact.ts";
export { channelName, eventRooms, eventTypes } from "./event.ts";
export type { EventOf, EventRoom, EventStamp, TelemetryEvent, TelemetryEventType, TelemetryFact } from "./event.ts";
export { defaultEventRecorderOptions, recordEvents } from "./event-recorder.ts";
export type { EventRecorder, EventRecorderOptions, RecordedEvents } from "./event-recorder.ts";
export type {
  MemberCleared,
  MemberFailed,
  MemberForgotten,
  MemberJoined,
  MemberLeft,
  MemberReturned,
  MembershipFact,
  MemberSuspect,
  MemberUpdated,
  NameConflict,
  SelfRefuted,
  SelfStalled,
} from "./membership-fact.ts";
export type { RequestFact } from "./request-fact.ts";
export { createTelemetry } from "./telemetry.ts";
export type { EventChannel, EventFilter, Telemetry, TelemetryMetrics, TelemetryOptions } from "./telemetry.ts";
export type { ClusterView, LinkView, MemberLiveness, MemberView, QuorumView } from "./view/cluster-view.ts";
export type {
  FaultKindView,
  FaultTargetView,
  HelloMessage,
  IdentifiedEvent,
  LiveMessage,
  LiveRecording,
} from "./view/live-message.ts";
export type { ErrorGroupView, HealthState, HealthView, PolicyView, ServiceReport } from "./view/service-report.ts";
export type { DrillView, FaultView, PlanView } from "./view/work-view.ts";
