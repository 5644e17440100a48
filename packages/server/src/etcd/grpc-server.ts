import type { Buffer } from "node:buffer";
import type { Duplex } from "node:stream";
import { Server, ServerCredentials, status as grpcCode, type handleUnaryCall, type sendUnaryData } from "@grpc/grpc-js";
import type { Dispatcher } from "./dispatcher.ts";
import { methods, type Method } from "./methods.ts";
import { identityHeader } from "./request-identity.ts";
import { requestOptions } from "./request-options.ts";
import { RequestError, statusOf, type Status } from "./status.ts";

/** The gRPC side of the client port: takes connections that speak HTTP/2. */
export interface GrpcServer {
  accept(socket: Duplex): void;
  /** Tells the clients to go away and closes their connections once their streams have ended. */
  drain(graceMs: number): void;
  destroy(): void;
}

export interface GrpcServerOptions {
  readonly dispatcher: Dispatcher;
  /** Longer messages are refused with RESOURCE_EXHAUSTED before they are read. */
  readonly maxMessageBytes: number;
}

const unchanged = (bytes: Buffer): Buffer => bytes;
const callerGone = new Error("the caller cancelled the request or its connection broke");

export function createGrpcServer({ dispatcher, maxMessageBytes }: GrpcServerOptions): GrpcServer {
  const server = new Server({
    "grpc.max_receive_message_length": maxMessageBytes,
    // Answers may be as long as they are: a range holds whatever the store holds.
    "grpc.max_send_message_length": -1,
    "grpc.enable_channelz": 0,
  });
  for (const method of methods) {
    server.register(method.path, unaryHandler(dispatcher, method), unchanged, unchanged, "unary");
  }
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  return {
    accept: (socket) => injector.injectConnection(socket),
    drain: (graceMs) => injector.drain(graceMs),
    destroy() {
      injector.destroy();
      server.forceShutdown();
    },
  };
}

function unaryHandler(dispatcher: Dispatcher, method: Method): handleUnaryCall<Buffer, Buffer> {
  const { request, response } = method;
  return (call, callback) => {
    const bytes = call.request;
    const controller = new AbortController();
    let answered = false;
    // Also emitted when an answered call's stream closes: aborting then would only cost.
    call.on("cancelled", () => {
      if (!answered) controller.abort(callerGone);
    });
    let decoded;
    try {
      decoded = { message: decode(request, bytes), bytes: bytes.length, options: optionsOf(call, controller.signal) };
    } catch (error) {
      answered = true;
      return fail(callback, statusOf(error));
    }
    dispatcher.dispatch(
      "grpc",
      method,
      decoded,
      (message) => {
        answered = true;
        callback(null, response.encode(message));
      },
      (status) => {
        answered = true;
        fail(callback, status);
      },
    );
  };
}

function decode(type: Method["request"], bytes: Buffer): object {
  try {
    return type.decode(bytes);
  } catch (error) {
    throw new RequestError(
      grpcCode.INTERNAL,
      `grpc: error unmarshalling request: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

type Call = Parameters<handleUnaryCall<Buffer, Buffer>>[0];

function optionsOf(call: Call, signal: AbortSignal): ReturnType<typeof requestOptions> {
  const [identity] = call.metadata.get(identityHeader);
  const deadline = call.getDeadline();
  const at = typeof deadline === "number" ? deadline : deadline.getTime();
  const remainingMs = at === Infinity ? undefined : at - Date.now();
  return requestOptions(signal, identity?.toString(), remainingMs);
}

function fail(callback: sendUnaryData<Buffer>, status: Status): void {
  callback({ code: status.code, details: status.message });
}
