import type { Server, Socket } from "node:net";
import { InvalidArgumentError } from "holdfast/errors/base";
import { serveCoordination, type Member } from "holdfast/coordination";
import { nodeConnection, nodeRuntime, type Address } from "holdfast/runtime";
import type { EventRecorder, Metrics, Tracer } from "holdfast/telemetry";
import { routeByProtocol } from "./client-port.ts";
import { createDispatcher, type RequestEvent } from "./etcd/dispatcher.ts";
import { grpcHandlers } from "./etcd/grpc-handlers.ts";
import { statusOf } from "./etcd/status.ts";
import { memberDashboard, type MemberDashboardOptions } from "./dashboard/member-dashboard.ts";
import { certifiedName, createGrpcServer } from "./grpc/grpc-server.ts";
import type { Warnings } from "./health/health-checks.ts";
import { healthMethods } from "./health/health-methods.ts";
import { memberHealth } from "./health/member-health.ts";
import { createEventStreams } from "./http/event-stream.ts";
import { createHttpServer } from "./http/http-server.ts";
import { lastAnswers } from "./http/last-answers.ts";
import { createMetricsPage } from "./http/metrics-page.ts";
import type { MembershipView } from "./http/members-document.ts";
import { openPort, type Port, type ServeTls } from "./port.ts";

/** What one request and all requests together may use up. */
export interface ServeLimits {
  /** Of one write, encoded. Default 1.5 MiB. */
  readonly maxRequestBytes?: number;
  /** Conditions or operations in one branch of a transaction. Default 128. */
  readonly maxTxnOps?: number;
  /** In flight at once, over all connections; one more is refused with RESOURCE_EXHAUSTED. Default 8192. */
  readonly maxConcurrentRequests?: number;
  /** Streaming calls (watches, keep-alives) under way at once, over all connections. Default 10 000. */
  readonly maxConcurrentStreams?: number;
}

export const defaultServeLimits: Required<ServeLimits> = {
  maxRequestBytes: 1.5 * 1024 * 1024,
  maxTxnOps: 128,
  maxConcurrentRequests: 8192,
  maxConcurrentStreams: 10_000,
};

export interface ServeOptions {
  readonly member: Member;
  /** Answers who is alive; without it, nobody is asked. */
  readonly membership?: MembershipView;
  /** Streams what is recorded at `/holdfast/v1/events`; without it, nobody is told. */
  readonly events?: EventRecorder;
  /** Shown at `/metrics` beside the member's own: those of the process that it runs in. */
  readonly metrics?: Metrics;
  /** Serves the cluster's dashboard at `/dashboard/`; `{}` does so for clients on this machine alone. Default: none. */
  readonly dashboard?: MemberDashboardOptions;
  /** Serves gRPC, the JSON gateway, like etcd's client port, and Holdfast's own protocol; port 0 chooses a free one. */
  readonly client: Address;
  /** Serves HTTP/1.1 alone: the JSON gateway and what people read. */
  readonly http?: Address;
  /** Both ports speak TLS alone, and with its `ca`, only to clients with a certificate of it. */
  readonly tls?: ServeTls;
  readonly limits?: ServeLimits;
  /** What `/readyz` tells of besides, where something wants attention; it stays ok. */
  readonly warnings?: Warnings;
  /** How long requests in flight may go on after `close`. Default 5 000. */
  readonly closeGraceMs?: number;
  /** Answers requests in spans of the traces that they name; of a watch, until it stands. Default none. */
  readonly tracer?: Tracer;
  /** Called after every request and when accepting or a handshake fails; what it throws is ignored. */
  readonly onEvent?: (event: ServeEvent) => void;
}

/**
 * What serving tells: how a request ended, that a connection could not be accepted (too many open files, say), or that a
 * client failed TLS's handshake.
 */
export type ServeEvent =
  | RequestEvent
  | { readonly type: "acceptFailed"; readonly error: Error }
  | { readonly type: "handshakeFailed"; readonly error: Error }
  /** A client of Holdfast's own protocol was cut off for what it sent, or left unread. */
  | { readonly type: "clientRefused"; readonly reason: string };

/** A member being served. */
export interface Served extends AsyncDisposable {
  readonly clientAddress: Address;
  readonly httpAddress?: Address;
  /** Shows another certificate to clients that connect from now on. @throws Error of OpenSSL when it cannot be read */
  setTls(tls: ServeTls): void;
  /**
   * Says that it is not ready, and serves on, over HTTP/1.1 with one more answer a connection; resolves after `graceMs`, or
   * when `close` is called before.
   */
  drain(graceMs: number): Promise<void>;
  /**
   * Is not ready, stops accepting, tells its clients to go (GOAWAY), ends watches and lets requests in flight finish for up
   * to `closeGraceMs`, then breaks what is left. Idempotent.
   */
  close(): Promise<void>;
}

/** What a message may be longer than the largest request before it is refused unread, as in etcd. */
const messageOverheadBytes = 512 * 1024;

/**
 * Serves a member to clients of the etcd v3 protocol, over gRPC and HTTP, and of Holdfast's own.
 *
 * @throws InvalidArgumentError for a limit out of range; Error with Node's `code` (`EADDRINUSE`, …) naming the address;
 * OpenSSL's when a certificate cannot be read
 */
export async function serveMember(options: ServeOptions): Promise<Served> {
  const { member, membership, closeGraceMs = 5_000 } = options;
  const onEvent = options.onEvent && ignoringErrors(options.onEvent);
  const metrics = createMetricsPage({ member, membership, metrics: options.metrics });
  const onRequest = (event: RequestEvent): void => {
    metrics.onRequest(event);
    onEvent?.(event);
  };
  const limits = checkLimits({ ...defaultServeLimits, ...options.limits });
  const maxMessageBytes = limits.maxRequestBytes + messageOverheadBytes;
  const dispatcher = createDispatcher({
    member,
    limits,
    onEvent: onRequest,
    onStart: metrics.onStart,
    tracer: options.tracer,
  });
  const health = memberHealth(member, options.warnings === undefined ? {} : { warnings: options.warnings });
  const grpc = createGrpcServer({ handlers: grpcHandlers(dispatcher, healthMethods(health)), maxMessageBytes });
  const events = options.events && createEventStreams({ nodeId: member.name, recorder: options.events });
  const dashboard =
    options.dashboard && memberDashboard(options.dashboard, { member, membership, events, recorder: options.events });
  const shown = { member, membership, events, dispatcher, health, metrics, dashboard };
  const http = await createHttpServer({ ...shown, hosts: options.dashboard?.hosts ?? [], maxMessageBytes });
  const closeWithAnswers = lastAnswers(http);

  const remote = serveCoordination({
    member,
    clock: nodeRuntime().clock,
    tracer: options.tracer,
    limits: { maxRequestBytes: limits.maxRequestBytes, maxTxnOps: limits.maxTxnOps },
    onRequest({ kind, durationMs, error }) {
      const event = { type: "request", method: kind, transport: "holdfast", durationMs } as const;
      onRequest(error === undefined ? { ...event, code: 0 } : { ...event, code: statusOf(error).code, error });
    },
    onRefused: (reason) => onEvent?.({ type: "clientRefused", reason }),
  });

  const sockets = new Set<Socket>();
  const grpcSockets = new Set<Socket>();
  const track = (set: Set<Socket>, socket: Socket): void => {
    set.add(socket);
    socket.once("close", () => set.delete(socket));
  };
  // Node's own listener takes a connection that turned out to be HTTP/1.1; its server keeps the timeouts.
  const acceptHttp1 = http.listeners("connection")[0] as (this: Server, socket: Socket) => void;
  const onHttp1 = (socket: Socket): void => acceptHttp1.call(http, socket);
  const onHttp2 = (socket: Socket): void => {
    // A gRPC client that ends its side has gone; only HTTP/1.1 still answers after that.
    socket.allowHalfOpen = false;
    track(grpcSockets, socket);
    grpc.accept(socket);
  };

  const onRemote = (socket: Socket): void => {
    socket.allowHalfOpen = false;
    remote.accept(nodeConnection(socket), certifiedName(socket));
    // It was stopped when its first bytes were put back.
    socket.resume();
  };

  const listening = {
    tls: options.tls,
    onError: (error: Error) => onEvent?.({ type: "acceptFailed", error }),
    onHandshakeError: (error: Error) => onEvent?.({ type: "handshakeFailed", error }),
  };
  const ports: Port[] = [];
  try {
    const onClient = (socket: Socket): void => {
      track(sockets, socket);
      routeByProtocol(socket, onHttp2, onHttp1, onRemote);
    };
    const onPerson = (socket: Socket): void => {
      track(sockets, socket);
      onHttp1(socket);
    };
    ports.push(await openPort({ ...listening, address: options.client, onSocket: onClient }));
    if (options.http !== undefined) {
      const protocols = ["http/1.1"] as const;
      ports.push(await openPort({ ...listening, address: options.http, protocols, onSocket: onPerson }));
    }
  } catch (error) {
    for (const port of ports) void port.close();
    http.close();
    dashboard?.close();
    grpc.destroy();
    throw error;
  }
  dashboard?.setListening(ports.map(({ address }) => address));
  const [clientPort, httpPort] = ports as [Port, Port?];

  async function shutDown(): Promise<void> {
    health.stop();
    closeWithAnswers();
    const expired = after(closeGraceMs);
    const closed = Promise.all(ports.map((port) => port.close()));
    // It listens nowhere itself; this closes its idle connections, and each other one with its answer.
    http.close();
    events?.close();
    dashboard?.close();
    // First they hear that they are to go: a stream that ends before would be opened here again.
    grpc.drain();
    await Promise.race([Promise.all([dispatcher.drain(), remote.close(closeGraceMs)]), expired.promise]);
    // Sends what is still queued; gRPC's connections say goodbye themselves.
    for (const socket of sockets) if (!grpcSockets.has(socket)) socket.destroySoon();
    await Promise.race([closed, expired.promise]);
    expired.cancel();
    for (const socket of sockets) socket.destroy();
    grpc.destroy();
    await closed;
  }

  const { promise: closeAsked, resolve: askClose } = Promise.withResolvers<void>();
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    askClose();
    return (closing ??= shutDown());
  };
  return {
    clientAddress: clientPort.address,
    ...(httpPort === undefined ? {} : { httpAddress: httpPort.address }),
    async drain(graceMs) {
      health.stop();
      closeWithAnswers();
      const grace = after(graceMs);
      await Promise.race([grace.promise, closeAsked]);
      grace.cancel();
    },
    setTls(tls) {
      for (const port of ports) port.setTls(tls);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** A listener never changes what it listens to. */
function ignoringErrors(listener: (event: ServeEvent) => void): (event: ServeEvent) => void {
  return (event) => {
    try {
      listener(event);
    } catch {
      // Told to nobody: there is nobody else to tell.
    }
  };
}

function checkLimits(limits: Required<ServeLimits>): Required<ServeLimits> {
  for (const [name, value] of Object.entries(limits)) {
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new InvalidArgumentError(`limits.${name}`, "must be an integer >= 1", value);
    }
  }
  return limits;
}

function after(delayMs: number): { readonly promise: Promise<void>; cancel(): void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, delayMs);
  return { promise, cancel: () => clearTimeout(timer) };
}
