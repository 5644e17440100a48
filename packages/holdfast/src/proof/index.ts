export { casRegister, keyValue, models, register, type CellOptions } from "./cell-models.ts";
export type { PartialOrder, Violation } from "./explanation.ts";
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
export { checkLinearizable, type LinearizabilityOptions, type LinearizabilityResult } from "./linearizability.ts";
export { impossible, type Model, type ModelRun, type Transition } from "./model.ts";
