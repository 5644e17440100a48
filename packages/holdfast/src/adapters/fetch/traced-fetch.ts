import { InvalidArgumentError } from "../../errors/index.ts";
import { checkTracer, traceHeaders, type Tracer } from "../../telemetry/index.ts";
import { endRequestSpan, startRequestSpan } from "../http-client/index.ts";
import type { Fetch } from "./resilient-fetch.ts";

/**
 * `fetch` whose requests carry the trace: each has a span, from when it is sent until the answer's head is there, and the
 * headers `traceparent` and `tracestate`. Given to `resilientFetch`, each try has its own.
 *
 * @throws InvalidArgumentError for what is no tracer, and no function
 * @example
 * const get = resilientFetch(pipeline(retry(), timeout()), { fetch: tracedFetch(tracer) });
 */
export function tracedFetch(tracer: Tracer, options: { readonly fetch?: Fetch } = {}): Fetch {
  checkTracer("tracedFetch.tracer", tracer);
  const { fetch: given } = options;
  if (given !== undefined && typeof given !== "function") {
    throw new InvalidArgumentError("tracedFetch.fetch", "must be a function", given);
  }
  return async (input, init) => {
    const request = typeof input === "object" && "url" in input ? input : undefined;
    const url = request?.url ?? (input as string | URL);
    const span = startRequestSpan(tracer, { method: init?.method ?? request?.method ?? "GET", url });
    const headers = new Headers(init?.headers ?? request?.headers);
    // One of another span may be there, and none of its state is this one's.
    headers.delete("tracestate");
    for (const [name, value] of Object.entries(traceHeaders(span))) headers.set(name, value);
    try {
      const response = await tracer.run(span, () => (given ?? fetch)(input, { ...init, headers }));
      endRequestSpan(span, response.status);
      return response;
    } catch (error) {
      span.fail(error);
      span.end();
      throw error;
    }
  };
}
