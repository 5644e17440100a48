import {
  CoordinationError,
  isReadOnlyTxn,
  validateCompact,
  validateDeleteRange,
  validateIdentity,
  validateLeaseGrant,
  validateLeaseId,
  validatePut,
  validateRange,
  validateTxn,
  type Answer,
  type Coordination,
  type RequestOptions,
} from "../../coordination/index.ts";
import { fromBigInt, type WireMessage } from "../etcd-protocol/index.ts";
import { AuthToken } from "./auth-token.ts";
import { EndpointPool } from "./endpoint-pool.ts";
import { EtcdCaller, untilAborted } from "./etcd-caller.ts";
import { etcdMethods, type EtcdMethodName } from "./etcd-methods.ts";
import { checkEtcdOptions, type EtcdOptions } from "./etcd-options.ts";
import { EtcdWatcher } from "./etcd-watcher.ts";
import { KeepAlives } from "./keep-alives.ts";
import { deleteRangeMessage, leaseOf, putMessage, rangeMessage, txnMessage } from "./request-messages.ts";
import {
  toDeleteRange,
  toGrant,
  toHeader,
  toLeases,
  toPut,
  toRange,
  toTimeToLive,
  toTxn,
} from "./response-messages.ts";
import { checkWatchRequest } from "./watch-request.ts";

/** The key-value model of an etcd, or of a Holdfast cluster in other processes. */
export interface EtcdCoordination extends Coordination, AsyncDisposable {
  /**
   * Ends all watches and closes the connections. Requests that wait are rejected: reads with STOPPED, writes, which may
   * have been applied, with TIMED_OUT.
   */
  close(): Promise<void>;
}

/** How many operations a transaction may have is for the server to say. */
const anyCount = Number.MAX_SAFE_INTEGER;

/**
 * Coordination on any etcd from 3.4 on, Holdfast's servers included, over gRPC. It connects with the first request.
 *
 * All share one endpoint until it fails; then the next one in turn is used. Reads, keep-alives and the start of watches
 * are then repeated there; what changes something is never sent twice, and rejects with TIMED_OUT when its outcome is
 * unknown. Watches go on where they were.
 *
 * @throws InvalidArgumentError for an option that breaks its rule. Requests reject with CoordinationError, or with
 * EtcdError when no endpoint can be reached or etcd says what the model has no word for
 * @example
 * await using store = etcdCoordination({ endpoints: ["http://127.0.0.1:2379"] });
 * await store.put({ key: new TextEncoder().encode("a"), value: new TextEncoder().encode("1") });
 */
export function etcdCoordination(options: EtcdOptions): EtcdCoordination {
  const settings = checkEtcdOptions(options);
  const pool = new EndpointPool(settings);
  const caller = new EtcdCaller(pool, new AuthToken(settings.credentials));
  const keepAlives = new KeepAlives(caller);
  const watchers = new Set<EtcdWatcher>();

  function admit({ identity, signal }: Pick<RequestOptions, "identity" | "signal">): void {
    signal?.throwIfAborted();
    if (pool.closed) throw new CoordinationError("STOPPED");
    if (identity !== undefined) validateIdentity(identity);
  }

  async function read<T>(
    name: EtcdMethodName,
    message: WireMessage,
    convert: (message: WireMessage) => T,
    requestOptions: RequestOptions,
  ): Promise<Answer<T>> {
    // To name what is repeated anyway serves nothing.
    const { identity: _identity, ...others } = requestOptions;
    const answer = await caller.call(etcdMethods[name], message, { ...others, mutates: false });
    return { ...convert(answer), header: toHeader(answer) };
  }

  async function write<T>(
    name: EtcdMethodName,
    message: WireMessage,
    convert: (message: WireMessage) => T,
    requestOptions: RequestOptions,
  ): Promise<Answer<T>> {
    const answer = await caller.call(etcdMethods[name], message, { ...requestOptions, mutates: true });
    return { ...convert(answer), header: toHeader(answer) };
  }

  const nothing = (): Record<string, never> => ({});

  async function close(): Promise<void> {
    if (pool.closed) return;
    for (const watcher of watchers) watcher.stop();
    const closed = pool.close();
    await keepAlives.close();
    await closed;
  }

  return {
    async range(request, requestOptions = {}) {
      admit(requestOptions);
      validateRange(request);
      return read("range", rangeMessage(request), toRange, requestOptions);
    },
    async put(request, requestOptions = {}) {
      admit(requestOptions);
      validatePut(request);
      return write("put", putMessage(request), toPut, requestOptions);
    },
    async deleteRange(request, requestOptions = {}) {
      admit(requestOptions);
      validateDeleteRange(request);
      return write("deleteRange", deleteRangeMessage(request), toDeleteRange, requestOptions);
    },
    async txn(request, requestOptions = {}) {
      admit(requestOptions);
      validateTxn(request, anyCount);
      const send = isReadOnlyTxn(request) ? read : write;
      return send("txn", txnMessage(request), toTxn, requestOptions);
    },
    async compact(request, requestOptions = {}) {
      admit(requestOptions);
      validateCompact(request);
      return write("compact", { revision: request.revision }, nothing, requestOptions);
    },
    async watch(request, watchOptions = {}) {
      admit(watchOptions);
      checkWatchRequest(request);
      const watcher: EtcdWatcher = new EtcdWatcher(caller, request, watchOptions, () => watchers.delete(watcher));
      watchers.add(watcher);
      const { signal } = watchOptions;
      await (signal === undefined ? watcher.start() : untilAborted(signal, watcher.start()));
      return watcher;
    },
    async leaseGrant(request, requestOptions = {}) {
      admit(requestOptions);
      validateLeaseGrant(request);
      const message = { ID: leaseOf(request.id), TTL: request.ttlSeconds };
      return write("leaseGrant", message, toGrant, requestOptions);
    },
    async leaseRevoke(request, requestOptions = {}) {
      admit(requestOptions);
      validateLeaseId(request);
      return write("leaseRevoke", { ID: fromBigInt(request.id) }, nothing, requestOptions);
    },
    async leaseKeepAlive(request, requestOptions = {}) {
      admit(requestOptions);
      validateLeaseId(request);
      return keepAlives.renew(request.id, requestOptions);
    },
    async leaseTimeToLive(request, requestOptions = {}) {
      admit(requestOptions);
      validateLeaseId(request);
      const message = { ID: fromBigInt(request.id), keys: request.keys };
      return read("leaseTimeToLive", message, toTimeToLive, requestOptions);
    },
    async leases(requestOptions = {}) {
      admit(requestOptions);
      return read("leases", {}, toLeases, requestOptions);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
