import type { Span } from "../../telemetry/index.ts";
import type { ByteReader } from "../../wire/index.ts";
import type { ResponseHeader } from "../coordination.ts";
import { CoordinationError } from "../coordination-error.ts";
import { writeTerms, writeWatch } from "./remote-codec.ts";
import type { LineUser, RemoteCalls } from "./remote-calls.ts";
import { readError } from "./remote-error.ts";
import type { RemoteLine } from "./remote-line.ts";
import type { RemoteLogin } from "./remote-login.ts";
import type { AnswerKind } from "./remote-protocol.ts";
import { askAnother } from "./require-voter.ts";
import { readWatchResponse } from "./remote-watch-codec.ts";
import { failRemoteSpan, startRemoteSpan } from "./remote-trace.ts";
import { WatchProgress } from "./remote-watch-progress.ts";
import type { Watcher, WatchOptions, WatchRequest, WatchResponse } from "../watches/watch.ts";

type Pulled = IteratorResult<WatchResponse, undefined>;

interface Pull {
  readonly resolve: (result: Pulled) => void;
  readonly reject: (reason: unknown) => void;
}

const over: Pulled = { value: undefined, done: true };
/** A member that refuses to take up a watch may do so a little later. */
const againMs = 200;

/** A watch on a member elsewhere, which goes on over another line, from where it was, whenever one is lost. */
export class RemoteWatcher implements Watcher, LineUser {
  readonly #calls: RemoteCalls;
  readonly #login: RemoteLogin;
  readonly #request: WatchRequest;
  readonly #options: WatchOptions;
  readonly #started: PromiseWithResolvers<void> = Promise.withResolvers();
  readonly #deadline: number;
  readonly #id: number;
  readonly #pulls: Pull[] = [];
  readonly #progress: WatchProgress;
  #queue: WatchResponse[] = [];
  #header: ResponseHeader | undefined;
  #token = "";
  #isOpen = false;
  #openAt = 0;
  /** Responses taken since the member was last told how many more may come. */
  #owed = 0;
  #progressWanted = false;
  #leaderless = 0;
  #turnedAway = 0;
  #ended = false;
  /** Of the time until a member has taken it up; what it tells later belongs to no trace. */
  #span: Span | undefined;
  #failure: { readonly reason: unknown } | undefined;

  constructor(calls: RemoteCalls, login: RemoteLogin, request: WatchRequest, options: WatchOptions, token: string) {
    this.#calls = calls;
    this.#login = login;
    this.#request = request;
    this.#options = options;
    this.#token = token;
    this.#progress = new WatchProgress(request.startRevision ?? 0);
    this.#deadline = calls.settings.runtime.clock.now() + calls.settings.timeoutMs;
    const { tracer } = calls.settings;
    this.#span = tracer && startRemoteSpan(tracer, "client", "watch");
    options.signal?.addEventListener("abort", this.#onAbort, { once: true });
    this.#id = calls.attach(this);
    const line = calls.dialer.ready;
    if (line !== undefined) this.#open(line);
  }

  get header(): ResponseHeader {
    return this.#header!;
  }

  get startRevision(): number {
    return this.#progress.startRevision;
  }

  /** Resolves when a member has taken it up. @throws CoordinationError, RemoteError; the signal's reason */
  start(): Promise<void> {
    return this.#started.promise;
  }

  next(): Promise<Pulled> {
    return new Promise((resolve, reject) => {
      const value = this.#queue.shift();
      if (value !== undefined) {
        this.#taken();
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
    if (this.#ended) return;
    this.#progressWanted = true;
    if (this.#isOpen) this.#calls.dialer.ready?.send("progress", this.#id);
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

  onReady(line: RemoteLine): void {
    this.#open(line);
  }

  onLost(): void {
    this.#isOpen = false;
    this.#openAt = 0;
  }

  onAnswer(kind: AnswerKind, reader: ByteReader, line: RemoteLine): void {
    if (this.#ended) return;
    if (kind === "error") {
      void this.#onError(readError(reader));
      return;
    }
    const header = line.readHeader(reader);
    if (kind === "told") this.#onTold(readWatchResponse(reader, header));
    else if (kind === "watching") this.#onWatching(header, reader.varint("watching.startRevision"), line);
  }

  tick(now: number): void {
    if (this.#header === undefined && now >= this.#deadline) {
      this.#fail(this.#openAt > 0 ? new CoordinationError("TIMED_OUT") : this.#calls.unreachable());
    } else if (!this.#isOpen && this.#openAt > 0 && now >= this.#openAt) {
      const line = this.#calls.dialer.ready;
      if (line !== undefined) this.#open(line);
    }
  }

  stop(): void {
    if (this.#header === undefined) this.#fail(new CoordinationError("STOPPED"));
    else this.#cancel({ header: this.#header, events: [], canceled: true, cancelReason: "STOPPED" });
  }

  readonly #onAbort = (): void => this.#fail(this.#options.signal?.reason);

  #open(line: RemoteLine): void {
    // Until then it is not asked for again on this line.
    this.#openAt = Infinity;
    this.#owed = 0;
    const { requireLeader = false } = this.#options;
    const credit = Math.max(1, this.#calls.settings.maxWatchResponses - this.#queue.length);
    const { startRevision: _, ...request } = this.#request;
    const startRevision = this.#progress.resume();
    if (this.#span !== undefined) line.sendTrace(this.#id, this.#span);
    line.send("watch", this.#id, (writer) => {
      writeTerms(writer, { timeoutMs: 0, token: this.#token });
      writeWatch(writer, { request: { ...request, startRevision }, requireLeader, credit });
    });
  }

  #onWatching(header: ResponseHeader, startRevision: number, line: RemoteLine): void {
    this.#isOpen = true;
    this.#leaderless = 0;
    this.#turnedAway = 0;
    this.#header ??= header;
    this.#progress.begin(startRevision);
    this.#span?.end();
    this.#span = undefined;
    if (this.#progressWanted) line.send("progress", this.#id);
    this.#started.resolve();
  }

  #onTold(response: WatchResponse): void {
    if (response.canceled === true) {
      this.#isOpen = false;
      if (response.cancelReason === "COMPACTED") this.#cancel(response);
      else if (response.cancelReason === "STOPPED") this.#calls.dialer.leave(new CoordinationError("STOPPED"));
      else this.#withoutLeader(response);
      return;
    }
    if (response.progress === true) this.#progressWanted = false;
    const told = this.#progress.take(response);
    if (told === undefined) {
      this.#taken();
      return;
    }
    const pull = this.#pulls.shift();
    if (pull === undefined) {
      this.#queue.push(told);
    } else {
      this.#taken();
      pull.resolve({ value: told, done: false });
    }
  }

  /** Every member is asked before it is the cluster that has no leader. */
  #withoutLeader(last: WatchResponse | undefined): void {
    const error = new CoordinationError("NO_LEADER");
    if (++this.#leaderless < this.#calls.settings.endpoints.length) this.#calls.dialer.leave(error);
    else if (last === undefined) this.#fail(error);
    else this.#cancel(last);
  }

  /** Likewise; but one that had been taken up waits for a member that does so again. */
  #turnAway(error: Error): void {
    if (++this.#turnedAway < this.#calls.settings.endpoints.length) return this.#calls.dialer.leave(error);
    this.#turnedAway = 0;
    if (this.#header === undefined) this.#fail(error);
    else this.#openSoon();
  }

  async #onError(error: Error & { readonly code: string }): Promise<void> {
    this.#isOpen = false;
    if (error.code === "STOPPED") return this.#calls.dialer.leave(error);
    if (error.code === "NO_LEADER") {
      const { header } = this;
      const last = { header, events: [], canceled: true, cancelReason: "NO_LEADER" } as const;
      return this.#withoutLeader(header === undefined ? undefined : last);
    }
    if (askAnother.has(error.code)) return this.#turnAway(error);
    if (error.code === "TOO_MANY_REQUESTS" && this.#header !== undefined) return this.#openSoon();
    const { credentials } = this.#options;
    try {
      if (!(await this.#login.isRenewed(error, credentials))) return this.#fail(error);
      this.#token = await this.#login.token(credentials);
      this.#openSoon();
    } catch (failure) {
      this.#fail(failure);
    }
  }

  #openSoon(): void {
    this.#openAt = this.#calls.settings.runtime.clock.now() + againMs;
  }

  /** A response has reached whoever watches; the member may send another. */
  #taken(): void {
    const { maxWatchResponses } = this.#calls.settings;
    this.#owed++;
    if (!this.#isOpen || this.#owed < Math.max(1, maxWatchResponses >> 1)) return;
    const credit = this.#owed;
    this.#owed = 0;
    this.#calls.dialer.ready?.send("credit", this.#id, (writer) => writer.varint(credit));
  }

  /** Ends it with a last response, after those that wait. */
  #cancel(last: WatchResponse): void {
    if (this.#ended) return;
    const pull = this.#pulls.shift();
    if (pull === undefined) this.#queue.push(last);
    else pull.resolve({ value: last, done: false });
    this.#end();
  }

  #fail(reason: unknown): void {
    if (this.#ended) return;
    this.#queue = [];
    if (this.#span !== undefined) failRemoteSpan(this.#span, "client", reason);
    this.#started.reject(reason);
    const pull = this.#pulls.shift();
    if (pull !== undefined) pull.reject(reason);
    else if (this.#header !== undefined) this.#failure = { reason };
    this.#end();
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#span?.end();
    this.#options.signal?.removeEventListener("abort", this.#onAbort);
    this.#calls.detach(this.#id);
    for (const pull of this.#pulls.splice(0)) pull.resolve(over);
  }
}
