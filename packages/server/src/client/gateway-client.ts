import { Agent } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { InvalidArgumentError } from "holdfast/errors/base";
import {
  CoordinationError,
  type Answer,
  type DeleteRangeRequest,
  type DeleteRangeResponse,
  type PutRequest,
  type PutResponse,
  type RangeRequest,
  type RangeResponse,
  type TxnRequest,
  type TxnResponse,
} from "holdfast/coordination";
import { identityHeader } from "../etcd/request-identity.ts";
import { decodeGatewayError, GatewayError, UnreachableError } from "./gateway-error.ts";
import {
  decodeDeleteRange,
  decodePut,
  decodeRange,
  decodeTxn,
  encodeDeleteRange,
  encodePut,
  encodeRange,
  encodeTxn,
  withHeader,
  type Json,
} from "./gateway-json.ts";
import { exchange, type Exchange, type ExchangeRequest } from "./http-exchange.ts";
import { writerSession, type WriterSession } from "./writer-session.ts";

export interface GatewayClientOptions {
  /** Origins of members' client ports, at least one; the first that answers is kept until it fails. */
  readonly endpoints: readonly string[];
  /** A whole request, failover included, gives up after this time. Default 5 000. */
  readonly timeoutMs?: number;
  /** One endpoint that does not answer is left after this time. Default 2 000. */
  readonly attemptTimeoutMs?: number;
  /** Gives up when every endpoint has refused the connection for this long. Default `timeoutMs`. */
  readonly refusedTimeoutMs?: number;
}

export interface CallOptions {
  readonly timeoutMs?: number;
  /** Gives up waiting with `signal.reason`; a write may still be applied. */
  readonly signal?: AbortSignal;
}

/**
 * The key-value model over the etcd v3 JSON gateway, of a Holdfast cluster or of etcd.
 *
 * A request goes to one endpoint after the other until one answers. Every write carries a name under which a Holdfast
 * cluster applies it once, so there a write without an answer is sent again. Elsewhere it is not: whether names are known
 * is asked before the first write (`GET /holdfast/v1/status`).
 *
 * Rejects with `UnreachableError` when no endpoint carried the request out, with `CoordinationError` when the server
 * refused it, and with its code `TIMED_OUT` when a write's outcome is unknown (`isOutcomeUnknown`).
 */
export interface GatewayClient {
  range(request: RangeRequest, options?: CallOptions): Promise<Answer<RangeResponse>>;
  put(request: PutRequest, options?: CallOptions): Promise<Answer<PutResponse>>;
  deleteRange(request: DeleteRangeRequest, options?: CallOptions): Promise<Answer<DeleteRangeResponse>>;
  txn(request: TxnRequest, options?: CallOptions): Promise<Answer<TxnResponse>>;
  /** Drops the connections kept open; requests in flight fail. */
  close(): void;
}

const backoffMs = { first: 10, last: 100 } as const;

export function gatewayClient(options: GatewayClientOptions): GatewayClient {
  const { endpoints, timeoutMs = 5000, attemptTimeoutMs = 2000, refusedTimeoutMs = Infinity } = options;
  if (endpoints.length === 0) throw new InvalidArgumentError("gatewayClient.endpoints", "must not be empty", endpoints);
  const agent = new Agent({ keepAlive: true, maxSockets: 256 });
  let preferred = 0;
  /** Null where names are not known. */
  let current: WriterSession | null | undefined;

  /** Sends a request to one endpoint after the other until one carries it out. */
  async function send(request: GatewayRequest, write: NamedWrite | undefined, time: Time): Promise<string> {
    const { deadline, signal } = time;
    const startedAtMs = performance.now();
    const tried = new Map<string, Error>();
    let reached = false;
    let mayBeApplied = false;
    for (let attempt = 1; ; attempt++) {
      signal?.throwIfAborted();
      const origin = endpoints[preferred % endpoints.length] ?? "";
      const answer = await exchange(agent, {
        ...request,
        origin,
        timeoutMs: Math.max(1, Math.min(attemptTimeoutMs, deadline - performance.now())),
        ...(write?.session ? { headers: { [identityHeader]: write.session.name(write.sequence) } } : {}),
        ...(signal === undefined ? {} : { signal }),
      });
      if (answer.kind === "answered" && answer.status === 200) return answer.body;

      signal?.throwIfAborted();
      reached ||= answer.kind !== "notSent";
      const failure = readFailure(answer);
      // Refused at the first sight of it: the session is forgotten, the write is not applied.
      if (failure.error instanceof CoordinationError && failure.error.code === "SESSION_EXPIRED" && !mayBeApplied) {
        throw new SessionForgotten();
      }
      if (failure.final) throw failure.error;
      tried.set(origin, failure.error);
      mayBeApplied ||= write !== undefined && failure.mayBeApplied;
      preferred = (preferred + 1) % endpoints.length;

      const pauseMs = attempt % endpoints.length === 0 ? backoff(attempt / endpoints.length) : 0;
      const giveUpAtMs = reached ? deadline : Math.min(deadline, startedAtMs + refusedTimeoutMs);
      const outOfTime = performance.now() + pauseMs >= giveUpAtMs;
      if (mayBeApplied && (outOfTime || !write?.session)) {
        throw new CoordinationError("TIMED_OUT", { cause: new UnreachableError(tried) });
      }
      if (outOfTime) throw new UnreachableError(tried);
      if (pauseMs > 0) await delay(pauseMs, undefined, signal === undefined ? {} : { signal });
    }
  }

  async function read<T>(path: string, json: Json, decode: (json: Json) => T, call?: CallOptions): Promise<T> {
    const body = await send({ method: "POST", path, body: JSON.stringify(json) }, undefined, timeOf(call));
    return decode(JSON.parse(body) as Json);
  }

  async function write<T>(path: string, json: Json, decode: (json: Json) => T, call?: CallOptions): Promise<T> {
    const time = timeOf(call);
    const request: GatewayRequest = { method: "POST", path, body: JSON.stringify(json) };
    for (let renewed = false; ; renewed = true) {
      current ??= await openSession(time);
      const session = current;
      const sequence = session?.begin() ?? 0;
      try {
        return decode(JSON.parse(await send(request, { session, sequence }, time)) as Json);
      } catch (error) {
        if (!(error instanceof SessionForgotten)) throw error;
        if (renewed) throw new CoordinationError("SESSION_EXPIRED");
        if (current === session) current = undefined;
      } finally {
        session?.finish(sequence);
      }
    }
  }

  /** Asks whether names are known, and if so for a revision before the first of them. */
  async function openSession(time: Time): Promise<WriterSession | null> {
    try {
      await send({ method: "GET", path: "/holdfast/v1/status" }, undefined, time);
    } catch (error) {
      if (error instanceof GatewayError && error.status === 404) return null;
      throw error;
    }
    const anyKey = { key: Uint8Array.of(0), countOnly: true };
    const body = await send(
      { method: "POST", path: "/v3/kv/range", body: JSON.stringify(encodeRange(anyKey)) },
      undefined,
      time,
    );
    return writerSession(readRange(JSON.parse(body) as Json).header.revision);
  }

  function timeOf(call: CallOptions = {}): Time {
    return { deadline: performance.now() + (call.timeoutMs ?? timeoutMs), signal: call.signal };
  }

  return {
    range: (request, call) => read("/v3/kv/range", encodeRange(request), readRange, call),
    put: (request, call) => write("/v3/kv/put", encodePut(request), readPut, call),
    deleteRange: (request, call) => write("/v3/kv/deleterange", encodeDeleteRange(request), readDeleteRange, call),
    txn: (request, call) => write("/v3/kv/txn", encodeTxn(request), readTxn, call),
    close: () => agent.destroy(),
  };
}

const readRange = withHeader(decodeRange);
const readPut = withHeader(decodePut);
const readDeleteRange = withHeader(decodeDeleteRange);
const readTxn = withHeader(decodeTxn);

type GatewayRequest = Pick<ExchangeRequest, "method" | "path" | "body">;

interface Time {
  readonly deadline: number;
  readonly signal: AbortSignal | undefined;
}

interface NamedWrite {
  /** Null where names are not known. */
  readonly session: WriterSession | null;
  readonly sequence: number;
}

/** The cluster no longer knows the session, and has not seen this write. */
class SessionForgotten extends Error {}

interface Failure {
  readonly error: Error;
  /** No other endpoint will answer differently. */
  readonly final: boolean;
  readonly mayBeApplied: boolean;
}

function readFailure(answer: Exchange): Failure {
  if (answer.kind !== "answered") {
    return { error: answer.cause, final: false, mayBeApplied: answer.kind === "noAnswer" };
  }
  const error = decodeGatewayError(answer.status, answer.body);
  if (error instanceof GatewayError) return { error, final: answer.status < 500, mayBeApplied: true };
  // A member that stops or loses its leader may have handed the request on before it said so.
  const passing = error.retryable || error.code === "TIMED_OUT";
  return { error, final: !passing, mayBeApplied: error.code !== "TOO_MANY_REQUESTS" };
}

/** Doubles each round, with jitter so that clients do not come back together. */
function backoff(round: number): number {
  const ceiling = Math.min(backoffMs.last, backoffMs.first * 2 ** (round - 1));
  return ceiling * (0.5 + Math.random() / 2);
}
