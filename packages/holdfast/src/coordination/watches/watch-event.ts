import { keyValueOf, keyValuesOf, type KeyRecord, type Version } from "../key-value/key-record.ts";
import type { WatchFilter } from "./watch-filter.ts";
import type { WatchEvent } from "./watch.ts";

/** What one revision changed, for the watchers of one filter. */
export interface WatchBatch {
  readonly revision: number;
  readonly events: readonly WatchEvent[];
  readonly bytes: number;
}

/** What the fields of a pair take on the wire besides its key and its value, at most. */
const pairOverheadBytes = 64;

/** The event that a version is. `record` is where it is from; a pair before it is there when it is not compacted. */
export function eventOf(
  version: Version,
  record: KeyRecord,
  previousPairs: boolean,
  compactedRevision: number,
): WatchEvent {
  const type = version.value === undefined ? "delete" : "put";
  const pair = keyValuesOf([version], version.value === undefined)[0]!;
  const before = version.modRevision - 1;
  if (!previousPairs || version.createRevision === version.modRevision || before < compactedRevision) {
    return { type, pair };
  }
  const previous = record.readAt(before);
  return previous === undefined ? { type, pair } : { type, pair, previousPair: keyValueOf(previous) };
}

export function sizeOfEvent({ pair, previousPair }: WatchEvent): number {
  const bytes = pair.key.length + pair.value.length + pairOverheadBytes;
  if (previousPair === undefined) return bytes;
  return bytes + previousPair.key.length + previousPair.value.length + pairOverheadBytes;
}

export function batchOf(revision: number, events: readonly WatchEvent[]): WatchBatch {
  let bytes = 0;
  for (const event of events) bytes += sizeOfEvent(event);
  return { revision, events, bytes };
}

export function tellsOf(filter: WatchFilter, version: Version): boolean {
  return version.value === undefined ? filter.deletes : filter.puts;
}
