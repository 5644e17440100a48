import type { ResponseHeader } from "../coordination.ts";
import type { WatchBatch } from "./watch-event.ts";
import type { WatchFilter } from "./watch-filter.ts";
import type { WatchGroup } from "./watch-group.ts";
import { packBatches, splitResponse } from "./watch-response.ts";
import type { Watcher, WatchResponse } from "./watch.ts";

/** What a subscription needs of its hub. */
export interface WatchHost {
  /** The last revision published. */
  readonly revision: number;
  header(revision: number): ResponseHeader;
  /** Asks for history: the watcher is no longer, or not yet, among those that are told at once. */
  catchUp(watcher: WatchSubscription): void;
  /** The watch is over. */
  remove(watcher: WatchSubscription, group: WatchGroup | undefined): void;
}

export interface SubscriptionOptions {
  readonly host: WatchHost;
  readonly filter: WatchFilter;
  readonly startRevision: number;
  readonly maxBytes: number;
  readonly fragment: boolean;
  readonly progressNotify: boolean;
  readonly requireLeader: boolean;
}

type Pulled = IteratorResult<WatchResponse, undefined>;

interface Pull {
  readonly resolve: (result: Pulled) => void;
  readonly reject: (reason: unknown) => void;
}

const over: Pulled = { value: undefined, done: true };

/**
 * One watcher: a revision to go on from. It keeps no events but those of a response that it has begun to hand out; what
 * it has not been told is in the queue of its group, or else in the history.
 */
export class WatchSubscription implements Watcher {
  readonly header: ResponseHeader;
  readonly options: SubscriptionOptions;
  /** The first revision that it has not been told of. */
  from: number;
  /** Where it stands in the queue of its group. */
  position = 0;
  #group: WatchGroup | undefined;
  readonly #pulls: Pull[] = [];
  #begun: WatchResponse[] = [];
  #progressWanted = false;
  /** Whether it was told something since the last look at the progress. */
  #toldLately = false;
  #ended = false;
  #last: WatchResponse | undefined;
  #failure: { readonly reason: unknown } | undefined;

  constructor(options: SubscriptionOptions) {
    this.options = options;
    this.header = options.host.header(options.host.revision);
    this.from = options.startRevision;
  }

  get startRevision(): number {
    return this.options.startRevision;
  }

  get pulling(): boolean {
    return this.#pulls.length > 0;
  }

  get synced(): boolean {
    return this.#group !== undefined;
  }

  next(): Promise<Pulled> {
    return new Promise((resolve, reject) => {
      if (this.#ended) {
        this.#tellEnd(resolve, reject);
        return;
      }
      this.#pulls.push({ resolve, reject });
      this.serve();
    });
  }

  requestProgress(): void {
    this.#progressWanted = true;
    this.serve();
  }

  async close(): Promise<void> {
    this.end(undefined);
  }

  async return(): Promise<Pulled> {
    this.end(undefined);
    return over;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Looks at the progress from time to time: tells it when nothing else was told since the last look. */
  tick(): void {
    if (this.#toldLately) this.#toldLately = false;
    else this.requestProgress();
  }

  /** From now on it is told at once. Everything up to now has been told. */
  join(group: WatchGroup): void {
    this.#group = group;
    this.position = group.join(this);
  }

  /** From now on it reads the history, and what it has not taken is left to that. */
  detach(): WatchGroup | undefined {
    const group = this.#group;
    if (group === undefined) return undefined;
    this.from = Math.max(this.from, group.revisionAt(this.position) ?? this.options.host.revision + 1);
    this.#group = undefined;
    group.leave(this, this.position);
    if (this.pulling) this.options.host.catchUp(this);
    return group;
  }

  /** Takes what the history has told, up to the revision `next`, when the store was at `presentRevision`. */
  give(batches: readonly WatchBatch[], next: number, presentRevision: number): void {
    const { host, maxBytes, fragment } = this.options;
    const header = (revision: number): ResponseHeader => host.header(revision);
    this.#begun.push(...packBatches(batches, { maxBytes, fragment, header, presentRevision }));
    this.from = next;
  }

  /** Answers the pulls that wait, as far as there is something. */
  serve(): void {
    while (this.#pulls.length > 0) {
      const value = this.#take();
      if (value === undefined) return;
      this.#pulls.shift()!.resolve({ value, done: false });
    }
    this.#group?.waiting.delete(this);
  }

  /** Ends the watch, with a last response or without a word. */
  end(last: WatchResponse | undefined): void {
    if (!this.#leave()) return;
    const [first, ...others] = this.#pulls.splice(0);
    if (first === undefined) this.#last = last;
    else first.resolve(last === undefined ? over : { value: last, done: false });
    for (const pull of others) pull.resolve(over);
  }

  fail(reason: unknown): void {
    if (!this.#leave()) return;
    const [first, ...others] = this.#pulls.splice(0);
    if (first === undefined) this.#failure = { reason };
    else first.reject(reason);
    for (const pull of others) pull.resolve(over);
  }

  #tellEnd(resolve: Pull["resolve"], reject: Pull["reject"]): void {
    const failure = this.#failure;
    const last = this.#last;
    this.#failure = undefined;
    this.#last = undefined;
    if (failure !== undefined) reject(failure.reason);
    else resolve(last === undefined ? over : { value: last, done: false });
  }

  #leave(): boolean {
    if (this.#ended) return false;
    this.#ended = true;
    this.#begun = [];
    const group = this.#group;
    this.#group = undefined;
    group?.leave(this, this.position);
    this.options.host.remove(this, group);
    return true;
  }

  #take(): WatchResponse | undefined {
    const { host } = this.options;
    const response = this.#begun.shift() ?? this.#takeQueued();
    if (response !== undefined) {
      this.#toldLately = true;
      return response;
    }
    if (this.#group === undefined) {
      host.catchUp(this);
      return undefined;
    }
    if (this.#progressWanted) {
      this.#progressWanted = false;
      return { header: host.header(host.revision), events: [], progress: true };
    }
    this.#group.waiting.add(this);
    return undefined;
  }

  #takeQueued(): WatchResponse | undefined {
    const group = this.#group;
    if (group === undefined) return undefined;
    const { maxBytes, fragment } = this.options;
    for (;;) {
      const taken = group.take(this.position, this.from, maxBytes);
      if (taken === undefined) return undefined;
      this.position = taken.end;
      const { response, bytes } = taken;
      if (response === undefined) continue;
      this.from = response.header.revision + 1;
      if (!fragment || bytes <= maxBytes) return response;
      this.#begun = splitResponse(response, maxBytes);
      return this.#begun.shift();
    }
  }
}
