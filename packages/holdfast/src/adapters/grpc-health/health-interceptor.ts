import type { ServerInterceptor } from "@grpc/grpc-js";
import { InvalidArgumentError } from "../../errors/base.ts";
import type { Health } from "../../telemetry/index.ts";

/**
 * Counts each call of a gRPC server as in flight until it has its status or its client has gone, so that a drain waits for
 * it; those that ask for health are not counted.
 *
 * @throws InvalidArgumentError for what is no health
 * @example
 * const server = new Server({ interceptors: [healthInterceptor(health)] });
 */
export function healthInterceptor(health: Pick<Health, "enter">): ServerInterceptor {
  if (typeof health?.enter !== "function") {
    throw new InvalidArgumentError("healthInterceptor", "must be given what createHealth gives", health);
  }
  return ({ path }, call) => {
    const own = call as ReturnType<ServerInterceptor>;
    if (path.startsWith("/grpc.health.v1.Health/")) return own;
    const leave = health.enter();
    const start = call.start.bind(call);
    const sendStatus = call.sendStatus.bind(call);
    // The call is this request's alone, and the library's own way to wrap it would have to be loaded.
    call.start = (listener) =>
      start({
        onReceiveMetadata: (metadata) => listener.onReceiveMetadata(metadata),
        onReceiveMessage: (message: unknown) => listener.onReceiveMessage(message),
        onReceiveHalfClose: () => listener.onReceiveHalfClose(),
        onCancel: () => {
          leave();
          listener.onCancel();
        },
      });
    call.sendStatus = (status) => {
      sendStatus(status);
      leave();
    };
    return own;
  };
}
