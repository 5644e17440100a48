import type { Clock, Timer } from "../../runtime/system.ts";
import { CoordinationError } from "../coordination-error.ts";
import type { ResponseHeader } from "../coordination.ts";
import { batchOf, eventOf, tellsOf } from "./watch-event.ts";
import { filterId, readWatchRequest } from "./watch-filter.ts";
import { WatchGroup, type QueueLimits } from "./watch-group.ts";
import { readHistory, type ChangeSource, type HistoryLimits, type HistorySlice } from "./watch-history.ts";
import type { WatchLimits } from "./watch-limits.ts";
import { WatchRanges } from "./watch-ranges.ts";
import { WatchSubscription, type WatchHost } from "./watch-subscription.ts";
import type { WatchCancelReason, Watcher, WatchEvent, WatchOptions, WatchRequest } from "./watch.ts";

/** Told what happens to the applied state, as it happens. */
export interface ChangeObserver {
  /** A write made this revision. */
  onRevision(revision: number): void;
  /** A snapshot has replaced the state. */
  onRestored(): void;
}

/** An applied state that can be watched. */
export interface Watchable {
  /** What is there now; another after a snapshot was restored. */
  readonly store: ChangeSource;
  /** From now on `observer` is told, instead of any before it. */
  observe(observer: ChangeObserver): void;
}

export interface WatchHubOptions {
  readonly watched: Watchable;
  readonly clock: Clock;
  readonly header: (revision: number) => ResponseHeader;
  readonly hasLeader: () => boolean;
  /** How long watches that require a leader live without one. */
  readonly leaderlessMs: number;
  readonly limits: WatchLimits;
  readonly tuning?: WatchTuning;
}

export interface WatchTuning {
  /** What may wait in the queue of a group before the slow are sent to the history. */
  readonly queue: QueueLimits;
  /** Events, and changes looked at, of one read of the history by one watcher. */
  readonly slice: Pick<HistoryLimits, "events" | "changes">;
  /** What all of them read in one turn of the event loop: changes looked at, an event told counting for many. */
  readonly turnCost: number;
}

const defaultTuning: WatchTuning = {
  queue: { events: 1024, bytes: 4 * 1024 * 1024 },
  slice: { events: 1024, changes: 4096 },
  turnCost: 32_768,
};
/** To make an event costs so much more than to look at a change; to read nothing costs something, too. */
const eventCost = 16;
const leastCost = 64;

/**
 * The watchers of one member. Those that keep up share a queue for each filter, which every revision goes into once;
 * the others read what they have missed from the history, in slices, until they keep up (etcd's synced and unsynced
 * watchers). A watcher that does not pull costs no more than that queue.
 */
export class WatchHub implements WatchHost {
  readonly #options: WatchHubOptions;
  readonly #tuning: WatchTuning;
  readonly #watchers = new Set<WatchSubscription>();
  readonly #groups = new Map<string, WatchGroup>();
  readonly #ranges = new WatchRanges<WatchGroup>();
  readonly #abortListeners = new Map<WatchSubscription, () => void>();
  /** Groups in which somebody waits for what was published. */
  readonly #fresh = new Set<WatchGroup>();
  /** Watchers whose pull waits for history. */
  readonly #behind = new Set<WatchSubscription>();
  #turnScheduled = false;
  #revision: number;
  #progressTimer: Timer | undefined;
  #progressCount = 0;
  #leaderlessSince: number | undefined;

  constructor(options: WatchHubOptions) {
    this.#options = options;
    this.#tuning = options.tuning ?? defaultTuning;
    this.#revision = options.watched.store.revision;
    options.watched.observe({
      onRevision: (revision) => this.#onRevision(revision),
      onRestored: () => this.#onRestored(),
    });
  }

  get revision(): number {
    return this.#revision;
  }

  /** Watchers under way. */
  get size(): number {
    return this.#watchers.size;
  }

  /** Batches that wait in queues. */
  get queued(): number {
    let queued = 0;
    for (const group of this.#groups.values()) queued += group.queued;
    return queued;
  }

  header(revision: number): ResponseHeader {
    return this.#options.header(revision);
  }

  /**
   * Starts a watch.
   *
   * @throws CoordinationError TOO_MANY_REQUESTS at the bound of watchers, NO_LEADER when one is required and missing;
   * InvalidArgumentError for a request that makes no sense
   */
  watch(request: WatchRequest, { signal, requireLeader = false }: WatchOptions = {}): Watcher {
    const { filter, startRevision, maxBytes } = readWatchRequest(request);
    if (requireLeader && !this.#options.hasLeader()) throw new CoordinationError("NO_LEADER");
    if (this.#watchers.size >= this.#options.limits.maxWatchers) throw new CoordinationError("TOO_MANY_REQUESTS");
    const watcher = new WatchSubscription({
      host: this,
      filter,
      startRevision: startRevision === 0 ? this.#revision + 1 : startRevision,
      maxBytes,
      requireLeader,
      fragment: request.fragment === true,
      progressNotify: request.progressNotify === true,
    });
    this.#watchers.add(watcher);
    if (signal !== undefined) {
      const onAbort = (): void => watcher.fail(signal.reason);
      signal.addEventListener("abort", onAbort, { once: true });
      this.#abortListeners.set(watcher, () => signal.removeEventListener("abort", onAbort));
    }
    if (watcher.from > this.#revision) this.#join(watcher);
    if (watcher.options.progressNotify && this.#progressCount++ === 0) this.#scheduleProgress();
    return watcher;
  }

  catchUp(watcher: WatchSubscription): void {
    this.#behind.add(watcher);
    this.#scheduleTurn();
  }

  remove(watcher: WatchSubscription, group: WatchGroup | undefined): void {
    this.#watchers.delete(watcher);
    this.#behind.delete(watcher);
    this.#abortListeners.get(watcher)?.();
    this.#abortListeners.delete(watcher);
    this.#drop(group);
    if (watcher.options.progressNotify && --this.#progressCount === 0) this.#progressTimer?.cancel();
  }

  /** Ends the watches that asked not to stand still without a leader, when that has lasted; to be called often. */
  checkLeader(): void {
    const { clock, hasLeader, leaderlessMs } = this.#options;
    if (hasLeader()) {
      this.#leaderlessSince = undefined;
      return;
    }
    this.#leaderlessSince ??= clock.now();
    if (clock.now() - this.#leaderlessSince < leaderlessMs) return;
    for (const watcher of this.#watchers) if (watcher.options.requireLeader) this.#cancel(watcher, "NO_LEADER");
  }

  /** Ends all watches. */
  close(): void {
    for (const watcher of this.#watchers) this.#cancel(watcher, "STOPPED");
  }

  #onRevision(revision: number): void {
    if (!this.#ranges.empty) this.#publish(revision);
    this.#revision = revision;
  }

  /** Also keys that were deleted by a lease that ran out come this way: everything that the store does. */
  #publish(revision: number): void {
    const { changes, compactedRevision } = this.#options.watched.store;
    const start = changes.positionOf(revision);
    const touched: WatchGroup[] = [];
    for (let position = start; position < changes.size; position++) {
      this.#ranges.visit(changes.recordAt(position)!.key, (group) => {
        if (group.matched.length === 0) touched.push(group);
        group.matched.push(position);
      });
    }
    // Watchers share what they are told: with the pair before each change, and without.
    const events: Record<"full" | "plain", (WatchEvent | undefined)[]> = { full: [], plain: [] };
    for (const group of touched) {
      const { filter, matched } = group;
      const positions = matched.splice(0);
      if (positions.length > this.#tuning.queue.events) {
        this.#detach(group.watchers);
        continue;
      }
      const made = events[filter.previousPairs ? "full" : "plain"];
      const told: WatchEvent[] = [];
      for (const position of positions) {
        const version = changes.versionAt(position);
        if (!tellsOf(filter, version)) continue;
        const record = changes.recordAt(position)!;
        told.push((made[position - start] ??= eventOf(version, record, filter.previousPairs, compactedRevision)));
      }
      if (told.length === 0) continue;
      this.#detach(group.push(batchOf(revision, told)));
      if (group.waiting.size > 0) this.#refresh(group);
    }
  }

  /** Those that wait are answered when the work at hand is done, so that one response tells all of it. */
  #refresh(group: WatchGroup): void {
    if (this.#fresh.size === 0) queueMicrotask(() => this.#flush());
    this.#fresh.add(group);
  }

  #flush(): void {
    const groups = [...this.#fresh];
    this.#fresh.clear();
    for (const group of groups) for (const watcher of group.waiting) watcher.serve();
  }

  #onRestored(): void {
    for (const group of this.#groups.values()) this.#detach(group.watchers);
    this.#revision = this.#options.watched.store.revision;
  }

  #detach(watchers: Iterable<WatchSubscription>): void {
    for (const watcher of watchers) this.#drop(watcher.detach());
  }

  #join(watcher: WatchSubscription): void {
    const { filter } = watcher.options;
    const id = filterId(filter);
    let group = this.#groups.get(id);
    if (group === undefined) {
      group = new WatchGroup(id, filter, this.#tuning.queue, this.#options.header);
      this.#groups.set(id, group);
      this.#ranges.add(filter, group);
    }
    watcher.join(group);
  }

  #drop(group: WatchGroup | undefined): void {
    if (group === undefined || group.watchers.size > 0) return;
    this.#groups.delete(group.id);
    this.#ranges.remove(group.filter, group);
  }

  #scheduleTurn(): void {
    if (this.#turnScheduled) return;
    this.#turnScheduled = true;
    this.#options.clock.defer(() => {
      this.#turnScheduled = false;
      this.#turn();
    });
  }

  /** Lets those that wait for history read, in turn; the rest of the work gets its turn in between. */
  #turn(): void {
    let left = this.#tuning.turnCost;
    const read = new Map<string, HistorySlice>();
    for (const watcher of this.#behind) {
      if (left <= 0) break;
      this.#behind.delete(watcher);
      if (watcher.pulling && !watcher.synced) left -= Math.max(leastCost, this.#advance(watcher, read));
    }
    if (this.#behind.size > 0) this.#scheduleTurn();
  }

  #advance(watcher: WatchSubscription, read: Map<string, HistorySlice>): number {
    const { store } = this.#options.watched;
    const { filter, maxBytes } = watcher.options;
    let cost = 0;
    if (watcher.from < store.compactedRevision) {
      this.#cancel(watcher, "COMPACTED");
      return cost;
    }
    if (watcher.from <= store.revision) {
      // Many that lag together, as after a snapshot, read it once.
      const id = `${watcher.from} ${maxBytes} ${filterId(filter)}`;
      let slice = read.get(id);
      if (slice === undefined) {
        slice = readHistory(store, filter, watcher.from, { ...this.#tuning.slice, bytes: maxBytes });
        read.set(id, slice);
        cost = slice.cost;
        for (const { events } of slice.batches) cost += eventCost * events.length;
      }
      watcher.give(slice.batches, slice.next, store.revision);
    }
    if (watcher.from > store.revision) this.#join(watcher);
    watcher.serve();
    return cost;
  }

  #cancel(watcher: WatchSubscription, reason: WatchCancelReason): void {
    const { compactedRevision } = this.#options.watched.store;
    watcher.end({
      header: this.header(this.#revision),
      events: [],
      canceled: true,
      cancelReason: reason,
      ...(reason === "COMPACTED" ? { compactRevision: compactedRevision } : {}),
    });
  }

  #scheduleProgress(): void {
    this.#progressTimer = this.#options.clock.setTimer(this.#options.limits.progressIntervalMs, () => {
      this.#scheduleProgress();
      for (const watcher of this.#watchers) if (watcher.options.progressNotify) watcher.tick();
    });
  }
}
