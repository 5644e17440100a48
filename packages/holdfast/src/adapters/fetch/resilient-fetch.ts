import { InvalidArgumentError } from "../../errors/index.ts";
import type { Policy } from "../../resilience/index.ts";
import { checkStreamOptions, type HttpStreamOptions } from "../http-client/index.ts";
import { FetchCall } from "./fetch-call.ts";
import { RequestSource, type ResilientRequestInit } from "./request-source.ts";

/** The part of `fetch` that is used: the platform's, undici's, or any other's. */
export type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

/** `fetch`, protected. `Fallback` is what the policy may answer besides a response. */
export type ResilientFetch<Fallback = never> = (
  input: string | URL | Request,
  init?: ResilientRequestInit,
) => Promise<Response | Fallback>;

export interface ResilientFetchOptions extends HttpStreamOptions {
  /** What sends the requests. Default the platform's `fetch`, as it is at each call. */
  readonly fetch?: Fetch;
}

/**
 * Gives `fetch` policies: each attempt runs through them, and an answer whose status counts as a failure is an
 * `HttpStatusError` for them. The caller gets the last answer, its body unread, as from `fetch` itself; or the error, with
 * `throwOnFailure`.
 *
 * Only requests that are idempotent by their method or an `Idempotency-Key`, and whose body can be read again, are sent
 * more than once. The caller's signal wins over everything, and also ends the body; a timeout ends with the headers.
 *
 * @throws InvalidArgumentError for anything that is no policy, and options that break their rules
 * @example
 * const get = resilientFetch(pipeline(retry({ maxAttempts: 3 }), timeout({ timeoutMs: 2_000 })));
 * const response = await get("http://127.0.0.1:8080/");
 */
export function resilientFetch<Fallback = never>(
  policy: Policy<Fallback>,
  options: ResilientFetchOptions = {},
): ResilientFetch<Fallback> {
  const settings = checkStreamOptions("fetch", policy, options, ["fetch"]);
  const given = options.fetch;
  if (given !== undefined && typeof given !== "function") {
    throw new InvalidArgumentError("fetch.fetch", "must be a function", given);
  }
  return async (input, init = {}) => {
    const send: Fetch = given ?? fetch;
    const source = await RequestSource.open(input, init, settings);
    return new FetchCall(source, send, settings).run(policy);
  };
}
