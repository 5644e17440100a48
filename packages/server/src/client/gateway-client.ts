import { setTimeout as delay } from "node:timers/promises";
import { InvalidArgumentError } from "holdfast/errors/base";
import {
  CoordinationError,
  type Answer,
  type CompactRequest,
  type DeleteRangeRequest,
  type DeleteRangeResponse,
  type LeaseGrantRequest,
  type LeaseGrantResponse,
  type LeaseId,
  type LeaseKeepAliveResponse,
  type LeasesResponse,
  type LeaseTimeToLiveRequest,
  type LeaseTimeToLiveResponse,
  type PutRequest,
  type PutResponse,
  type RangeRequest,
  type RangeResponse,
  type TxnRequest,
  type TxnResponse,
} from "holdfast/coordination";
import { identityHeader } from "../etcd/request-identity.ts";
import { openConnections, type ClientTls } from "./connections.ts";
import { GatewayLogin, type GatewayUser } from "./gateway-login.ts";
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
import {
  decodeLeaseGrant,
  decodeLeaseKeepAlive,
  decodeLeases,
  decodeLeaseTimeToLive,
  encodeLeaseGrant,
  encodeLeaseId,
  encodeLeaseTimeToLive,
} from "./gateway-lease-json.ts";
import { watchGateway, type GatewayWatchRequest, type GatewayWatchResponse } from "./gateway-watch.ts";
import { exchange, type Exchange, type ExchangeRequest } from "./http-exchange.ts";
import { lineStream, StreamRefusedError } from "./line-stream.ts";
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
  /** Who asks, where the cluster's users are enabled. */
  readonly user?: GatewayUser | undefined;
  /** For endpoints that begin with `https:`. */
  readonly tls?: ClientTls | undefined;
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
  compact(request: CompactRequest, options?: CallOptions): Promise<Answer<object>>;
  leaseGrant(request: LeaseGrantRequest, options?: CallOptions): Promise<Answer<LeaseGrantResponse>>;
  leaseRevoke(request: { readonly id: LeaseId }, options?: CallOptions): Promise<Answer<object>>;
  leaseKeepAlive(request: { readonly id: LeaseId }, options?: CallOptions): Promise<Answer<LeaseKeepAliveResponse>>;
  leaseTimeToLive(request: LeaseTimeToLiveRequest, options?: CallOptions): Promise<Answer<LeaseTimeToLiveResponse>>;
  leases(options?: CallOptions): Promise<Answer<LeasesResponse>>;
  /**
   * Every change from the start on, once and in order, whichever member tells it. Throws COMPACTED when changes that were
   * not told are gone, and `UnreachableError` when nobody has told anything for `timeoutMs` after the stream broke.
   */
  watch(request: GatewayWatchRequest, options?: CallOptions): AsyncGenerator<GatewayWatchResponse, void, undefined>;
  /**
   * Any other call of the JSON gateway, by its path below `/v3`: sent once, so `TIMED_OUT` when no answer came; but one that
   * only `reads` is sent to one endpoint after the other.
   */
  call(path: string, document: Json, options?: CallOptions & { readonly reads?: boolean }): Promise<Json>;
  /** A call that answers with a stream: each message, from the first endpoint that begins to answer. */
  stream(path: string, document: Json, options?: CallOptions): AsyncIterable<Json>;
  /** Drops the connections kept open; requests in flight fail. */
  close(): void;
}

const authenticatePath = "/v3/auth/authenticate";
const backoffMs = { first: 10, last: 100 } as const;

export function gatewayClient(options: GatewayClientOptions): GatewayClient {
  const { endpoints, timeoutMs = 5000, attemptTimeoutMs = 2000, refusedTimeoutMs = Infinity } = options;
  if (endpoints.length === 0) throw new InvalidArgumentError("gatewayClient.endpoints", "must not be empty", endpoints);
  const connections = openConnections({ maxSockets: 256, tls: options.tls });
  const login = options.user && new GatewayLogin();
  let preferred = 0;
  /** Null where names are not known. */
  let current: WriterSession | null | undefined;

  /** Sends a request to one endpoint after the other until one carries it out. */
  async function send(request: GatewayRequest, write: NamedWrite | undefined, time: Time): Promise<string> {
    const { deadline, signal } = time;
    let startedAtMs: number | undefined;
    const tried = new Map<string, Error>();
    let reached = false;
    let mayBeApplied = false;
    let mayRenew = login !== undefined;
    for (let attempt = 1; ; attempt++) {
      signal?.throwIfAborted();
      const token = request.path === authenticatePath ? "" : ((await login?.token(() => authenticate(time))) ?? "");
      // To log in may have taken its time, an election even, and tells which endpoint answers.
      startedAtMs ??= performance.now();
      const origin = endpoints[preferred % endpoints.length] ?? "";
      const patienceMs = time.attemptMs ?? attemptTimeoutMs;
      const leftMs = deadline - performance.now();
      const answer = await exchange(connections, {
        ...request,
        origin,
        timeoutMs: Math.max(1, Math.min(patienceMs, leftMs)),
        headers: {
          ...(write?.session ? { [identityHeader]: write.session.name(write.sequence) } : {}),
          ...(token === "" ? {} : { authorization: token }),
        },
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
      if (mayRenew && login?.renew(failure.error) === true) {
        mayRenew = false;
        continue;
      }
      if (failure.final) throw failure.error;
      // That the last moment was too short for an answer is not what is wrong there.
      const wasCutShort = answer.kind !== "answered" && leftMs < patienceMs;
      if (!wasCutShort || !tried.has(origin)) tried.set(origin, failure.error);
      mayBeApplied ||= write !== undefined && failure.mayBeApplied;
      preferred = (preferred + 1) % endpoints.length;

      const pauseMs = attempt % endpoints.length === 0 ? backoff(attempt / endpoints.length) : 0;
      const mayAnswer = reached || attempt < endpoints.length;
      const giveUpAtMs = mayAnswer ? deadline : Math.min(deadline, startedAtMs + refusedTimeoutMs);
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

  async function authenticate(time: Time): Promise<string> {
    const body = JSON.stringify(options.user);
    const answer = await send({ method: "POST", path: authenticatePath, body }, undefined, time);
    return (JSON.parse(answer) as { readonly token?: string }).token ?? "";
  }

  /** Asks whether names are known, and if so for a revision before the first of them. */
  async function openSession(time: Time): Promise<WriterSession | null> {
    try {
      await send({ method: "GET", path: "/holdfast/v1/status" }, undefined, time);
    } catch (error) {
      if (error instanceof GatewayError && error.status === 404) return null;
      throw error;
    }
    // About a lease that nobody has any user may ask, and the answer is as fresh as that of a read.
    const question = { method: "POST", path: "/v3/lease/timetolive", body: '{"ID":"1"}' } as const;
    const answer = JSON.parse(await send(question, undefined, time)) as Json;
    return writerSession(readHeader(answer).header.revision);
  }

  async function callOnce(
    path: string,
    document: Json,
    { reads = false, ...call }: CallOptions & { readonly reads?: boolean } = {},
  ): Promise<Json> {
    const request: GatewayRequest = { method: "POST", path: `/v3${path}`, body: JSON.stringify(document) };
    const unnamed: NamedWrite = { session: null, sequence: 0 };
    // One that is sent once may as well wait for its answer.
    const time = reads ? timeOf(call) : { ...timeOf(call), attemptMs: Infinity };
    return JSON.parse(await send(request, reads ? undefined : unnamed, time)) as Json;
  }

  async function* stream(path: string, document: Json, call?: CallOptions): AsyncGenerator<Json> {
    const time = timeOf(call);
    const tried = new Map<string, Error>();
    for (const origin of endpoints) {
      const token = (await login?.token(() => authenticate(time))) ?? "";
      const lines = lineStream(connections, {
        url: `${origin}/v3${path}`,
        headers: token === "" ? {} : { authorization: token },
        body: JSON.stringify(document),
        silenceMs: call?.timeoutMs ?? timeoutMs,
      });
      let hasBegun = false;
      try {
        for await (const line of lines) {
          time.signal?.throwIfAborted();
          hasBegun = true;
          yield streamed(line);
        }
        return;
      } catch (error) {
        if (error instanceof StreamRefusedError) throw decodeGatewayError(error.status, error.body);
        if (hasBegun) throw error;
        tried.set(origin, error as Error);
      }
    }
    throw new UnreachableError(tried);
  }

  function timeOf(call: CallOptions = {}): Time {
    return { deadline: performance.now() + (call.timeoutMs ?? timeoutMs), signal: call.signal };
  }

  return {
    range: (request, call) => read("/v3/kv/range", encodeRange(request), readRange, call),
    put: (request, call) => write("/v3/kv/put", encodePut(request), readPut, call),
    deleteRange: (request, call) => write("/v3/kv/deleterange", encodeDeleteRange(request), readDeleteRange, call),
    txn: (request, call) => write("/v3/kv/txn", encodeTxn(request), readTxn, call),
    compact: (request, call) => write("/v3/kv/compaction", { revision: String(request.revision) }, readHeader, call),
    leaseGrant: (request, call) => write("/v3/lease/grant", encodeLeaseGrant(request), readLeaseGrant, call),
    leaseRevoke: (request, call) => write("/v3/lease/revoke", encodeLeaseId(request), readHeader, call),
    // A keep-alive may come twice: it needs no name.
    leaseKeepAlive: (request, call) => read("/v3/lease/keepalive", encodeLeaseId(request), readLeaseKeepAlive, call),
    leaseTimeToLive: (request, call) =>
      read("/v3/lease/timetolive", encodeLeaseTimeToLive(request), readLeaseTimeToLive, call),
    leases: (call) => read("/v3/lease/leases", {}, readLeases, call),
    watch: (request, call = {}) =>
      watchGateway(request, {
        endpoints,
        connections,
        attemptTimeoutMs,
        timeoutMs: call.timeoutMs ?? timeoutMs,
        signal: call.signal,
        headers: async () => {
          const token = (await login?.token(() => authenticate(timeOf(call)))) ?? "";
          return token === "" ? {} : { authorization: token };
        },
      }),
    call: callOnce,
    stream,
    close: () => connections.close(),
  };
}

const readHeader = withHeader(() => ({}));
const readRange = withHeader(decodeRange);
const readPut = withHeader(decodePut);
const readDeleteRange = withHeader(decodeDeleteRange);
const readTxn = withHeader(decodeTxn);
const readLeaseGrant = withHeader(decodeLeaseGrant);
const readLeaseTimeToLive = withHeader(decodeLeaseTimeToLive);
const readLeases = withHeader(decodeLeases);
const readKeepAlive = withHeader(decodeLeaseKeepAlive);
/** The one answer of a stream. */
const readLeaseKeepAlive = (json: Json): Answer<LeaseKeepAliveResponse> => readKeepAlive(json["result"] as Json);

/** One line of a stream. @throws CoordinationError or GatewayError that it tells of */
function streamed(line: string): Json {
  const { result, error } = JSON.parse(line) as { readonly result?: Json; readonly error?: { http_code?: number } };
  if (error !== undefined) throw decodeGatewayError(error.http_code ?? 500, JSON.stringify(error));
  return result ?? {};
}

type GatewayRequest = Pick<ExchangeRequest, "method" | "path" | "body">;

interface Time {
  readonly deadline: number;
  /** How long one endpoint may take, where it is another time than most requests'. */
  readonly attemptMs?: number;
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
  return { error, final: !passing, mayBeApplied: !refusedUnread.has(error.code) };
}

/** A member says so before it looks at what is asked. */
const refusedUnread: ReadonlySet<string> = new Set(["TOO_MANY_REQUESTS", "NOT_AT_LEARNER"]);

/** Doubles each round, with jitter so that clients do not come back together. */
function backoff(round: number): number {
  const ceiling = Math.min(backoffMs.last, backoffMs.first * 2 ** (round - 1));
  return ceiling * (0.5 + Math.random() / 2);
}
