export { assertProperty, checkProperty } from "./check-property.ts";
export { checkDeterminism, type TraceDifference } from "./determinism.ts";
export { describeInterruption, type Interruption } from "./interruption.ts";
export type {
  Marks,
  Point,
  PropertyContext,
  Rarely,
  ServiceMain,
  ServiceOptions,
  Sometimes,
} from "./property-context.ts";
export { PropertyError } from "./property-error.ts";
export {
  defaultPointFaults,
  defaultPropertyOptions,
  type PointFaults,
  type PropertyOptions,
  type PropertyWorld,
  type Repetition,
} from "./property-options.ts";
export { describeProperty, repetitionVariables, type PropertyFailure, type PropertyReport } from "./property-report.ts";
export { serve, type RequestHandler } from "./serve.ts";
export { simulatedFetch, type SimulatedFetch } from "./simulated-fetch.ts";
export {
  keyValueClient,
  keyValueService,
  type KeyValueClient,
  type KeyValueServiceOptions,
  type StoredValue,
} from "./key-value-service.ts";
export {
  queueClient,
  queueService,
  type QueueClient,
  type QueuedMessage,
  type QueueServiceOptions,
} from "./queue-service.ts";
export { abortAfter, timersOf, type Timers } from "./timers.ts";
