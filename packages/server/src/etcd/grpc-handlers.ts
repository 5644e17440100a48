import type { Buffer } from "node:buffer";
import type { CallHandler } from "../grpc/grpc-server.ts";
import type { ServerCall } from "../grpc/server-call.ts";
import { grpcCode } from "../grpc/status-code.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { Method, StreamMethod, UnaryMethod } from "./method.ts";
import { MessageQueue } from "./message-queue.ts";
import { methods } from "./methods.ts";
import { identityHeader } from "./request-identity.ts";
import { parseGrpcTimeout, requestOptions } from "./request-options.ts";
import { traceOf } from "./request-span.ts";
import { RequestError, statusOf } from "./status.ts";
import type { WireMessage, WireType } from "./wire-type.ts";

const callerGone = new Error("the caller cancelled the request or its connection broke");

/** Messages of one streaming call that wait to be served before its caller is held back. */
const maxQueuedMessages = 64;

/** What serves each of the protocol's methods over gRPC, and `more` of them, by path. */
export function grpcHandlers(dispatcher: Dispatcher, more: readonly Method[]): ReadonlyMap<string, CallHandler> {
  return new Map(
    [...methods, ...more].map((method): [string, CallHandler] => [
      method.path,
      method.kind === "unary"
        ? (call) => serveUnary(dispatcher, method, call)
        : (call) => serveStream(dispatcher, method, call),
    ]),
  );
}

function serveUnary(dispatcher: Dispatcher, method: UnaryMethod, call: ServerCall): void {
  const { request, response } = method;
  const controller = new AbortController();
  let arrived = false;
  call.listen({
    onMessage(bytes) {
      // Further messages are more than the method takes.
      if (arrived) return;
      arrived = true;
      let decoded;
      try {
        const options = optionsOf(call, controller.signal);
        const trace = dispatcher.traces ? traceOf((name) => call.metadata(name)) : undefined;
        decoded = { message: decode(request, bytes), bytes: bytes.length, options, trace };
      } catch (error) {
        return call.finish(statusOf(error));
      }
      dispatcher.dispatch(
        "grpc",
        method,
        decoded,
        (message) => call.answer(response.encode(message)),
        (status) => call.finish(status),
      );
    },
    onEnd() {
      if (!arrived) call.finish({ code: grpcCode.INTERNAL, message: "grpc: the request holds no message" });
    },
    onGone: () => controller.abort(callerGone),
  });
}

function serveStream(dispatcher: Dispatcher, method: StreamMethod, call: ServerCall): void {
  const { request, response } = method;
  const controller = new AbortController();
  let options;
  try {
    options = optionsOf(call, controller.signal);
  } catch (error) {
    return call.finish(statusOf(error));
  }
  const requests = new MessageQueue<WireMessage>({
    maxLength: maxQueuedMessages,
    onFull: () => call.pause(),
    onRoom: () => call.resume(),
  });
  let onRoom: (() => void) | undefined;
  const streamCall = {
    options,
    trace: dispatcher.traces ? traceOf((name) => call.metadata(name)) : undefined,
    requireLeader: call.metadata("hasleader") === "true",
    requests,
    send: (message: WireMessage) => untilRoom(call.send(response.encode(message))),
    sendFramed: (run: Buffer) => untilRoom(call.sendFramed(run)),
  };
  function untilRoom(hasRoom: boolean): Promise<void> | undefined {
    if (hasRoom) return undefined;
    return new Promise((resolve) => {
      const others = onRoom;
      onRoom = () => {
        others?.();
        resolve();
      };
      if (others === undefined) call.onDrain(room);
    });
  }
  function room(): void {
    const ready = onRoom;
    onRoom = undefined;
    ready?.();
  }
  function over(): void {
    requests.end();
    controller.abort(callerGone);
    room();
  }
  call.listen({
    onMessage(bytes) {
      try {
        requests.push(decode(request, bytes));
      } catch (error) {
        requests.fail(error);
      }
    },
    onEnd: () => requests.end(),
    onGone: over,
  });
  dispatcher.open("grpc", method, streamCall, (status) => {
    call.finish(status);
    over();
  });
}

function decode(type: WireType, bytes: Buffer): WireMessage {
  try {
    return type.decode(bytes);
  } catch (error) {
    throw new RequestError(
      grpcCode.INTERNAL,
      `grpc: error unmarshalling request: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

function optionsOf(call: ServerCall, signal: AbortSignal): ReturnType<typeof requestOptions> {
  return requestOptions(signal, call.metadata(identityHeader), parseGrpcTimeout(call.metadata("grpc-timeout")), {
    tokens: [call.metadata("token"), call.metadata("authorization")],
    certified: call.peerName,
  });
}
