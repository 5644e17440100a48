import { Version, type KeyRecord } from "./key-record.ts";
import type { StoreContents } from "./key-value-store.ts";

/** Versions in a run: sorted at once, in about a millisecond. */
const runLength = 4096;
/** Versions given at once, at most; fewer where their keys and values are large, or one that is larger. */
const batchLength = 256;
const batchBytes = 256 * 1024;

/** Where versions lie, in order of revision. While a snapshot of the store is open, a version keeps its position. */
interface Run {
  readonly records: readonly KeyRecord[];
  readonly positions: Uint32Array;
}

/**
 * The versions of a store, which lie in order of key, in order of revision: runs that are sorted one by one, then merged
 * (Knuth, volume 3, section 5.4.1). Costs twelve bytes a version, and never more than a moment at once. The snapshot that
 * the contents come from must stay open.
 */
export class VersionOrder {
  readonly #contents: StoreContents;
  readonly #runs: Run[] = [];

  constructor(contents: StoreContents) {
    this.#contents = contents;
  }

  /** Takes in the whole store, a run at each step. */
  *gather(): Generator<void> {
    const { index, revision, compactedRevision } = this.#contents;
    let resumeKey = "";
    let resumePosition = 0;
    for (let more = true; more;) {
      more = false;
      const records: KeyRecord[] = [];
      const positions: number[] = [];
      index.ascend(resumeKey, undefined, (record, key) => {
        const end = record.depthAt(revision);
        const resumed = key === resumeKey ? resumePosition : 0;
        for (let position = Math.max(resumed, record.firstKept(compactedRevision)); position < end; position++) {
          if (records.length === runLength) {
            resumeKey = key;
            resumePosition = position;
            more = true;
            return false;
          }
          records.push(record);
          positions.push(position);
        }
        return true;
      });
      if (records.length > 0) this.#runs.push(sorted(records, positions));
      yield;
    }
  }

  /** All that was gathered, by revision; any number of times. */
  *batches(): Generator<readonly Version[]> {
    const heads = new Heads(this.#runs);
    let batch: Version[] = [];
    let bytes = 0;
    for (let next = heads.take(); next !== undefined; next = heads.take()) {
      batch.push(next);
      bytes += next.key.length + (next.value?.length ?? 0);
      if (batch.length < batchLength && bytes < batchBytes) continue;
      yield batch;
      batch = [];
      bytes = 0;
    }
    if (batch.length > 0) yield batch;
  }
}

function sorted(records: readonly KeyRecord[], positions: readonly number[]): Run {
  const versions = records.map((record, at) => record.versionAt(positions[at]!));
  const order = versions.map((_, at) => at).sort((left, right) => compare(versions[left]!, versions[right]!));
  return { records: order.map((at) => records[at]!), positions: Uint32Array.from(order, (at) => positions[at]!) };
}

function compare(left: Version, right: Version): number {
  return left.modRevision - right.modRevision || left.subRevision - right.subRevision;
}

/** The first version of each run, in a heap with the earliest on top. */
class Heads {
  readonly #heap: { readonly run: Run; at: number; version: Version }[];

  constructor(runs: readonly Run[]) {
    this.#heap = runs.map((run) => ({ run, at: 0, version: versionOf(run, 0) }));
    for (let at = (this.#heap.length >>> 1) - 1; at >= 0; at--) this.#sink(at);
  }

  take(): Version | undefined {
    const [top] = this.#heap;
    if (top === undefined) return undefined;
    const { version, run } = top;
    top.at++;
    if (top.at < run.records.length) top.version = versionOf(run, top.at);
    else {
      const last = this.#heap.pop()!;
      if (this.#heap.length > 0) this.#heap[0] = last;
    }
    this.#sink(0);
    return version;
  }

  #sink(from: number): void {
    const heap = this.#heap;
    const sinking = heap[from];
    if (sinking === undefined) return;
    let hole = from;
    for (;;) {
      let child = 2 * hole + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && compare(heap[child + 1]!.version, heap[child]!.version) < 0) child++;
      if (compare(sinking.version, heap[child]!.version) <= 0) break;
      heap[hole] = heap[child]!;
      hole = child;
    }
    heap[hole] = sinking;
  }
}

/** A copy: a key's newest version is changed in place by the next write. */
function versionOf({ records, positions }: Run, at: number): Version {
  const { key, value, modRevision, subRevision, createRevision, version, lease } = records[at]!.versionAt(
    positions[at]!,
  );
  return new Version(key, value, modRevision, subRevision, createRevision, version, lease);
}
