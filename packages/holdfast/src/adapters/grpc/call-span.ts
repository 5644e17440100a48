import type { Metadata } from "@grpc/grpc-js";
import { parseTraceContext, type Span, type TraceContext, type Tracer } from "../../telemetry/index.ts";

/** The span of a call by its path, `/package.Service/Method`. The names are OpenTelemetry's for RPC. */
export function startCallSpan(
  tracer: Pick<Tracer, "startSpan">,
  path: string,
  kind: "client" | "server",
  parent?: TraceContext | null,
): Span {
  const name = path.replace(/^\//, "");
  const at = name.lastIndexOf("/");
  return tracer.startSpan(name, {
    kind,
    ...(parent === undefined ? {} : { parent }),
    attributes: {
      "rpc.system": "grpc",
      "rpc.service": name.slice(0, Math.max(0, at)),
      "rpc.method": name.slice(at + 1),
    },
  });
}

/** Statuses of which the server is the cause; those it gives for what a client does wrong are none of its failures. */
const serverFailures: ReadonlySet<number> = new Set([2, 4, 12, 13, 14, 15]);

export function endCallSpan(span: Span, kind: "client" | "server", code: number, details: string | undefined): void {
  span.setAttribute("rpc.grpc.status_code", code);
  if (code !== 0 && (kind === "client" || serverFailures.has(code))) {
    span.setAttribute("error.type", String(code));
    span.setStatus({ code: "error", message: details });
  }
  span.end();
}

/** Null for none: whatever is under way here has not asked for the call. */
export function callerOf(metadata: Metadata): TraceContext | null {
  const [traceparent, ...more] = metadata.get("traceparent");
  if (more.length > 0) return null;
  return parseTraceContext(traceparent, metadata.get("tracestate")) ?? null;
}
