import type { CommandOperation } from "../key-value/command.ts";
import { encodeCommand } from "../key-value/command-codec.ts";
import type { Answer, Coordination, RequestIdentity, RequestOptions, ResponseHeader } from "../coordination.ts";
import { CoordinationError } from "../coordination-error.ts";
import type { RangeResponse } from "../key-value/key-value.ts";
import type { LeaseKeepAliveResponse, LeasesResponse, LeaseTimeToLiveResponse } from "../leases/lease.ts";
import { decodeOutcome, readRangeResponse } from "../key-value/outcome-codec.ts";
import { answered, RemoteCalls } from "./remote-calls.ts";
import {
  encodeLease,
  encodeRangeRequest,
  encodeTimeToLiveRequest,
  readKeepAlive,
  readLeases,
  readTimeToLive,
} from "./remote-codec.ts";
import { RemoteLogin } from "./remote-login.ts";
import { checkRemoteOptions, type RemoteOptions } from "./remote-options.ts";
import type { RequestKind } from "./remote-protocol.ts";
import { RemoteSessions, type NamedRequest } from "./remote-sessions.ts";
import { failRemoteSpan, startRemoteSpan } from "./remote-trace.ts";
import { RemoteWatcher } from "./remote-watcher.ts";
import { unlessAborted } from "../recipes/until-answered.ts";
import {
  validateCompact,
  validateDeleteRange,
  validateIdentity,
  validateLeaseGrant,
  validateLeaseId,
  validatePut,
  validateRange,
} from "../key-value/validate-request.ts";
import type { Span } from "../../telemetry/index.ts";
import type { ByteReader } from "../../wire/index.ts";
import { readWatchRequest } from "../watches/watch-filter.ts";

/** A cluster that runs elsewhere, over Holdfast's own protocol. */
export interface RemoteCoordination extends Coordination, AsyncDisposable {
  /** Ends watches with STOPPED, gives up on requests, and closes the connection. Idempotent. */
  close(): Promise<void>;
}

const nothing = new Uint8Array(0);

/**
 * A cluster's members as one `Coordination`: requests share a connection to one of them, and go to another when it
 * fails. Every write has a name, so that it is applied once however often it is sent; reads are asked again; watches go
 * on where they were.
 *
 * Rejects with CoordinationError, and with RemoteError where the fault lies on the way.
 *
 * @throws InvalidArgumentError naming the option that breaks its rule
 * @example
 * await using cluster = remoteCoordination({ runtime: nodeRuntime(), endpoints: ["127.0.0.1:2379"] });
 * await cluster.put({ key: new TextEncoder().encode("a"), value: new TextEncoder().encode("1") });
 */
export function remoteCoordination(options: RemoteOptions): RemoteCoordination {
  const settings = checkRemoteOptions(options);
  const { clock, random } = settings.runtime;
  const calls = new RemoteCalls(settings);
  const login = new RemoteLogin(calls, settings.credentials);
  const sessions = new RemoteSessions(random.fork("remote sessions"), () =>
    ask("revision", nothing, {}, (_, header) => header.revision),
  );

  /** In a span of its own, where there are any. */
  async function ask<T>(
    kind: RequestKind,
    content: Uint8Array,
    options: RequestOptions,
    read: (reader: ByteReader, header: ResponseHeader) => T,
    method: string = kind,
  ): Promise<T> {
    if (settings.tracer === undefined) return askNow(kind, content, options, read, undefined);
    const span = startRemoteSpan(settings.tracer, "client", method);
    try {
      const answer = await askNow(kind, content, options, read, span);
      span.end();
      return answer;
    } catch (error) {
      failRemoteSpan(span, "client", error);
      throw error;
    }
  }

  async function askNow<T>(
    kind: RequestKind,
    content: Uint8Array,
    { credentials, signal, timeoutMs = settings.timeoutMs }: RequestOptions,
    read: (reader: ByteReader, header: ResponseHeader) => T,
    span: Span | undefined,
  ): Promise<T> {
    const token = login.token(credentials);
    const call = { kind, content, timeoutMs, signal, span, read };
    try {
      return await calls.add({ ...call, token: typeof token === "string" ? token : await token });
    } catch (error) {
      if (!(await login.isRenewed(error, credentials))) throw error;
      return calls.add({ ...call, token: await login.token(credentials) });
    }
  }

  async function write<T extends object>(
    operation: CommandOperation,
    request: RequestOptions = {},
  ): Promise<Answer<T>> {
    const { identity, signal, timeoutMs = settings.timeoutMs } = request;
    signal?.throwIfAborted();
    if (identity !== undefined) {
      validateIdentity(identity);
      return send(operation, identity, request);
    }
    const deadline = clock.now() + timeoutMs;
    const begun = sessions.begin();
    const named = begun instanceof Promise ? await unlessGivenUp(begun, signal) : begun;
    try {
      const left = begun instanceof Promise ? { timeoutMs: Math.max(1, deadline - clock.now()) } : {};
      return await send(operation, named.identity, { ...request, ...left });
    } catch (error) {
      if (CoordinationError.is(error) && error.code === "SESSION_EXPIRED") sessions.drop(named.session);
      throw error;
    } finally {
      named.session.end(named.identity);
    }
  }

  function send<T extends object>(
    operation: CommandOperation,
    identity: RequestIdentity,
    request: RequestOptions,
  ): Promise<Answer<T>> {
    const decode = (reader: ByteReader, header: ResponseHeader): Answer<T> => {
      const outcome = decodeOutcome(reader.bytes(reader.remaining, "outcome"));
      if (outcome.type === "refused") throw outcome.error;
      return answered(outcome.response, header) as Answer<T>;
    };
    return ask("command", encodeCommand({ identity, operation }), request, decode, operation.type);
  }

  async function read<T extends object>(
    kind: RequestKind,
    content: () => Uint8Array,
    request: RequestOptions = {},
    decode: (reader: ByteReader) => T,
  ): Promise<Answer<T>> {
    request.signal?.throwIfAborted();
    return ask(kind, content(), request, (reader, header) => {
      const response = decode(reader);
      reader.end("answer");
      return answered(response, header);
    });
  }

  const close = async (): Promise<void> => calls.close();
  return {
    range: (request, given) =>
      read<RangeResponse>(
        "range",
        () => (validateRange(request), encodeRangeRequest(request)),
        given,
        readRangeResponse,
      ),
    async put(request, given) {
      validatePut(request);
      return write({ type: "put", request }, given);
    },
    async deleteRange(request, given) {
      validateDeleteRange(request);
      return write({ type: "deleteRange", request }, given);
    },
    // How many operations a transaction may have is for the member to say.
    txn: (request, given) => write({ type: "txn", request }, given),
    async compact(request, given) {
      validateCompact(request);
      return write({ type: "compact", request }, given);
    },
    async watch(request, given = {}) {
      given.signal?.throwIfAborted();
      readWatchRequest(request);
      const token = await login.token(given.credentials);
      given.signal?.throwIfAborted();
      const watcher = new RemoteWatcher(calls, login, request, given, token);
      await watcher.start();
      return watcher;
    },
    async leaseGrant(request, given) {
      validateLeaseGrant(request);
      const { id = 0n, ttlSeconds } = request;
      return write({ type: "leaseGrant", request: { id, ttlSeconds } }, given);
    },
    async leaseRevoke(request, given) {
      validateLeaseId(request);
      return write({ type: "leaseRevoke", request }, given);
    },
    leaseKeepAlive: (request, given) =>
      read<LeaseKeepAliveResponse>(
        "leaseKeepAlive",
        () => (validateLeaseId(request), encodeLease(request.id)),
        given,
        readKeepAlive,
      ),
    leaseTimeToLive: (request, given) =>
      read<LeaseTimeToLiveResponse>(
        "leaseTimeToLive",
        () => (validateLeaseId(request), encodeTimeToLiveRequest(request)),
        given,
        readTimeToLive,
      ),
    leases: (given) => read<LeasesResponse>("leases", () => nothing, given, readLeases),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** A name that nobody waits for any more is not used. */
function unlessGivenUp(begun: Promise<NamedRequest>, signal: AbortSignal | undefined): Promise<NamedRequest> {
  if (signal === undefined) return begun;
  return unlessAborted(begun, signal).catch((error: unknown) => {
    begun.then(
      ({ session, identity }) => session.end(identity),
      () => undefined,
    );
    throw error;
  });
}
