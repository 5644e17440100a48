import type { Dispatcher } from "undici";
import { checkTracer, traceHeaders, type Span, type Tracer } from "../../telemetry/index.ts";
import { endRequestSpan, startRequestSpan } from "../http-client/index.ts";
import { withHeaders } from "./request-headers.ts";
import type { ResilienceInterceptor } from "./resilience.ts";

type Handler = Required<Dispatcher.DispatchHandler>;

/**
 * An interceptor that gives each request of an undici dispatcher a span, until the answer's head is there, and the headers
 * `traceparent` and `tracestate`. Composed before `resilience`, each try has its own.
 *
 * @throws InvalidArgumentError for what is no tracer
 * @example
 * const agent = new Agent().compose(tracing(tracer), resilience(pipeline(retry(), timeout())));
 */
export function tracing(tracer: Tracer): ResilienceInterceptor {
  checkTracer("undici.tracer", tracer);
  return (dispatch) => (request, handler) => {
    const { method, origin = "", path, headers } = request;
    const span = startRequestSpan(tracer, { method, url: `${String(origin)}${path}` });
    const sent = { ...request, headers: withHeaders(headers, traceHeaders(span), ["tracestate"]) };
    return tracer.run(span, () => dispatch(sent, new TracingHandler(handler, span)));
  };
}

/** Passes everything on, and sees how it ends. */
class TracingHandler implements Dispatcher.DispatchHandler {
  readonly #inner: Dispatcher.DispatchHandler;
  readonly #span: Span;

  constructor(inner: Dispatcher.DispatchHandler, span: Span) {
    this.#inner = inner;
    this.#span = span;
  }

  onRequestStart(...facts: Parameters<Handler["onRequestStart"]>): void {
    this.#inner.onRequestStart?.(...facts);
  }

  onRequestUpgrade(...facts: Parameters<Handler["onRequestUpgrade"]>): void {
    endRequestSpan(this.#span, facts[1]);
    this.#inner.onRequestUpgrade?.(...facts);
  }

  onResponseStarted(): void {
    this.#inner.onResponseStarted?.();
  }

  onBodySent(chunk: Buffer): void {
    this.#inner.onBodySent?.(chunk);
  }

  onRequestSent(): void {
    this.#inner.onRequestSent?.();
  }

  onResponseStart(...facts: Parameters<Handler["onResponseStart"]>): void {
    // Early hints and the like come before the answer.
    if (facts[1] >= 200) endRequestSpan(this.#span, facts[1]);
    return this.#inner.onResponseStart?.(...facts);
  }

  onResponseData(...facts: Parameters<Handler["onResponseData"]>): void {
    return this.#inner.onResponseData?.(...facts);
  }

  onResponseEnd(...facts: Parameters<Handler["onResponseEnd"]>): void {
    this.#inner.onResponseEnd?.(...facts);
  }

  onResponseError(...facts: Parameters<Handler["onResponseError"]>): void {
    this.#span.fail(facts[1]);
    this.#span.end();
    this.#inner.onResponseError?.(...facts);
  }
}
