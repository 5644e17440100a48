import { traceHeaders, type Span, type Tracer } from "../../telemetry/index.ts";
import type { AttemptOutcome } from "./endpoint.ts";
import type { EtcdMethod } from "./etcd-methods.ts";

/** One try of a request at one endpoint, and the headers that carry its trace. */
export interface AttemptSpan {
  readonly headers: Readonly<Record<string, string>>;
  end(outcome: AttemptOutcome): void;
  /** What was thrown before there was an outcome. */
  fail(error: unknown): void;
}

/** The names are OpenTelemetry's for RPC. */
export function startAttemptSpan(tracer: Pick<Tracer, "startSpan">, { path }: EtcdMethod): AttemptSpan {
  const name = path.slice(1);
  const [service = "", method = ""] = name.split("/");
  const span: Span = tracer.startSpan(name, {
    kind: "client",
    attributes: { "rpc.system": "grpc", "rpc.service": service, "rpc.method": method },
  });
  return {
    headers: traceHeaders(span),
    end(outcome) {
      const code = outcome.type === "answer" ? 0 : outcome.error.code;
      span.setAttribute("rpc.grpc.status_code", code);
      if (outcome.type === "failure") {
        span.setAttribute("error.type", String(code));
        span.setStatus({ code: "error", message: outcome.error.details });
      }
      span.end();
    },
    fail(error) {
      span.fail(error);
      span.end();
    },
  };
}
