import type { ResponseHeader } from "../coordination.ts";
import type { WatchBatch } from "./watch-event.ts";
import type { WatchFilter } from "./watch-filter.ts";
import type { WatchSubscription } from "./watch-subscription.ts";
import type { WatchEvent, WatchResponse } from "./watch.ts";

interface Queued {
  readonly batch: WatchBatch;
  /** Watchers that have not taken it yet. */
  readers: number;
}

/** What waits for one group of watchers, at most; those that have not taken it by then read it from the history. */
export interface QueueLimits {
  readonly events: number;
  readonly bytes: number;
}

/** What was taken from the queue of a group, and where to go on. */
export interface Taken {
  readonly position: number;
  readonly end: number;
  readonly maxBytes: number;
  readonly bytes: number;
  /** Undefined when all that was there is of no interest. */
  readonly response: WatchResponse | undefined;
}

/**
 * The watchers of one filter that have been told of, or have queued here, everything up to now. They share one queue,
 * in which each stands at a position of its own, so that a revision costs the same however many they are.
 */
export class WatchGroup {
  readonly id: string;
  readonly filter: WatchFilter;
  readonly watchers: Set<WatchSubscription> = new Set();
  /** Those whose pull waits for the next batch. */
  readonly waiting: Set<WatchSubscription> = new Set();
  /** Changes of the revision that is being published, by their positions in the log. */
  readonly matched: number[] = [];
  readonly #limits: QueueLimits;
  readonly #header: (revision: number) => ResponseHeader;
  #queue: Queued[] = [];
  /** The position of the head of the queue. */
  #head = 0;
  #events = 0;
  #bytes = 0;
  #lastTaken: Taken | undefined;

  constructor(id: string, filter: WatchFilter, limits: QueueLimits, header: (revision: number) => ResponseHeader) {
    this.id = id;
    this.filter = filter;
    this.#limits = limits;
    this.#header = header;
  }

  /** The position of the batch that comes next. */
  get tail(): number {
    return this.#head + this.#queue.length;
  }

  /** Queued batches, for tests and figures. */
  get queued(): number {
    return this.#queue.length;
  }

  /** The revision of the batch at a position; undefined at the tail. */
  revisionAt(position: number): number | undefined {
    return this.#queue[position - this.#head]?.batch.revision;
  }

  join(watcher: WatchSubscription): number {
    this.watchers.add(watcher);
    return this.tail;
  }

  /** `position` is where the watcher stands. */
  leave(watcher: WatchSubscription, position: number): void {
    if (!this.watchers.delete(watcher)) return;
    this.waiting.delete(watcher);
    this.#release(position, this.tail);
  }

  /** Queues a batch. Watchers for whom that is too much are given back: they must leave. */
  push(batch: WatchBatch): WatchSubscription[] {
    this.#queue.push({ batch, readers: this.watchers.size });
    this.#events += batch.events.length;
    this.#bytes += batch.bytes;
    let kept = this.#head;
    let [events, bytes] = [this.#events, this.#bytes];
    for (const queued of this.#queue) {
      if (events <= this.#limits.events && bytes <= this.#limits.bytes) break;
      events -= queued.batch.events.length;
      bytes -= queued.batch.bytes;
      kept++;
    }
    if (kept === this.#head) return [];
    return [...this.watchers].filter((watcher) => watcher.position < kept);
  }

  /** The next events for a watcher at `position`, whole revisions, from `from` on; undefined at the tail. */
  take(position: number, from: number, maxBytes: number): Taken | undefined {
    const last = this.#lastTaken;
    const first = this.revisionAt(position);
    if (first === undefined) return undefined;
    // Watchers at the same place are told alike: a thousand of them get one response.
    const same = last?.position === position && last.maxBytes === maxBytes && first >= from;
    const taken = same ? last : this.#collect(position, from, maxBytes);
    // One that skipped what it does not want yet lacks what others at the same place do want.
    if (taken.response !== undefined && first >= from) this.#lastTaken = taken;
    this.#release(position, taken.end);
    return taken;
  }

  #collect(position: number, from: number, maxBytes: number): Taken {
    let end = position;
    let bytes = 0;
    const batches: WatchBatch[] = [];
    for (; end < this.tail; end++) {
      const { batch } = this.#queue[end - this.#head]!;
      if (batch.revision < from) continue;
      if (batches.length > 0 && bytes + batch.bytes > maxBytes) break;
      batches.push(batch);
      bytes += batch.bytes;
    }
    const last = batches.at(-1);
    if (last === undefined) return { position, end, maxBytes, bytes, response: undefined };
    const events: readonly WatchEvent[] = batches.length === 1 ? last.events : batches.flatMap((batch) => batch.events);
    return { position, end, maxBytes, bytes, response: { header: this.#header(last.revision), events } };
  }

  #release(from: number, to: number): void {
    for (let position = Math.max(from, this.#head); position < to; position++) {
      this.#queue[position - this.#head]!.readers--;
    }
    let gone = 0;
    while (gone < this.#queue.length && this.#queue[gone]!.readers <= 0) {
      const { batch } = this.#queue[gone++]!;
      this.#events -= batch.events.length;
      this.#bytes -= batch.bytes;
    }
    if (gone === 0) return;
    this.#queue = gone === this.#queue.length ? [] : this.#queue.slice(gone);
    this.#head += gone;
    if (this.#lastTaken !== undefined && this.#lastTaken.end <= this.#head) this.#lastTaken = undefined;
  }
}
