import {
  constants,
  performServerHandshake,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";
import { ServerCall } from "./server-call.ts";
import { grpcCode } from "./status-code.ts";

/** Serves one call of a method. */
export type CallHandler = (call: ServerCall) => void;

export interface GrpcServerOptions {
  /** By path: `/package.Service/Method`. */
  readonly handlers: ReadonlyMap<string, CallHandler>;
  /** Longer messages are refused with RESOURCE_EXHAUSTED before they are read. */
  readonly maxMessageBytes: number;
}

/** The gRPC side of a port: takes connections that speak HTTP/2. */
export interface GrpcServer {
  accept(socket: Duplex): void;
  /**
   * Tells the clients to go away, and which of their calls was the last one taken; their connections close once these have
   * ended. From connections to come none is taken.
   */
  drain(): void;
  destroy(): void;
}

/** Calls under way on one connection; a client queues what is beyond. */
const maxConcurrentStreams = 16_384;
/** What a client may send ahead: of one call, and of all calls of a connection. */
const streamWindowBytes = 1024 * 1024;
const connectionWindowBytes = 16 * 1024 * 1024;
/** Node counts every open stream and queued byte; its default of 10 would turn busy clients away. */
const maxSessionMemoryMiB = 1024;
/** A client that has vanished without a word is noticed by the kernel, after about this time and nine probes. */
const keepAliveMs = 15_000;

/** A gRPC server on HTTP/2, without compression ("gRPC over HTTP/2" is the protocol's definition). */
export function createGrpcServer({ handlers, maxMessageBytes }: GrpcServerOptions): GrpcServer {
  const sessions = new Set<ServerHttp2Session>();
  const services = new Set([...handlers.keys()].map(serviceOf));
  let isDraining = false;

  function onStream(peerName: string | undefined, stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    const call = new ServerCall(stream, headers, maxMessageBytes, peerName);
    if (headers[":method"] !== "POST") return refuse(stream, 405);
    if (headers["content-type"]?.startsWith("application/grpc") !== true) return refuse(stream, 415);
    const encoding = headers["grpc-encoding"];
    if (encoding !== undefined && encoding !== "identity") {
      const message = `grpc: Decompressor is not installed for grpc-encoding "${String(encoding)}"`;
      return call.finish({ code: grpcCode.UNIMPLEMENTED, message });
    }
    const handler = handlers.get(call.path);
    if (handler === undefined) {
      return call.finish({ code: grpcCode.UNIMPLEMENTED, message: describeUnknown(call.path) });
    }
    handler(call);
  }

  function describeUnknown(path: string): string {
    const service = serviceOf(path);
    if (service === "") return `malformed method name: ${JSON.stringify(path)}`;
    return services.has(service)
      ? `unknown method ${path.slice(service.length + 2)} for service ${service}`
      : `unknown service ${service}`;
  }

  return {
    accept(socket) {
      if ("setKeepAlive" in socket) (socket as Duplex & KeptAlive).setKeepAlive(true, keepAliveMs);
      const session = performServerHandshake(socket, {
        maxSessionMemory: maxSessionMemoryMiB,
        settings: { maxConcurrentStreams, initialWindowSize: streamWindowBytes },
      });
      session.setLocalWindowSize(connectionWindowBytes);
      sessions.add(session);
      const peerName = certifiedName(socket);
      session.on("stream", (stream, headers) => onStream(peerName, stream, headers));
      session.once("close", () => sessions.delete(session));
      // A connection that breaks ends its calls one by one.
      session.on("error", () => undefined);
      if (isDraining) session.close();
    },
    drain() {
      isDraining = true;
      // Other servers say goodbye twice, to serve what is on its way (RFC 9113, section 6.8). Node's HTTP/2 ignores what
      // comes after the first time, whatever that says; but the client is told so, and asks another server.
      for (const session of sessions) session.close();
    },
    destroy() {
      for (const session of sessions) session.destroy();
    },
  };
}

/** The common name of a client's certificate that was demanded and accepted. */
export function certifiedName(socket: Duplex): string | undefined {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined;
  // A certificate with several names has no one in particular; types do not tell that there may be none at all.
  const { subject } = socket.getPeerCertificate() as { readonly subject?: { readonly CN?: string | string[] } };
  return typeof subject?.CN === "string" ? subject.CN : undefined;
}

interface KeptAlive {
  setKeepAlive(enable: boolean, initialDelayMs: number): void;
}

/** A request that is no gRPC gets an answer that is none. */
function refuse(stream: ServerHttp2Stream, status: number): void {
  stream.respond({ ":status": status }, { endStream: true });
  setImmediate(() => stream.close(constants.NGHTTP2_NO_ERROR));
}

function serviceOf(path: string): string {
  return path.slice(1, Math.max(1, path.lastIndexOf("/")));
}
