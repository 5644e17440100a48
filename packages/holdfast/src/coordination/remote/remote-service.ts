import { checkInteger, checkOptionNames, shielded } from "../../errors/base.ts";
import type { Clock, Connection } from "../../runtime/index.ts";
import { checkTracer, type Tracer } from "../../telemetry/index.ts";
import type { Member } from "../coordination.ts";
import { RemoteDesk } from "./remote-desk.ts";
import type { RequestKind } from "./remote-protocol.ts";
import { defaultMaxTxnOps } from "../key-value/validate-request.ts";

export interface RemoteServiceLimits {
  /** Of one write, encoded. Default 1.5 MiB. */
  readonly maxRequestBytes?: number;
  /** Conditions or operations in one branch of a transaction. Default 128. */
  readonly maxTxnOps?: number;
  /** Requests of one client that wait for their answers. Default 1024. */
  readonly maxInFlight?: number;
  /** Watches of one client. Default 10 000. */
  readonly maxWatches?: number;
  /** Clients at once; more are told TOO_MANY_REQUESTS. Default 10 000. */
  readonly maxClients?: number;
  /** Bytes of answers that a client may leave unread before nothing more is done for it. Default 8 MiB. */
  readonly maxUnreadBytes?: number;
  /** A client that leaves as much unread for so long is cut off. Default 30 000. */
  readonly unreadTimeoutMs?: number;
}

export const defaultRemoteServiceLimits: Required<RemoteServiceLimits> = {
  maxRequestBytes: 1.5 * 1024 * 1024,
  maxTxnOps: defaultMaxTxnOps,
  maxInFlight: 1024,
  maxWatches: 10_000,
  maxClients: 10_000,
  maxUnreadBytes: 8 * 1024 * 1024,
  unreadTimeoutMs: 30_000,
};

/** How one request of a client ended. */
export interface RemoteRequestEvent {
  readonly kind: RequestKind;
  readonly durationMs: number;
  /** What went wrong; absent on success. */
  readonly error?: unknown;
}

export interface RemoteServiceOptions {
  readonly member: Member;
  readonly clock: Clock;
  readonly limits?: RemoteServiceLimits;
  /** Answers each request in a span, in its client's trace or a new one; of a watch, until it stands. Default none. */
  readonly tracer?: Tracer | undefined;
  /** Called after every request; must not throw. */
  readonly onRequest?: ((event: RemoteRequestEvent) => void) | undefined;
  /** A client was cut off for what it sent, or did not send; told once a connection. */
  readonly onRefused?: (reason: string) => void;
}

/** A member as it is served to clients of Holdfast's own protocol. */
export interface RemoteService extends AsyncDisposable {
  /** Clients connected. */
  readonly clients: number;
  /** Clients cut off for malformed frames, for silence, or because they did not read. */
  readonly refused: number;
  /** Takes a connection; `user` is whom its certificate names, where clients must show one. */
  accept(connection: Connection, user?: string): void;
  /** Takes no more requests, answers those under way for up to `graceMs` (default 5 000), then closes every connection. */
  close(graceMs?: number): Promise<void>;
}

/**
 * Serves a member to `remoteCoordination`.
 *
 * @throws InvalidArgumentError for a limit that breaks its rule
 * @example
 * const service = serveCoordination({ member, clock: runtime.clock });
 * const listener = await runtime.network.listen({ host: "0.0.0.0", port: 2379 }, (one) => service.accept(one));
 */
export function serveCoordination(options: RemoteServiceOptions): RemoteService {
  const limits = checkLimits(options.limits);
  const { member, clock, tracer } = options;
  if (tracer !== undefined) checkTracer("tracer", tracer);
  const ignore = (): void => undefined;
  const onRequest = shielded(options.onRequest, ignore);
  const onRefused = shielded(options.onRefused, ignore);
  const desks = new Set<RemoteDesk>();
  let refused = 0;
  let closing: Promise<void> | undefined;

  async function shutDown(graceMs: number): Promise<void> {
    const timer = clock.setTimer(graceMs, () => {
      for (const desk of desks) desk.destroy();
    });
    await Promise.all([...desks].map((desk) => desk.drain()));
    timer.cancel();
  }

  const close = (graceMs: number = 5_000): Promise<void> => (closing ??= shutDown(graceMs));
  return {
    get clients() {
      return desks.size;
    },
    get refused() {
      return refused;
    },
    accept(connection, user) {
      const desk = new RemoteDesk({
        member,
        clock,
        limits,
        connection,
        user,
        onRequest,
        tracer,
        isFull: closing !== undefined ? "STOPPED" : desks.size >= limits.maxClients ? "TOO_MANY_REQUESTS" : undefined,
        onRefused(reason) {
          refused++;
          onRefused?.(reason);
        },
        onClose: () => desks.delete(desk),
      });
      desks.add(desk);
    },
    close,
    [Symbol.asyncDispose]: () => close(),
  };
}

function checkLimits(given: RemoteServiceLimits = {}): Required<RemoteServiceLimits> {
  checkOptionNames("limits", given, Object.keys(defaultRemoteServiceLimits));
  const limits = { ...defaultRemoteServiceLimits, ...given };
  for (const [name, value] of Object.entries(limits)) checkInteger(`limits.${name}`, value, 1);
  return limits;
}
