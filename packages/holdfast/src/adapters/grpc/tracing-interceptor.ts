import type { InterceptingCall, Interceptor } from "@grpc/grpc-js";
import { checkTracer, traceHeaders, type Tracer } from "../../telemetry/index.ts";
import { overlay } from "./call-overlay.ts";
import { endCallSpan, startCallSpan } from "./call-span.ts";

/**
 * Gives each call of a gRPC client a span, from its start to its status, and the metadata `traceparent` and `tracestate`.
 * After `resilienceInterceptor` in the list, each try has its own.
 *
 * @throws InvalidArgumentError for what is no tracer
 * @example
 * const interceptors = [resilienceInterceptor(retry()), tracingInterceptor(tracer)];
 */
export function tracingInterceptor(tracer: Tracer): Interceptor {
  checkTracer("grpc.tracer", tracer);
  return (options, nextCall) => {
    const call = nextCall(options);
    const start: InterceptingCall["start"] = (metadata, listener) => {
      const span = startCallSpan(tracer, options.method_definition.path, "client");
      const sent = metadata.clone();
      // One of another span may be there, and none of its state is this one's.
      sent.remove("tracestate");
      for (const [name, value] of Object.entries(traceHeaders(span))) sent.set(name, value);
      call.start(sent, {
        onReceiveMetadata: (headers) => listener?.onReceiveMetadata?.(headers),
        onReceiveMessage: (message: unknown) => listener?.onReceiveMessage?.(message),
        onReceiveStatus: (status) => {
          endCallSpan(span, "client", status.code, status.details);
          listener?.onReceiveStatus?.(status);
        },
      });
    };
    return overlay<InterceptingCall>(call as InterceptingCall, { start });
  };
}
