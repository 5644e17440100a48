import { Agent } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { InvalidArgumentError } from "holdfast/errors";
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
import { exchange, type Exchange } from "./http-exchange.ts";
import { requestSequence } from "./request-sequence.ts";

export interface GatewayClientOptions {
  /** Origins of members' client ports, at least one; the first that answers is kept until it fails. */
  readonly endpoints: readonly string[];
  /** A whole request, failover included, gives up after this time. Default 5 000. */
  readonly timeoutMs?: number;
  /** One endpoint that does not answer is left after this time. Default 2 000. */
  readonly attemptTimeoutMs?: number;
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
 * cluster applies it once, so a write without an answer is sent again there. Elsewhere it is not: whether the cluster
 * knows names is asked (`GET /holdfast/v1/status`) when the first write is left without an answer.
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
  const { endpoints, timeoutMs = 5000, attemptTimeoutMs = 2000 } = options;
  if (endpoints.length === 0) throw new InvalidArgumentError("gatewayClient.endpoints", "must not be empty", endpoints);
  const agent = new Agent({ keepAlive: true, maxSockets: 256 });
  const names = requestSequence();
  let preferred = 0;
  let remembersNames: boolean | undefined;

  /** Asks until an endpoint says, or the time is over: then undefined. */
  async function knowsNames(deadline: number, signal: AbortSignal | undefined): Promise<boolean | undefined> {
    for (let attempt = 0; remembersNames === undefined; attempt++) {
      const pauseMs = attempt > 0 && attempt % endpoints.length === 0 ? backoff(attempt / endpoints.length) : 0;
      if (performance.now() + pauseMs >= deadline) return undefined;
      if (pauseMs > 0) await delay(pauseMs, undefined, signal === undefined ? {} : { signal });
      const answer = await exchange(agent, {
        origin: endpoints[(preferred + attempt) % endpoints.length] ?? "",
        method: "GET",
        path: "/holdfast/v1/status",
        timeoutMs: Math.max(1, Math.min(attemptTimeoutMs, deadline - performance.now())),
        ...(signal === undefined ? {} : { signal }),
      });
      signal?.throwIfAborted();
      if (answer.kind === "answered" && answer.status === 200) remembersNames = true;
      if (answer.kind === "answered" && answer.status === 404) remembersNames = false;
    }
    return remembersNames;
  }

  async function call<T>(
    path: string,
    request: Json,
    decode: (json: Json) => T,
    name: number | undefined,
    { timeoutMs: wholeMs = timeoutMs, signal }: CallOptions = {},
  ): Promise<T> {
    const deadline = performance.now() + wholeMs;
    const body = JSON.stringify(request);
    const tried = new Map<string, Error>();
    let mayBeApplied = false;
    for (let attempt = 1; ; attempt++) {
      signal?.throwIfAborted();
      const origin = endpoints[preferred % endpoints.length] ?? "";
      const answer = await exchange(agent, {
        origin,
        method: "POST",
        path,
        body,
        timeoutMs: Math.max(1, Math.min(attemptTimeoutMs, deadline - performance.now())),
        ...(name === undefined ? {} : { headers: { "holdfast-request": names.header(name) } }),
        ...(signal === undefined ? {} : { signal }),
      });
      if (answer.kind === "answered" && answer.status === 200) return decode(JSON.parse(answer.body) as Json);

      signal?.throwIfAborted();
      const failure = readFailure(answer);
      if (failure.final) throw failure.error;
      tried.set(origin, failure.error);
      mayBeApplied ||= name !== undefined && failure.mayBeApplied;
      preferred = (preferred + 1) % endpoints.length;

      const pauseMs = attempt % endpoints.length === 0 ? backoff(attempt / endpoints.length) : 0;
      const outOfTime = performance.now() + pauseMs >= deadline;
      if (mayBeApplied && (outOfTime || !(await knowsNames(deadline, signal)))) {
        throw new CoordinationError("TIMED_OUT", { cause: new UnreachableError(tried) });
      }
      if (outOfTime) throw new UnreachableError(tried);
      if (pauseMs > 0) await delay(pauseMs, undefined, signal === undefined ? {} : { signal });
    }
  }

  async function write<T>(path: string, request: Json, decode: (json: Json) => T, options?: CallOptions): Promise<T> {
    const name = names.begin();
    try {
      return await call(path, request, decode, name, options);
    } finally {
      names.finish(name);
    }
  }

  const readRange = withHeader(decodeRange);
  const readPut = withHeader(decodePut);
  const readDeleteRange = withHeader(decodeDeleteRange);
  const readTxn = withHeader(decodeTxn);
  return {
    range: (request, options) => call("/v3/kv/range", encodeRange(request), readRange, undefined, options),
    put: (request, options) => write("/v3/kv/put", encodePut(request), readPut, options),
    deleteRange: (request, options) =>
      write("/v3/kv/deleterange", encodeDeleteRange(request), readDeleteRange, options),
    txn: (request, options) => write("/v3/kv/txn", encodeTxn(request), readTxn, options),
    close: () => agent.destroy(),
  };
}

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
