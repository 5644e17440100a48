import type { InterceptingCall, Interceptor } from "@grpc/grpc-js";
import type { Policy } from "../../resilience/index.ts";
import { checkInterceptorOptions, type ResilienceInterceptorOptions } from "./interceptor-options.ts";
import { StreamCall } from "./stream-call.ts";
import { UnaryCall } from "./unary-call.ts";

/**
 * Runs the calls of a gRPC client through policies. Each attempt of a unary call is a call of its own, and the caller gets
 * headers, message and trailers of one attempt alone; its deadline holds for all attempts and waits together. A stream is
 * begun once: policies decide whether and when, and see how it ends.
 *
 * A status that counts as a failure is a `GrpcStatusError` for the policies. What they reject with becomes a status, and
 * stands in the `cause` of the client's error.
 *
 * @throws InvalidArgumentError for anything that is no policy, and options that break their rules
 * @example
 * const interceptors = [resilienceInterceptor(pipeline(retry(), circuitBreaker()))];
 * const client = new Greeter("127.0.0.1:50051", credentials.createInsecure(), { interceptors });
 */
export function resilienceInterceptor(
  policy: Policy<unknown>,
  options: ResilienceInterceptorOptions = {},
): Interceptor {
  const settings = checkInterceptorOptions(policy, options);
  return (callOptions, nextCall) => {
    const { requestStream, responseStream } = callOptions.method_definition;
    const Call = requestStream || responseStream ? StreamCall : UnaryCall;
    // The client's class has private members, but the client uses its interface alone.
    return new Call(policy, settings, callOptions, nextCall) as unknown as InterceptingCall;
  };
}
