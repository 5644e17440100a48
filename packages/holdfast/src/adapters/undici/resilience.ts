import type { Dispatcher } from "undici";
import type { Policy } from "../../resilience/index.ts";
import { checkStreamOptions, type HttpStreamOptions } from "../http-client/index.ts";
import { DispatchCall } from "./dispatch-call.ts";

/** What `dispatcher.compose` takes. */
export type ResilienceInterceptor = Dispatcher.DispatcherComposeInterceptor;

/**
 * An interceptor that gives each request of an undici dispatcher policies: `request`, `stream`, `pipeline` and undici's
 * `fetch` alike. An answer whose status counts as a failure is an `HttpStatusError` for the policies; the caller gets the
 * last answer, or the error with `throwOnFailure`.
 *
 * Only the answer that is taken is passed on, as a stream with its backpressure; of others the body is dropped. Only
 * requests that are idempotent (by method, by an `Idempotency-Key`, or as undici's option `idempotent` says), and whose
 * body can be read again, are sent more than once. Upgrades and CONNECT pass by.
 *
 * @throws InvalidArgumentError for anything that is no policy, and options that break their rules
 * @example
 * const agent = new Agent().compose(resilience(pipeline(retry(), timeout({ timeoutMs: 2_000 }))));
 * const { statusCode, body } = await request("http://127.0.0.1:8080/", { dispatcher: agent });
 */
export function resilience(policy: Policy<unknown>, options: HttpStreamOptions = {}): ResilienceInterceptor {
  const settings = checkStreamOptions("undici", policy, options);
  return (dispatch) => (request, handler) => {
    const upgrades = request.method === "CONNECT" || Boolean(request.upgrade);
    // undici itself refuses handlers of its former versions, with a message that says so.
    if (upgrades || typeof handler.onRequestStart !== "function") return dispatch(request, handler);
    void new DispatchCall(dispatch, request, handler, settings).run(policy);
    return true;
  };
}
