import { setTimeout as delay } from "node:timers/promises";
import { CoordinationError, type WatchEvent, type WatchRequest } from "holdfast/coordination";
import type { Connections } from "./connections.ts";
import { decodeGatewayError, GatewayError, UnreachableError } from "./gateway-error.ts";
import { decodePair, type Json } from "./gateway-json.ts";
import { lineStream, StreamRefusedError, type LineStreamRequest } from "./line-stream.ts";

/** What a watch may ask for over the gateway. */
export type GatewayWatchRequest = Pick<
  WatchRequest,
  "key" | "rangeEnd" | "startRevision" | "previousPairs" | "noPut" | "noDelete"
>;

/** Events that a member told together, whole revisions. */
export interface GatewayWatchResponse {
  /** Everything up to there has been told. */
  readonly revision: number;
  readonly events: readonly WatchEvent[];
}

export interface GatewayWatchOptions {
  readonly endpoints: readonly string[];
  readonly connections: Connections;
  /** What else goes with a request. */
  readonly headers: () => Promise<Readonly<Record<string, string>>>;
  /** One endpoint that does not answer is left after this time. */
  readonly attemptTimeoutMs: number;
  /** Gives up when no endpoint has carried the watch for so long. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

const pauseMs = 100;

/**
 * Watches through one endpoint after the other, going on where the last one ended: every change once, in order.
 *
 * @throws CoordinationError COMPACTED when changes that were not told are gone; UnreachableError when nobody serves it
 */
export async function* watchGateway(
  request: GatewayWatchRequest,
  { endpoints, connections, headers, attemptTimeoutMs, timeoutMs, signal }: GatewayWatchOptions,
): AsyncGenerator<GatewayWatchResponse, void, undefined> {
  let next = request.startRevision ?? 0;
  let tried = new Map<string, Error>();
  let servedAtMs = performance.now();
  for (let attempt = 0; ; attempt++) {
    const origin = endpoints[attempt % endpoints.length] ?? "";
    try {
      const body = JSON.stringify({ create_request: encodeWatch({ ...request, startRevision: next }) });
      const stream = { url: `${origin}/v3/watch`, headers: await headers(), body, signal };
      for await (const line of promptLines(connections, stream, attemptTimeoutMs)) {
        const result = readLine(line);
        const revision = Number((result["header"] as Json | undefined)?.["revision"] ?? 0);
        servedAtMs = performance.now();
        tried = new Map();
        if (result["canceled"] === true) throw readCancel(result);
        if (result["created"] === true) {
          // From here on nothing may be missed, whoever tells it.
          if (next === 0) next = revision + 1;
          continue;
        }
        const events = ((result["events"] as readonly Json[] | undefined) ?? []).map(decodeEvent);
        const last = events.at(-1);
        if (last === undefined) continue;
        next = last.pair.modRevision + 1;
        yield { revision: last.pair.modRevision, events };
      }
      tried.set(origin, new Error("the member ended the stream"));
    } catch (error) {
      signal?.throwIfAborted();
      if (isFinal(error)) throw error;
      tried.set(origin, error as Error);
    }
    if (performance.now() - servedAtMs >= timeoutMs) throw new UnreachableError(tried);
    if ((attempt + 1) % endpoints.length === 0) await delay(pauseMs, undefined, signal === undefined ? {} : { signal });
  }
}

function isFinal(error: unknown): boolean {
  if (error instanceof GatewayError) return error.status < 500;
  return error instanceof CoordinationError && !error.retryable && error.code !== "TIMED_OUT";
}

/** The lines of one stream, the first of which must come soon. */
async function* promptLines(
  connections: Connections,
  request: LineStreamRequest,
  timeoutMs: number,
): AsyncGenerator<string, void, undefined> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
  const signal = request.signal === undefined ? late.signal : AbortSignal.any([request.signal, late.signal]);
  try {
    for await (const line of lineStream(connections, { ...request, signal })) {
      clearTimeout(timer);
      yield line;
    }
  } catch (error) {
    if (error instanceof StreamRefusedError) throw decodeGatewayError(error.status, error.body);
    throw late.signal.aborted ? late.signal.reason : error;
  } finally {
    clearTimeout(timer);
  }
}

/** @throws CoordinationError or GatewayError when the line tells a failure */
function readLine(line: string): Json {
  const { result, error } = JSON.parse(line) as { readonly result?: Json; readonly error?: Json };
  if (result === undefined) throw decodeGatewayError(Number(error?.["http_code"] ?? 500), line);
  return result;
}

function readCancel(result: Json): Error {
  if (result["compact_revision"] !== undefined) return new CoordinationError("COMPACTED");
  const { cancel_reason: reason = "the watch was cancelled" } = result as { readonly cancel_reason?: string };
  // etcd gives some of them as Go prints them.
  const message = reason.replace(/^rpc error: code = \w+ desc = /, "");
  return decodeGatewayError(400, JSON.stringify({ message }));
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");

function encodeWatch({ key, rangeEnd, startRevision, previousPairs, noPut, noDelete }: GatewayWatchRequest): Json {
  const filters = [...(noPut ? ["NOPUT"] : []), ...(noDelete ? ["NODELETE"] : [])];
  return {
    key: base64(key),
    ...(rangeEnd === undefined ? {} : { range_end: base64(rangeEnd) }),
    ...(startRevision ? { start_revision: String(startRevision) } : {}),
    ...(previousPairs ? { prev_kv: true } : {}),
    ...(filters.length === 0 ? {} : { filters }),
  };
}

function decodeEvent(event: Json): WatchEvent {
  return {
    type: event["type"] === "DELETE" ? "delete" : "put",
    pair: decodePair(event["kv"]),
    ...(event["prev_kv"] === undefined ? {} : { previousPair: decodePair(event["prev_kv"]) }),
  };
}
