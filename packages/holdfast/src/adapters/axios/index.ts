export { failureStatuses, httpClientDefaults, HttpStatusError, RequestNotRepeatedError } from "../http-client/index.ts";
export type { FailureStatuses, HttpClientOptions, ResponseHeaders } from "../http-client/index.ts";
export { attachResilience } from "./attach-resilience.ts";
export { attachTracing } from "./attach-tracing.ts";
