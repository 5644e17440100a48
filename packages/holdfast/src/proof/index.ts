export { casRegister, keyValue, models, register, type CellOptions } from "./cell-models.ts";
export { checkFaults, faultTypes, parseFaults } from "./check-faults.ts";
export type { PartialOrder, Violation } from "./explanation.ts";
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
export {
  MessageTap,
  type MessageFault,
  type MessageFaultCount,
  type MessageFaults,
  type MessageTapOptions,
} from "./message-tap.ts";
export { impossible, type Model, type ModelRun, type Transition } from "./model.ts";
export { tappedNetwork, turnBit, type TappedNetworkOptions } from "./tapped-network.ts";
export { tappedTransport, type TappedTransportOptions } from "./tapped-transport.ts";
