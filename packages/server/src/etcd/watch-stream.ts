import {
  CoordinationError,
  type Member,
  type Watcher,
  type WatchRequest,
  type WatchResponse,
} from "holdfast/coordination";
import { HoldfastError } from "holdfast/errors/base";
import type { StreamCall } from "./method.ts";
import { statusOf } from "./status.ts";
import {
  encodeWatchId,
  frameNotice,
  frameWatchResponse,
  fromNotice,
  fromWatchResponse,
  isEmptyRange,
  type WatchNotice,
} from "./watch-messages.ts";
import { WatchOutbox } from "./watch-outbox.ts";
import { watchRounds } from "./watch-rounds.ts";

interface Watch {
  readonly id: bigint;
  readonly idBytes: Buffer;
  readonly watcher: Watcher;
  readonly progressNotify: boolean;
}

/** What etcd puts before the reason when users have no say, as Go prints the codes. */
const denials: ReadonlyMap<string, string> = new Map([
  ["PERMISSION_DENIED", "PermissionDenied"],
  ["USER_EMPTY", "InvalidArgument"],
  ["INVALID_AUTH_TOKEN", "Unauthenticated"],
]);

/** Notices that wait to be taken before the caller is held back: each answers something that it has asked. */
const maxNotices = 256;
/** Not of any watch in particular. */
const noWatch = -1n;

/**
 * The watches of one stream of messages. Each is asked for its next response when its last one is sent and the caller
 * keeps up, so that a slow caller holds no more than one response of each; what they miss meanwhile they catch up with.
 */
export class WatchStream {
  readonly #member: Member;
  readonly #call: StreamCall;
  readonly #outbox: WatchOutbox;
  readonly #watches = new Map<bigint, Watch>();
  readonly #failure = Promise.withResolvers<never>();
  /** Watches whose last response is not taken yet. */
  #told: Watch[] = [];
  #notices = 0;
  #room: PromiseWithResolvers<void> | undefined;
  #nextId = 0n;
  #isClosed = false;
  /** Requests for the progress of all watches that are being answered, and what is known for it. */
  #progress: { readonly asked: number; readonly left: Set<Watch>; revision: number } | undefined;
  #progressAsked = 0;

  constructor(member: Member, call: StreamCall) {
    this.#member = member;
    this.#call = call;
    this.#outbox = new WatchOutbox(call, () => this.#onEmpty());
    // Whoever looks at it may come later.
    this.#failure.promise.catch(() => undefined);
  }

  /** Rejects when the stream cannot go on. */
  get failed(): Promise<never> {
    return this.#failure.promise;
  }

  /** Resolves when the caller has taken enough of the answers to ask for more. */
  get ready(): Promise<void> | undefined {
    return this.#notices < maxNotices ? undefined : (this.#room ??= Promise.withResolvers<void>()).promise;
  }

  /** `chosen` is 0n where the server is to choose. */
  async create(chosen: bigint, request: WatchRequest): Promise<void> {
    if (isEmptyRange(request)) return this.#refuse(noWatch, "mvcc: watcher range is empty");
    if (chosen !== 0n && this.#watches.has(chosen)) {
      return this.#refuse(noWatch, "mvcc: duplicate watch ID provided on the WatchStream");
    }
    let watcher: Watcher;
    try {
      const { identity: _identity, timeoutMs: _timeoutMs, signal: _signal, ...options } = this.#call.options;
      watcher = await this.#member.watch(request, { ...options, requireLeader: this.#call.requireLeader });
    } catch (error) {
      return this.#explain(error);
    }
    if (this.#isClosed) return void watcher.close();
    const id = chosen === 0n ? this.#chooseId() : chosen;
    const watch: Watch = {
      id,
      idBytes: encodeWatchId(id),
      watcher,
      progressNotify: request.progressNotify === true,
    };
    this.#watches.set(id, watch);
    this.#notify(id, watcher.header.revision, { created: true });
    this.#pull(watch);
  }

  /** Cancels a watch; etcd, too, does not answer where there is none. */
  cancel(id: bigint): void {
    const watch = this.#watches.get(id);
    if (watch === undefined) return;
    void watch.watcher.close();
    this.#notify(id, this.#member.status().revision, { canceled: true });
    this.#remove(watch);
  }

  /** Answers once every watch has been told everything up to some revision, with the least of these. */
  askProgress(): void {
    this.#progressAsked++;
    this.#nextProgress();
  }

  close(): void {
    this.#isClosed = true;
    for (const watch of this.#watches.values()) void watch.watcher.close();
    this.#watches.clear();
  }

  #isUnderWay(watch: Watch): boolean {
    return this.#watches.get(watch.id) === watch;
  }

  #chooseId(): bigint {
    while (this.#watches.has(this.#nextId)) this.#nextId++;
    return this.#nextId++;
  }

  #refuse(id: bigint, cancelReason: string): void {
    this.#notify(id, this.#member.status().revision, { created: true, canceled: true, cancelReason });
  }

  #explain(error: unknown): void {
    const code = HoldfastError.is(error) ? error.code : undefined;
    if (code === "NO_LEADER" || code === "STOPPED") return this.#failure.reject(error);
    const { message } = statusOf(error);
    const denial = code === undefined ? undefined : denials.get(code);
    this.#refuse(noWatch, denial === undefined ? message : `rpc error: code = ${denial} desc = ${message}`);
  }

  #pull(watch: Watch): void {
    watch.watcher.next().then(
      ({ value }) => this.#onResponse(watch, value),
      (error) => this.#failure.reject(error),
    );
  }

  #onResponse(watch: Watch, response: WatchResponse | undefined): void {
    if (response === undefined || !this.#isUnderWay(watch)) return;
    if (response.canceled === true) return this.#onCanceled(watch, response);
    if (response.progress === true) {
      const wanted = this.#onProgress(watch, response.header.revision);
      if (wanted || !watch.progressNotify) return this.#goOn(watch);
    }
    this.#told.push(watch);
    this.#outbox.push({
      message: () => fromWatchResponse(watch.id, response),
      frame: () => frameWatchResponse(watch.idBytes, response),
    });
  }

  #goOn(watch: Watch): void {
    watchRounds.add(1, () => {
      if (this.#isUnderWay(watch)) this.#pull(watch);
    });
  }

  #onEmpty(): void {
    this.#notices = 0;
    this.#room?.resolve();
    this.#room = undefined;
    // All together, so that those that read the same past share what they read.
    const told = this.#told;
    if (told.length === 0) return;
    this.#told = [];
    watchRounds.add(told.length, () => {
      for (const watch of told) if (this.#isUnderWay(watch)) this.#pull(watch);
    });
  }

  #onCanceled(watch: Watch, { header, cancelReason, compactRevision }: WatchResponse): void {
    if (cancelReason === "COMPACTED") {
      this.#notify(watch.id, header.revision, { canceled: true, ...(compactRevision ? { compactRevision } : {}) });
      this.#remove(watch);
    } else {
      this.#failure.reject(new CoordinationError(cancelReason ?? "STOPPED"));
    }
  }

  #remove(watch: Watch): void {
    this.#watches.delete(watch.id);
    this.#leaveProgress(watch);
  }

  #nextProgress(): void {
    if (this.#progress !== undefined || this.#progressAsked === 0) return;
    this.#progress = {
      asked: this.#progressAsked,
      left: new Set(this.#watches.values()),
      revision: this.#member.status().revision,
    };
    this.#progressAsked = 0;
    for (const watch of this.#progress.left) watch.watcher.requestProgress();
    this.#endProgress();
  }

  /** Whether somebody asked for it. */
  #onProgress(watch: Watch, revision: number): boolean {
    const progress = this.#progress;
    if (progress === undefined || !progress.left.delete(watch)) return false;
    progress.revision = Math.min(progress.revision, revision);
    this.#endProgress();
    return true;
  }

  #leaveProgress(watch: Watch): void {
    if (this.#progress?.left.delete(watch) === true) this.#endProgress();
  }

  #endProgress(): void {
    const progress = this.#progress;
    if (progress === undefined || progress.left.size > 0) return;
    this.#progress = undefined;
    for (let answered = 0; answered < progress.asked; answered++) this.#notify(noWatch, progress.revision);
    this.#nextProgress();
  }

  #notify(id: bigint, revision: number, notice: WatchNotice = {}): void {
    const { clusterId, id: memberId } = this.#member;
    const header = { clusterId, memberId, revision, term: this.#member.status().term };
    const message = fromNotice(id, header, notice);
    this.#notices++;
    this.#outbox.push({ message: () => message, frame: () => frameNotice(message) });
  }
}
