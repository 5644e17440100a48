import type { Credentials } from "../auth/auth.ts";
import type { ResponseHeader } from "../coordination.ts";
import type { KeyValue } from "../key-value/key-value.ts";

/** What to watch, with etcd's meaning: one key, or the range that `rangeEnd` makes of it, as in RangeRequest. */
export interface WatchRequest {
  /** The first of all keys when empty. */
  readonly key: Uint8Array;
  readonly rangeEnd?: Uint8Array;
  /** The first revision to tell of, past or future; 0 or absent for the next one. */
  readonly startRevision?: number;
  /** Tell the pair before each change, if it is not compacted. */
  readonly previousPairs?: boolean;
  readonly noPut?: boolean;
  readonly noDelete?: boolean;
  /** Tell the progress from time to time when there is nothing else to tell. */
  readonly progressNotify?: boolean;
  /** Split what one revision changed when it is above `maxBytes`. */
  readonly fragment?: boolean;
  /** Bytes of one response, more only when one revision (with `fragment`: one event) is more. Default 1.5 MiB. */
  readonly maxBytes?: number;
}

export interface WatchOptions {
  /** Ends the watch: what waits, or else the next pull, rejects with `signal.reason`. */
  readonly signal?: AbortSignal;
  /** Who asks; judged once, when the watch starts. */
  readonly credentials?: Credentials;
  /** End the watch when its member is without a leader for three election timeouts, instead of standing still. */
  readonly requireLeader?: boolean;
}

/** One change of one key. */
export interface WatchEvent {
  readonly type: "put" | "delete";
  /** The pair put; of a delete, the key and the revision alone. */
  readonly pair: KeyValue;
  /** The pair before, when asked for; absent when there was none, or when it is compacted. */
  readonly previousPair?: KeyValue;
}

export type WatchCancelReason = "COMPACTED" | "NO_LEADER" | "STOPPED";

/**
 * What watchers are told. Events are in the order of their revisions, and those of one revision come together, except
 * in fragments. Watchers of the same range may get the very same response: it must not be changed.
 */
export interface WatchResponse {
  /** Its revision: everything up to there has been told, with this response; with a fragment, in part. */
  readonly header: ResponseHeader;
  readonly events: readonly WatchEvent[];
  /** Of what was read from the history: the revision of the store then. */
  readonly presentRevision?: number;
  /** More of the same revision follows. */
  readonly fragment?: boolean;
  /** Asked for or periodic: there was nothing else to tell. */
  readonly progress?: boolean;
  /** The last response: the watch is over. */
  readonly canceled?: boolean;
  readonly cancelReason?: WatchCancelReason;
  /** With COMPACTED: the first revision that a new watch can start at. */
  readonly compactRevision?: number;
}

/** A watch under way. Nothing is lost between two pulls, however far apart, unless it is compacted meanwhile. */
export interface Watcher extends AsyncIterable<WatchResponse> {
  /** As of when the watch was created. */
  readonly header: ResponseHeader;
  /** The first revision that it tells of. */
  readonly startRevision: number;
  /** The next response; one that says `canceled` is the last. @throws the signal's reason */
  next(): Promise<IteratorResult<WatchResponse, undefined>>;
  /** Asks for a response that tells the revision up to which everything has been told; it comes once that is all there is. */
  requestProgress(): void;
  /** Ends the watch; pulls that wait get no more. */
  close(): Promise<void>;
  /** Closes; called when a loop over the watcher is left. */
  return(): Promise<IteratorResult<WatchResponse, undefined>>;
  [Symbol.asyncIterator](): Watcher;
  [Symbol.asyncDispose](): Promise<void>;
}
