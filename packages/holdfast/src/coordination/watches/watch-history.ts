import type { ChangeLog } from "./change-log.ts";
import type { KeyRecord, Version } from "../key-value/key-record.ts";
import type { OrderedIndex } from "../key-value/ordered-index.ts";
import { batchOf, eventOf, tellsOf, type WatchBatch } from "./watch-event.ts";
import { inRange, type WatchFilter } from "./watch-filter.ts";
import type { WatchEvent } from "./watch.ts";

/** Where watches read what has changed. */
export interface ChangeSource {
  readonly revision: number;
  readonly compactedRevision: number;
  readonly changes: ChangeLog;
  readonly index: OrderedIndex<KeyRecord>;
}

/** When a slice of history ends, at the end of a revision; it holds one revision that is more than all this. */
export interface HistoryLimits {
  readonly bytes: number;
  readonly events: number;
  /** Changes looked at. */
  readonly changes: number;
}

export interface HistorySlice {
  readonly batches: readonly WatchBatch[];
  /** Where to go on; above the newest revision at the end. */
  readonly next: number;
  /** What reading it took, in changes looked at. */
  readonly cost: number;
}

/** Ranges of no more keys than this are read key by key, when that is less than all that has changed since. */
const fewKeys = 512;
const leastPerKey = 16;

/** What has changed from a revision on, which must not be compacted, in order. */
export function readHistory(
  source: ChangeSource,
  filter: WatchFilter,
  from: number,
  limits: HistoryLimits,
): HistorySlice {
  const changes = source.changes.size - source.changes.positionOf(from);
  if (filter.single || changes > 2 * fewKeys) {
    const records = recordsOf(source.index, filter);
    if (records !== undefined) return readRecords(source, filter, from, limits, records);
  }
  return readLog(source, filter, from, limits);
}

/** Collects batches until a limit is reached. */
class Batches {
  readonly found: WatchBatch[] = [];
  #bytes = 0;
  #events = 0;

  add(revision: number, events: readonly WatchEvent[]): void {
    const batch = batchOf(revision, events);
    this.found.push(batch);
    this.#bytes += batch.bytes;
    this.#events += events.length;
  }

  full({ bytes, events }: HistoryLimits): boolean {
    return this.#bytes >= bytes || this.#events >= events;
  }
}

/** Reads everything that has changed, whoever's it is. */
function readLog(source: ChangeSource, filter: WatchFilter, from: number, limits: HistoryLimits): HistorySlice {
  const { changes, compactedRevision } = source;
  const start = changes.positionOf(from);
  const batches = new Batches();
  let position = start;
  while (position < changes.size) {
    const revision = changes.revisionAt(position)!;
    const events: WatchEvent[] = [];
    for (; changes.revisionAt(position) === revision; position++) {
      const record = changes.recordAt(position)!;
      if (!inRange(filter, record.key)) continue;
      const version = changes.versionAt(position);
      if (tellsOf(filter, version)) events.push(eventOf(version, record, filter.previousPairs, compactedRevision));
    }
    if (events.length > 0) batches.add(revision, events);
    const cost = position - start;
    if (cost >= limits.changes || batches.full(limits)) return { batches: batches.found, next: revision + 1, cost };
  }
  return { batches: batches.found, next: Math.max(from, source.revision + 1), cost: position - start };
}

/** Reads the newer versions of a few records. */
function readRecords(
  source: ChangeSource,
  filter: WatchFilter,
  from: number,
  limits: HistoryLimits,
  records: readonly KeyRecord[],
): HistorySlice {
  const perKey = Math.max(leastPerKey, Math.floor(limits.events / Math.max(1, records.length)));
  const found: { readonly version: Version; readonly record: KeyRecord }[] = [];
  /** From here on something is left out. */
  let horizon = source.revision + 1;
  for (const record of records) {
    const start = record.depthAt(from - 1);
    const end = Math.min(record.depth, start + perKey);
    if (end < record.depth) horizon = Math.min(horizon, record.versionAt(end).modRevision);
    for (let position = start; position < end; position++) {
      const version = record.versionAt(position);
      if (tellsOf(filter, version)) found.push({ version, record });
    }
  }
  found.sort(
    ({ version: left }, { version: right }) =>
      left.modRevision - right.modRevision || left.subRevision - right.subRevision,
  );
  const batches = new Batches();
  const cost = records.length + found.length;
  let at = 0;
  while (at < found.length && found[at]!.version.modRevision < horizon) {
    const revision = found[at]!.version.modRevision;
    const events: WatchEvent[] = [];
    for (; found[at]?.version.modRevision === revision; at++) {
      const { version, record } = found[at]!;
      events.push(eventOf(version, record, filter.previousPairs, source.compactedRevision));
    }
    batches.add(revision, events);
    if (batches.full(limits)) return { batches: batches.found, next: revision + 1, cost };
  }
  return { batches: batches.found, next: Math.max(from, horizon), cost };
}

/** The records of a range, deleted ones too; undefined when there are more than a few. */
function recordsOf(index: OrderedIndex<KeyRecord>, filter: WatchFilter): KeyRecord[] | undefined {
  if (filter.single) {
    const record = index.get(filter.from);
    return record === undefined ? [] : [record];
  }
  const records: KeyRecord[] = [];
  index.ascend(filter.from, filter.to, (record) => records.push(record) <= fewKeys);
  return records.length > fewKeys ? undefined : records;
}
