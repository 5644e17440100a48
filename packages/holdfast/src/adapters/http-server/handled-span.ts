import { parseTraceContext, type Span, type Tracer } from "../../telemetry/index.ts";

/** What is known of a request when it comes in. */
export interface ReceivedRequest {
  readonly method: string;
  /** Without the query, which may hold what nobody is to see. */
  readonly path: string;
  readonly traceparent: unknown;
  readonly tracestate: unknown;
}

/** The span in which a request is answered, in the trace that its headers name, else in a new one. */
export function startHandledSpan(tracer: Pick<Tracer, "startSpan">, request: ReceivedRequest): Span {
  const method = request.method.toUpperCase();
  return tracer.startSpan(method, {
    kind: "server",
    // Whatever is under way here has not asked for it.
    parent: parseTraceContext(request.traceparent, request.tracestate) ?? null,
    attributes: { "http.request.method": method, "url.path": request.path },
  });
}

/** How it ended. Status 500 and above are the server's failures; undefined when the client has gone. */
export function endHandledSpan(
  span: Span,
  method: string,
  route: string | undefined,
  status: number | undefined,
): void {
  if (route !== undefined) {
    span.rename(`${method.toUpperCase()} ${route}`);
    span.setAttribute("http.route", route);
  }
  if (status === undefined) span.addEvent("abandoned");
  else {
    span.setAttribute("http.response.status_code", status);
    if (status >= 500) {
      span.setAttribute("error.type", String(status));
      span.setStatus({ code: "error" });
    }
  }
  span.end();
}
