export { pipeline } from "./pipeline.ts";
export type { CallContext, ExecuteOptions, Operation, Policy } from "./policy.ts";
export type { PolicyEvent } from "./policy-event.ts";
export { ResilienceError } from "./resilience-error.ts";
