import { parseTraceContext, type Span, type TraceContext, type Tracer } from "holdfast/telemetry";
import type { Status } from "../grpc/status-code.ts";

/** Reads the trace that a request belongs to, by the names of its headers; undefined for none. */
export function traceOf(header: (name: string) => unknown): TraceContext | undefined {
  return parseTraceContext(header("traceparent"), header("tracestate"));
}

/** The span in which a request is answered, in the caller's trace or a new one. */
export function startRequestSpan(
  tracer: Pick<Tracer, "startSpan">,
  path: string,
  transport: string,
  caller: TraceContext | undefined,
): Span {
  const name = path.replace(/^\//, "");
  const at = name.lastIndexOf("/");
  return tracer.startSpan(name, {
    kind: "server",
    parent: caller ?? null,
    attributes: {
      "rpc.system": "grpc",
      "rpc.service": name.slice(0, Math.max(0, at)),
      "rpc.method": name.slice(at + 1),
      "holdfast.transport": transport,
    },
  });
}

/** Statuses of which the server is the cause: UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE, DATA_LOSS. */
const serverFailures: ReadonlySet<number> = new Set([2, 4, 12, 13, 14, 15]);

export function endRequestSpan(span: Span, { code, message }: Status): void {
  span.setAttribute("rpc.grpc.status_code", code);
  if (serverFailures.has(code)) {
    span.setAttribute("error.type", String(code));
    span.setStatus({ code: "error", message });
  }
  span.end();
}
