export { failureStatuses, HttpStatusError, httpStreamDefaults, RequestNotRepeatedError } from "../http-client/index.ts";
export type { FailureStatuses, HttpStreamOptions, ResponseHeaders } from "../http-client/index.ts";
export { NoAnswerError } from "./no-answer-error.ts";
export { resilience } from "./resilience.ts";
export type { ResilienceInterceptor } from "./resilience.ts";
export { tracing } from "./tracing.ts";
