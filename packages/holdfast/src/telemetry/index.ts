export type {
  ConsensusFact,
  DiskRecovered,
  DiskStalled,
  LeaderChanged,
  LogTruncated,
  QuorumLost,
  RoleChanged,
} from "./consensus-fact.ts";
export type { DrillEnded, DrillFact, DrillPhaseBegan, DrillStarted } from "./drill-fact.ts";
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
export type { CertificateExpiring, CertificateFact, CertificateRenewed } from "./certificate-fact.ts";
export type { CompactionFact, HistoryCompacted } from "./compaction-fact.ts";
export type {
  ClusterRestored,
  ClusterWeakened,
  HealingEnded,
  HealingFact,
  HealingPersonWanted,
  HealingStarted,
  HealingWithheld,
} from "./healing-fact.ts";
export type { CallObserver, CallOutcome } from "./service/call-window.ts";
export { instrumentServiceDefaults } from "./service/instrument-options.ts";
export type { InstrumentServiceOptions } from "./service/instrument-options.ts";
export { instrumentService } from "./service/instrument-service.ts";
export type { InstrumentedService } from "./service/instrument-service.ts";
export type { InstrumentedPolicy } from "./service/policy-rates.ts";
export type { PostReport, ReportMetrics } from "./service/report-sender.ts";
export { createTelemetry } from "./telemetry.ts";
export type { EventChannel, EventFilter, Telemetry, TelemetryMetrics, TelemetryOptions } from "./telemetry.ts";
export type { ClusterView, LinkView, MemberLiveness, MemberView, QuorumView } from "./view/cluster-view.ts";
export type {
  FaultKindView,
  FaultTargetView,
  HelloMessage,
  HistoryMessage,
  IdentifiedEvent,
  LiveMessage,
  LiveRecording,
  PolicyHistoryView,
} from "./view/live-message.ts";
export { renderRecording } from "./view/recording-page.ts";
export type {
  AbsentInstance,
  ErrorGroupView,
  HealthState,
  HealthView,
  PolicyView,
  RefusedReports,
  ServiceReport,
} from "./view/service-report.ts";
export type { DrillView, FaultView, PlanView } from "./view/work-view.ts";
export type {
  AttemptFact,
  ErrorHandled,
  HedgeRefused,
  HedgeWon,
  Hedged,
  LateOutcome,
  Recovered,
  RetriesExhausted,
  Retrying,
  TierExhausted,
  TierTimedOut,
  TimedOut,
} from "./attempt-fact.ts";
export type {
  BreakerClosed,
  BreakerDisabled,
  BreakerFact,
  BreakerForcedOpen,
  BreakerHalfOpened,
  BreakerMetricsOnly,
  BreakerOpened,
  BreakerRampUpStarted,
  BreakerRejected,
} from "./breaker-fact.ts";
export type {
  BulkheadQueued,
  BulkheadRejected,
  BulkheadWaitTimeout,
  ConcurrencyLimitChanged,
  ConcurrencyLimited,
  LimitFact,
  RateLimitRejected,
  RateLimitWaiting,
  Throttled,
} from "./limit-fact.ts";
export type {
  CacheHit,
  CacheLoadFailed,
  CacheMiss,
  CacheNegativeHit,
  CacheStale,
  DegradationModeChanged,
  FailureAnswered,
  FailureKept,
  FailureOver,
  FallbackFact,
  FallbackFailed,
  FallbackUsed,
  ServiceDegraded,
  ServiceRecovered,
} from "./fallback-fact.ts";
export type { NoAgreement, NodeFailed, NodeReturned, Promoted, RedundancyFact, Suspected } from "./redundancy-fact.ts";
export type {
  ApprovalGiven,
  ApprovalWanted,
  CancelIgnored,
  ExecutionCancelled,
  ExecutionCompleted,
  ExecutionFailed,
  ExecutionStarted,
  ExecutionStopping,
  PlanFact,
  RollbackCompleted,
  RollbackFailed,
  RollbackStarted,
  StepCancelled,
  StepCompleted,
  StepFailed,
  StepStarted,
  StepTimedOut,
  TakenOver,
  UndoCompleted,
  UndoFailed,
  UndoStarted,
} from "./plan-fact.ts";
export type { PersonWanted, RecoveryDecided, RecoveryFact, TargetRecovered } from "./recovery-fact.ts";
export type {
  DegradationFact,
  FeatureRestored,
  FeatureShed,
  OverallModeChanged,
  ServiceModeChanged,
} from "./degradation-fact.ts";
export type { ComponentHealthChanged, HealthChanged, HealthFact } from "./health-fact.ts";
export { telemetryListener } from "./listener.ts";
export type { ListenedEvent, TelemetryListener } from "./listener.ts";
export type { ToldError } from "./told-error.ts";
export { createMetrics, metricsDefaults } from "./metrics/create-metrics.ts";
export type { Metrics, MetricsOptions, ReadMetricOptions, SpanIds } from "./metrics/create-metrics.ts";
export { durationBuckets } from "./metrics/metric.ts";
export type {
  Counter,
  Exemplar,
  Gauge,
  Histogram,
  HistogramOptions,
  HistogramValue,
  LabelValues,
  Metric,
  MetricOptions,
  MetricView,
  SeriesReading,
} from "./metrics/metric.ts";
export { callMetrics } from "./metrics/call-metrics.ts";
export type { CallMetrics, CallMetricsOptions } from "./metrics/call-metrics.ts";
export { followServer, httpMetrics, httpMetricsDefaults } from "./metrics/http-metrics.ts";
export type {
  EndedRequest,
  FollowedRequest,
  FollowedServer,
  FollowServerOptions,
  HttpMetrics,
  HttpMetricsOptions,
} from "./metrics/http-metrics.ts";
export { prometheusValues } from "./metrics/prometheus-values.ts";
export type { PrometheusValue } from "./metrics/prometheus-values.ts";
export { recordPolicies } from "./metrics/record-policies.ts";
export type { PolicyNumbers } from "./metrics/record-policies.ts";
export { recordHealth } from "./metrics/record-health.ts";
export { recordLogs } from "./metrics/record-logs.ts";
export type { CountedSink, RecordLogsOptions } from "./metrics/record-logs.ts";
export { recordTelemetry, recordTelemetryDefaults } from "./metrics/record-telemetry.ts";
export type { RecordTelemetryOptions } from "./metrics/record-telemetry.ts";
export { healthAnswer, healthPaths } from "./health/health-answer.ts";
export type { HealthAnswer, HealthPath } from "./health/health-answer.ts";
export { createHealth } from "./health/health.ts";
export type { Drained, DrainOptions, Health } from "./health/health.ts";
export { healthDefaults } from "./health/health-options.ts";
export type {
  CheckAnswer,
  ComponentOptions,
  HealthCheck,
  HealthEvent,
  HealthOptions,
} from "./health/health-options.ts";
export { batchSink, batchSinkDefaults } from "./logs/batch-sink.ts";
export type { BatchSink, BatchSinkMetrics, BatchSinkOptions, SendOutcome } from "./logs/batch-sink.ts";
export { httpSink } from "./logs/http-sink.ts";
export type { HttpSinkOptions, LogFetch } from "./logs/http-sink.ts";
export { gravityOf, logLevels, logLine } from "./logs/log-entry.ts";
export type { LogEntry, LoggedError, LogLevel, LogValue } from "./logs/log-entry.ts";
export type { LogSink } from "./logs/log-sink.ts";
export { createLogger } from "./logs/logger.ts";
export type { Logger, LoggerMetrics, LoggerOptions } from "./logs/logger.ts";
export { prettyLine } from "./logs/pretty-line.ts";
export type { LogStyle } from "./logs/pretty-line.ts";
export { redactionDefaults } from "./logs/redaction.ts";
export type { RedactionOptions } from "./logs/redaction.ts";
export { batchSpanSink, batchSpanSinkDefaults } from "./traces/batch-span-sink.ts";
export type { BatchSpanSink, BatchSpanSinkOptions } from "./traces/batch-span-sink.ts";
export { otlpSpanSink } from "./traces/otlp-span-sink.ts";
export type { OtlpSpanSinkOptions } from "./traces/otlp-span-sink.ts";
export { extractTrace, injectTrace } from "./traces/message-headers.ts";
export type { HeaderTable, MessageHeaders } from "./traces/message-headers.ts";
export { processInSpan, sendInSpan } from "./traces/message-spans.ts";
export type { ProcessSpanOptions, SendSpanOptions } from "./traces/message-spans.ts";
export { planSpans } from "./traces/plan-spans.ts";
export type { PlanSpans } from "./traces/plan-spans.ts";
export { alwaysSample, neverSample, sampleByParent, sampleRatio } from "./traces/sampler.ts";
export type { ParentSamplerOptions, Sampler, SamplingRequest } from "./traces/sampler.ts";
export type { SpanSink } from "./traces/span-sink.ts";
export { spanKinds } from "./traces/span.ts";
export type {
  Attributes,
  AttributeValue,
  FinishedSpan,
  KeptAttributes,
  Span,
  SpanEvent,
  SpanKind,
  SpanLimits,
  SpanLink,
  SpanStatus,
} from "./traces/span.ts";
export { formatTraceparent, parseTraceContext, traceHeaders } from "./traces/trace-context.ts";
export type { TraceContext } from "./traces/trace-context.ts";
export { readTraceState, traceStateValue, withTraceState } from "./traces/trace-state.ts";
export { checkTracer, createTracer, runInSpan, tracerDefaults } from "./traces/tracer.ts";
export type { SinkTracer, SpanOptions, Tracer, TracerMetrics, TracerOptions } from "./traces/tracer.ts";
export type { BatchMetrics, BatchRules } from "./batch-queue.ts";
