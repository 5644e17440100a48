export { failureStatuses, HttpStatusError, httpStreamDefaults, RequestNotRepeatedError } from "../http-client/index.ts";
export type { FailureStatuses, HttpStreamOptions, ResponseHeaders } from "../http-client/index.ts";
export type { RequestBody, ResilientRequestInit } from "./request-source.ts";
export { resilientFetch } from "./resilient-fetch.ts";
export type { Fetch, ResilientFetch, ResilientFetchOptions } from "./resilient-fetch.ts";
export { tracedFetch } from "./traced-fetch.ts";
