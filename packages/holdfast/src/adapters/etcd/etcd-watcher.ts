import {
  CoordinationError,
  type ResponseHeader,
  type WatchCancelReason,
  type Watcher,
  type WatchOptions,
  type WatchRequest,
  type WatchResponse,
} from "../../coordination/index.ts";
import type { HoldfastError } from "../../errors/base.ts";
import { systemClock } from "../../runtime/system.ts";
import { toBigInt, toSafeInteger } from "../etcd-protocol/index.ts";
import type { EtcdStream } from "./endpoint.ts";
import { Rounds } from "./endpoint-pool.ts";
import { tokenOf, type EtcdCaller } from "./etcd-caller.ts";
import type { EtcdError } from "./etcd-error.ts";
import { watchMessage } from "./request-messages.ts";
import { toEvent, toHeader, type WatchMessage } from "./response-messages.ts";
import { WatchProgress } from "./watch-progress.ts";
import { cancelError, openWatchStream, type WatchStreamOptions } from "./watch-stream.ts";

const defaultMaxBytes = 1_572_864;
/** Responses that wait to be pulled before the server is held back. */
const maxQueued = 16;

type Pulled = IteratorResult<WatchResponse, undefined>;

interface Pull {
  readonly resolve: (result: Pulled) => void;
  readonly reject: (reason: unknown) => void;
}

const over: Pulled = { value: undefined, done: true };

/** A watch on any etcd: a stream of its own, and another one, from where it was, whenever that breaks. */
export class EtcdWatcher implements Watcher {
  readonly #caller: EtcdCaller;
  readonly #request: WatchRequest;
  readonly #options: WatchStreamOptions;
  readonly #onOver: () => void;
  readonly #pulls: Pull[] = [];
  #queue: WatchResponse[] = [];
  #stream: EtcdStream | undefined;
  #header: ResponseHeader | undefined;
  #progress: WatchProgress | undefined;
  #progressWanted = false;
  #ended = false;
  #failure: { readonly reason: unknown } | undefined;
  #stopListening: (() => void) | undefined;

  /** @param onOver called once, when it is over */
  constructor(caller: EtcdCaller, request: WatchRequest, options: WatchOptions, onOver: () => void) {
    this.#caller = caller;
    this.#request = request;
    this.#options = { requireLeader: options.requireLeader === true, token: tokenOf(options) };
    this.#onOver = onOver;
    const { signal } = options;
    if (signal === undefined) return;
    const onAbort = (): void => this.#fail(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    this.#stopListening = () => signal.removeEventListener("abort", onAbort);
  }

  get header(): ResponseHeader {
    return this.#header as ResponseHeader;
  }

  get startRevision(): number {
    const { startRevision = 0 } = this.#request;
    return startRevision === 0 ? this.header.revision + 1 : startRevision;
  }

  /** Starts the watch. @throws CoordinationError, EtcdError when that fails in the time of a request */
  async start(): Promise<void> {
    try {
      await this.#open(systemClock.now() + this.#caller.pool.settings.requestTimeoutMs);
    } catch (error) {
      this.#fail(error);
    }
    if (this.#failure !== undefined) throw this.#failure.reason;
  }

  next(): Promise<Pulled> {
    return new Promise((resolve, reject) => {
      const value = this.#queue.shift();
      if (value !== undefined) {
        if (this.#queue.length < maxQueued / 2) this.#stream?.resume();
        resolve({ value, done: false });
      } else if (this.#failure !== undefined) {
        reject(this.#failure.reason);
        this.#failure = undefined;
      } else if (this.#ended) {
        resolve(over);
      } else {
        this.#pulls.push({ resolve, reject });
      }
    });
  }

  requestProgress(): void {
    this.#progressWanted = true;
    this.#stream?.write({ progress_request: {} });
  }

  async close(): Promise<void> {
    this.#queue = [];
    this.#end();
  }

  async return(): Promise<Pulled> {
    await this.close();
    return over;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Ends it because its client is closed. */
  stop(): void {
    if (this.#header === undefined) this.#fail(new CoordinationError("STOPPED"));
    else this.#cancel("STOPPED");
  }

  /** Ends it with a last response, after those that wait. */
  #cancel(cancelReason: WatchCancelReason, compactRevision?: number): void {
    if (this.#ended) return;
    this.#deliver({
      header: this.header,
      events: [],
      canceled: true,
      cancelReason,
      ...(compactRevision === undefined ? {} : { compactRevision }),
    });
    this.#end();
  }

  /** Opens a stream and goes on from where the watch was; until the deadline, if there is one. */
  async #open(deadline: number = Infinity): Promise<void> {
    const { pool, token } = this.#caller;
    const rounds = new Rounds(pool);
    let last: HoldfastError | undefined;
    let leaderless = 0;
    let renewals = 0;
    while (!this.#ended) {
      const from = this.#progress?.resume() ?? this.#request.startRevision ?? 0;
      const options = { ...this.#options, isFirst: this.#header === undefined };
      const opening = await openWatchStream(this.#caller, watchMessage(this.#request, from), options, {
        onOpened: (stream, header) => this.#onOpened(stream, header),
        onMessage: (message) => this.#onMessage(message),
        onEnd: () => void this.#onStreamEnd(),
      });
      if (opening.type === "opened") return;
      if (opening.type === "refused") throw opening.error;
      if (opening.type === "unauthenticated") {
        if (this.#options.token !== undefined || !token.isNeeded || renewals++ > 0) throw opening.error;
        token.drop(opening.token);
        continue;
      }
      last = opening.error ?? last;
      if (this.#options.requireLeader && opening.error?.code === "NO_LEADER" && ++leaderless >= pool.size)
        throw opening.error;
      if (systemClock.now() >= deadline) throw last ?? (await pool.unreachable());
      await rounds.next(deadline);
    }
  }

  #onOpened(stream: EtcdStream, header: ResponseHeader): void {
    if (this.#ended) {
      stream.cancel();
      return;
    }
    this.#stream = stream;
    this.#header ??= header;
    const { maxBytes = defaultMaxBytes, fragment = false } = this.#request;
    this.#progress ??= new WatchProgress({ startRevision: this.startRevision, maxBytes, fragment });
    if (this.#queue.length >= maxQueued) stream.pause();
    if (this.#progressWanted) stream.write({ progress_request: {} });
  }

  #onMessage(message: WatchMessage): void {
    const progress = this.#progress;
    if (this.#ended || progress === undefined) return;
    const header = toHeader(message);
    if (message.canceled) {
      const compactRevision = toSafeInteger(message.compact_revision);
      if (compactRevision > 0) this.#cancel("COMPACTED", compactRevision);
      else this.#onCanceled(cancelError(message.cancel_reason));
    } else if (message.events.length > 0) {
      const { events, fragment } = message;
      for (const response of progress.take({ header, events: events.map(toEvent), fragment })) this.#deliver(response);
    } else {
      // One that was asked for is of no watch in particular, and etcd before 3.4.25 lets it overtake events.
      if (toBigInt(message.watch_id) === -1n) this.#progressWanted = false;
      else progress.reached(header.revision);
      this.#deliver({ header, events: [], progress: true });
    }
  }

  /** A server that stops, or is without a leader, is not the end: there are others. */
  #onCanceled(reason: CoordinationError | EtcdError): void {
    if (reason.code === "STOPPED" || reason.code === "NO_LEADER") this.#stream?.cancel();
    else this.#fail(reason);
  }

  async #onStreamEnd(): Promise<void> {
    this.#stream = undefined;
    if (this.#ended) return;
    try {
      await this.#open();
    } catch (failure) {
      if (CoordinationError.is(failure) && failure.code === "NO_LEADER") this.#cancel("NO_LEADER");
      else this.#fail(failure);
    }
  }

  #deliver(response: WatchResponse): void {
    const pull = this.#pulls.shift();
    if (pull !== undefined) {
      pull.resolve({ value: response, done: false });
      return;
    }
    this.#queue.push(response);
    if (this.#queue.length >= maxQueued) this.#stream?.pause();
  }

  #fail(reason: unknown): void {
    if (this.#ended) return;
    this.#queue = [];
    const pull = this.#pulls.shift();
    if (pull === undefined) this.#failure = { reason };
    else pull.reject(reason);
    this.#end();
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#stopListening?.();
    this.#stream?.cancel();
    this.#stream = undefined;
    for (const pull of this.#pulls.splice(0)) pull.resolve(over);
    this.#onOver();
  }
}
