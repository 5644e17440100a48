export {
  chaosKinds,
  defaultChaosDurations,
  defaultChaosRates,
  type ChaosKind,
  type ChaosOptions,
} from "./chaos/chaos-options.ts";
export { chaosPlan, type ChaosPlan, type WithheldFault } from "./chaos/chaos-plan.ts";
export { checkFaults, faultTypes, parseFaults } from "./check-faults.ts";
export type { PartialOrder, Violation } from "./explanation.ts";
export { checkScenario } from "./drill/check-scenario.ts";
export type {
  DrillEvent,
  DrillFault,
  DrillMeasures,
  DrillPhase,
  DrillReport,
  DrillSeries,
  PhaseResult,
} from "./drill/drill-report.ts";
export { checkRules, type RuleResult } from "./drill/drill-rule.ts";
export {
  defaultDrillLoad,
  defaultDrillTimeouts,
  type DrillFaultPlan,
  type DrillLoad,
  type DrillScenario,
  type DrillTimeouts,
} from "./drill/drill-scenario.ts";
export type { DrillStage, StageContext, StageFault, StageFaultRecord, StageLoad } from "./drill/drill-stage.ts";
export { worstVerdict, type DrillVerdict } from "./drill/drill-verdict.ts";
export { drillHtml } from "./drill/html-report.ts";
export { drillJUnit } from "./drill/junit-report.ts";
export { runDrill, type RunDrillOptions } from "./drill/run-drill.ts";
export { falsePeerMessage } from "./false-peer-message.ts";
export { describeFault, drawSchedule, type FaultDescription, type FaultSchedule } from "./fault-schedule.ts";
export type { FaultTarget, FaultTargets, Selector } from "./fault-targets.ts";
export type {
  Byzantine,
  Clog,
  ClockDrift,
  ClockSkew,
  ClockStop,
  CorruptDisk,
  Crash,
  Delay,
  Duplication,
  FailingSync,
  FailStop,
  Fault,
  FaultKind,
  FaultModel,
  FaultType,
  FullDisk,
  Loss,
  Partition,
  Reordering,
  Reset,
  Slow,
  SlowDisk,
  Targets,
} from "./fault.ts";
export { parseEdn } from "./formats/edn-reader.ts";
export { historyFormats, type HistoryFormat } from "./formats/history-format.ts";
export type { IgnoredEvents } from "./formats/history-source.ts";
export {
  defaultReadHistoryOptions,
  readHistory,
  type HistoryFile,
  type ReadHistoryOptions,
} from "./formats/read-history.ts";
export { checkBank, type BankCheck, type BankCheckOptions, type BankViolation } from "./guarantees/check-bank.ts";
export {
  checkSession,
  type SessionCheck,
  type SessionCheckOptions,
  type SessionViolation,
} from "./guarantees/check-session.ts";
export { checkSet, type SetCheck, type SetCheckOptions } from "./guarantees/check-set.ts";
export {
  compareReplicas,
  type ComparedItem,
  type CompareReplicasOptions,
  type ReplicaComparison,
  type ReplicaReader,
} from "./guarantees/compare-replicas.ts";
export type { ReplicaAnswer, ReplicaEquality, ReplicaItem, ReplicaVerdict } from "./guarantees/replica-verdict.ts";
export type { SessionGuarantee } from "./guarantees/session-claims.ts";
export { HistoryError } from "./history-error.ts";
export {
  historyRecorder,
  type HistoryRecorder,
  type HistoryRecorderOptions,
  type Invocation,
  type PendingOperation,
  type RecordedProcess,
} from "./history-recorder.ts";
export {
  formatHistory,
  pairOperations,
  parseHistory,
  type EventType,
  type HistoryEvent,
  type Operation,
} from "./history.ts";
export { injectFaults, type Injection } from "./inject-faults.ts";
export { checkLinearizable, type LinearizabilityOptions, type LinearizabilityResult } from "./linearizability.ts";
export { DatagramShaper, type DatagramShaperOptions } from "./live/datagram-shaper.ts";
export { diskFaultJournal, type DiskFaultJournalOptions } from "./live/disk-fault-journal.ts";
export type { FaultJournal, JournalEntry } from "./live/fault-journal.ts";
export {
  defaultFaultRegistryOptions,
  faultRegistry,
  type FaultCounts,
  type FaultRegistry,
  type FaultRegistryOptions,
  type HealReport,
} from "./live/fault-registry.ts";
export { LiveFaultError, type LiveFaultErrorCode } from "./live/live-fault-error.ts";
export type {
  FaultOrder,
  FaultParameters,
  LiveFault,
  LiveFaultRequest,
  LiveFaultState,
  LiveTarget,
  RemovalReason,
} from "./live/live-fault.ts";
export {
  runLiveSchedule,
  type LiveFaultDescription,
  type LiveInjection,
  type LiveInjectionReport,
  type LiveScheduleOptions,
} from "./live/live-schedule.ts";
export {
  checkNetworkFault,
  networkFault,
  networkFaultKinds,
  type Direction,
  type NetworkFault,
  type NetworkFaultKind,
} from "./live/network-fault.ts";
export { StreamShaper, type StreamShaperOptions, type StreamSink } from "./live/stream-shaper.ts";
export { StruckConnection, type DirectionFault, type ProxyFault } from "./live/struck-connection.ts";
export type { ArrivalSpacing, RateStage } from "./load/arrivals.ts";
export {
  checkExpectations,
  loadMeasureNames,
  loadMeasures,
  parseExpectation,
  type ComparisonOperator,
  type Expectation,
  type ExpectationReport,
  type ExpectationResult,
  type Measures,
} from "./load/expectations.ts";
export { Histogram, type HistogramData, type LatencySummary } from "./load/histogram.ts";
export {
  keyChooser,
  keyDistributions,
  type KeyChooser,
  type KeyChooserOptions,
  type KeyDistribution,
} from "./load/key-distribution.ts";
export { defaultLoadOptions, type LoadCall, type LoadOptions } from "./load/load-options.ts";
export type { LoadFailure, LoadReport, NamedLoad, TimelineEntry } from "./load/load-report.ts";
export { payloadSource, type PayloadSize, type PayloadSource } from "./load/payload.ts";
export {
  defaultRecordLoadOptions,
  recordLoad,
  type PreloadOptions,
  type RecordLoad,
  type RecordLoadOptions,
} from "./load/record-load.ts";
export {
  coordinationRecords,
  type CoordinationRecordsOptions,
  type RecordCall,
  type RecordStore,
} from "./load/record-store.ts";
export { runLoad, startLoad, type LoadRun } from "./load/run-load.ts";
export { ycsbWorkloads, type RecordOperation, type RecordWorkload } from "./load/ycsb-workloads.ts";
export {
  MessageTap,
  type MessageFault,
  type MessageFaultCount,
  type MessageFaults,
  type MessageTapOptions,
} from "./message-tap.ts";
export { impossible, type Model, type ModelRun, type Transition } from "./model.ts";
export { bag } from "./models/bag.ts";
export { casRegister, keyValue, register } from "./models/cell.ts";
export { coordination } from "./models/coordination.ts";
export { counter } from "./models/counter.ts";
export { keyValueAppend } from "./models/kv-append.ts";
export type { ModelOptions } from "./models/model-options.ts";
export { multiRegister } from "./models/multi-register.ts";
export { fencedMutex, mutex } from "./models/mutex.ts";
export {
  nondeterministic,
  type NondeterministicModel,
  type NondeterministicRun,
  type NondeterministicTransition,
} from "./models/nondeterministic.ts";
export { queue } from "./models/queue.ts";
export { models, type ModelName } from "./models/registry.ts";
export { set } from "./models/set.ts";
export {
  defaultShortestFailingOptions,
  shortestFailing,
  type ShortestFailing,
  type ShortestFailingOptions,
} from "./shortest-failing.ts";
export { tappedNetwork, turnBit, type TappedNetworkOptions } from "./tapped-network.ts";
export { tappedTransport, type TappedTransportOptions } from "./tapped-transport.ts";
export type { Anomaly } from "./transactions/anomaly.ts";
export {
  checkTransactions,
  type TransactionCheck,
  type TransactionCheckOptions,
} from "./transactions/check-transactions.ts";
export { isolationLevels, type AnomalyName, type IsolationLevel } from "./transactions/isolation-level.ts";
export type { MicroOperation, TransactionKind } from "./transactions/micro-operation.ts";
export type { OutsideOrder } from "./transactions/outside-orders.ts";
