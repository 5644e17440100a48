import type { ServerInterceptor } from "@grpc/grpc-js";
import { checkTracer, type Span, type Tracer } from "../../telemetry/index.ts";
import { overlay } from "./call-overlay.ts";
import { callerOf, endCallSpan, startCallSpan } from "./call-span.ts";

type ServerCall = Parameters<ServerInterceptor>[1];

/**
 * Runs each handler of a gRPC server in a span, of the trace that the call's metadata name or a new one. It ends with the
 * status.
 *
 * @throws InvalidArgumentError for what is no tracer
 * @example
 * const server = new Server({ interceptors: [tracingServerInterceptor(tracer)] });
 */
export function tracingServerInterceptor(tracer: Tracer): ServerInterceptor {
  checkTracer("grpc.tracer", tracer);
  return (method, call) => {
    let span: Span | undefined;
    const start: ServerCall["start"] = (listener) => {
      call.start({
        onReceiveMetadata: (metadata) => {
          span = startCallSpan(tracer, method.path, "server", callerOf(metadata));
          tracer.run(span, () => listener.onReceiveMetadata(metadata));
        },
        onReceiveMessage: (message: unknown) => tracer.run(span, () => listener.onReceiveMessage(message)),
        onReceiveHalfClose: () => tracer.run(span, () => listener.onReceiveHalfClose()),
        onCancel: () => {
          tracer.run(span, () => listener.onCancel());
          span?.addEvent("abandoned");
          span?.end();
        },
      });
    };
    const sendStatus: ServerCall["sendStatus"] = (status) => {
      if (span !== undefined) endCallSpan(span, "server", status.code ?? 2, status.details ?? undefined);
      call.sendStatus(status);
    };
    return overlay<ServerCall>(call, { start, sendStatus }) as ReturnType<ServerInterceptor>;
  };
}
