import type { Buffer } from "node:buffer";
import { CoordinationError, type Member, type RequestOptions } from "holdfast/coordination";
import type { MessageName } from "holdfast/adapters/etcd-protocol";
import type { TraceContext } from "holdfast/telemetry";
import { wireType, type WireMessage, type WireType } from "./wire-type.ts";

/** What a method's request may use up. */
export interface RequestLimits {
  /** Of one proposed request, encoded. */
  readonly maxRequestBytes: number;
  /** Conditions or operations in one branch of a transaction. */
  readonly maxTxnOps: number;
}

/** One call, whichever transport it came by. */
export interface MethodCall {
  readonly message: WireMessage;
  /** Size of the request in protobuf. */
  readonly bytes: number;
  readonly options: RequestOptions;
  /** The caller's, where there is one. */
  readonly trace?: TraceContext | undefined;
}

/** One call of a method that takes or gives several messages. */
export interface StreamCall {
  /** The signal fires when the caller is gone, and when the server stops. */
  readonly options: RequestOptions;
  /** The caller would rather hear that there is no leader than wait for one (metadata `hasleader`). */
  readonly requireLeader: boolean;
  /** What the caller sends, until it says that it sends no more; one that sends too far ahead is held back. */
  readonly requests: AsyncIterable<WireMessage>;
  /**
   * Sends one answer. The promise, if any, is that the caller can take more; it resolves, too, when the caller is gone.
   */
  send(message: WireMessage): Promise<void> | undefined;
  /** The caller's, where there is one. */
  readonly trace?: TraceContext | undefined;
  /** Sends a run of answers that are encoded and framed as gRPC has it; absent where answers are not bytes. */
  readonly sendFramed?: (run: Buffer) => Promise<void> | undefined;
}

interface MethodPlace {
  /** The path in gRPC. */
  readonly path: string;
  /** The paths in the JSON gateway, below its version prefix; none where etcd has none. */
  readonly gatewayPaths: readonly string[];
  readonly request: WireType;
  readonly response: WireType;
}

/** A method that answers one message with one message. */
export interface UnaryMethod extends MethodPlace {
  readonly kind: "unary";
  call(member: Member, call: MethodCall, limits: RequestLimits): Promise<WireMessage> | WireMessage;
}

/** A method that streams, one way or both. */
export interface StreamMethod extends MethodPlace {
  readonly kind: "stream";
  /** The call is of one message each way, and streams only in that it may take long. */
  readonly isSingle?: boolean;
  /** The call is over when all is sent: a server that stops lets it come to that, as a call with one answer. */
  readonly endsByItself?: boolean;
  /** Resolves when the call ends well. */
  serve(member: Member, call: StreamCall, limits: RequestLimits): Promise<void>;
}

/** One method of the protocol: where it is found and what it does. */
export type Method = UnaryMethod | StreamMethod;

type Place = readonly [
  path: string,
  gatewayPath: string | readonly string[] | undefined,
  request: MessageName,
  response: MessageName,
];

export function unary(place: Place, call: UnaryMethod["call"]): UnaryMethod {
  return { kind: "unary", ...placed(place), call };
}

export function streaming(place: Place, serve: StreamMethod["serve"], endsByItself: boolean = false): StreamMethod {
  return { kind: "stream", endsByItself, ...placed(place), serve };
}

/**
 * A method that answers one message with one message, when others let it: such a call may wait for hours, is not among
 * those that a server waits for when it stops, and has no time limit but its caller's.
 */
export function waiting(
  place: Place,
  call: (member: Member, call: Pick<MethodCall, "message" | "options">) => Promise<WireMessage>,
): StreamMethod {
  const method = placed(place);
  return {
    kind: "stream",
    isSingle: true,
    ...method,
    async serve(member, streamCall) {
      const { requests, options } = streamCall;
      let message = method.request.create();
      for await (const request of requests) {
        message = request;
        break;
      }
      await streamCall.send(await call(member, { message, options }));
    },
  };
}

function placed([path, gatewayPath = [], request, response]: Place): MethodPlace {
  const gatewayPaths = typeof gatewayPath === "string" ? [gatewayPath] : gatewayPath;
  return { path, gatewayPaths, request: wireType(request), response: wireType(response) };
}

/** What etcd wraps around a proposed request (its header with an id, and the request's own tag and length). */
const proposalOverheadBytes = 17;

/** @throws CoordinationError REQUEST_TOO_LARGE */
export function checkSize(call: MethodCall, limits: RequestLimits): void {
  if (call.bytes + proposalOverheadBytes > limits.maxRequestBytes) throw new CoordinationError("REQUEST_TOO_LARGE");
}
