import { keyValuesOf, type KeyRecord, type Version } from "./key-record.ts";
import { keyRange, type KeyRange } from "./key-range.ts";
import type { RangeRequest, RangeResponse, SortTarget } from "./key-value.ts";
import type { OrderedIndex } from "./ordered-index.ts";

type Index = OrderedIndex<KeyRecord>;

/**
 * Answers a range request as of `revision`, the newest when undefined.
 *
 * The count is that of the range at the revision, before the filters and the limit. Filters and orders other than the
 * keys' own need the whole range. Pairs that a sort finds equal stay in ascending order of their keys.
 */
export function readRange(index: Index, request: RangeRequest, revision: number | undefined): RangeResponse {
  const range = keyRange(request.key, request.rangeEnd);
  if (request.countOnly === true) return { pairs: [], more: false, count: countOf(index, range, revision) };
  const limit = (request.limit ?? 0) > 0 ? request.limit! : Infinity;
  const target = request.sortTarget ?? "key";
  const keysOnly = request.keysOnly === true;
  if (range.single) {
    const found = versionAt(index.get(range.from), revision);
    const pairs = found === undefined || !passes(found, request) ? [] : keyValuesOf([found], keysOnly);
    return { pairs, more: false, count: found === undefined ? 0 : 1 };
  }
  if (target === "key" && !filters(request)) {
    const { found, count } = collect(index, range, revision, limit, request.sortOrder === "descend");
    return { pairs: keyValuesOf(found, keysOnly), more: count > limit, count };
  }
  // A limit without a filter and with no order named is applied before the sort, and one key of margin takes part in it.
  const early = (request.sortOrder ?? "none") === "none" && !filters(request);
  const { found, count } = collect(index, range, revision, early ? limit + 1 : Infinity, false);
  const passed = found.filter((version) => passes(version, request));
  const sign = request.sortOrder === "descend" ? -1 : 1;
  const compare = comparisons[target];
  if (target !== "key" || sign < 0) passed.sort((left, right) => sign * compare(left, right));
  return { pairs: keyValuesOf(passed.slice(0, limit), keysOnly), more: passed.length > limit, count };
}

function countOf(index: Index, range: KeyRange, revision: number | undefined): number {
  if (range.single) return versionAt(index.get(range.from), revision) === undefined ? 0 : 1;
  if (revision === undefined) return index.weight(range.from, range.to);
  return collect(index, range, revision, 0, false).count;
}

/** The first `limit` versions in order of their keys, and how many there are. */
function collect(
  index: Index,
  { from, to }: KeyRange,
  revision: number | undefined,
  limit: number,
  backwards: boolean,
): { readonly found: Version[]; readonly count: number } {
  const found: Version[] = [];
  let count = 0;
  const visit = (record: KeyRecord): boolean => {
    const version = versionAt(record, revision);
    if (version === undefined) return true;
    count++;
    if (found.length < limit) found.push(version);
    // The present is counted by the index; the past has to be walked to its end.
    return revision !== undefined || found.length < limit;
  };
  if (backwards) index.descend(from, to, visit);
  else index.ascend(from, to, visit);
  if (revision === undefined && found.length >= limit) count = index.weight(from, to);
  return { found, count };
}

function versionAt(record: KeyRecord | undefined, revision: number | undefined): Version | undefined {
  if (revision !== undefined) return record?.readAt(revision);
  return record?.value === undefined ? undefined : record;
}

function filters(request: RangeRequest): boolean {
  const { minModRevision, maxModRevision, minCreateRevision, maxCreateRevision } = request;
  return Boolean(minModRevision) || Boolean(maxModRevision) || Boolean(minCreateRevision) || Boolean(maxCreateRevision);
}

function passes({ modRevision, createRevision }: Version, request: RangeRequest): boolean {
  const { minModRevision, maxModRevision, minCreateRevision, maxCreateRevision } = request;
  if (minModRevision && modRevision < minModRevision) return false;
  if (maxModRevision && modRevision > maxModRevision) return false;
  if (minCreateRevision && createRevision < minCreateRevision) return false;
  return !(maxCreateRevision && createRevision > maxCreateRevision);
}

const comparisons: Readonly<Record<SortTarget, (left: Version, right: Version) => number>> = {
  key: (left, right) => compareTexts(left.key, right.key),
  version: (left, right) => left.version - right.version,
  create: (left, right) => left.createRevision - right.createRevision,
  mod: (left, right) => left.modRevision - right.modRevision,
  value: (left, right) => compareTexts(left.value!, right.value!),
};

function compareTexts(left: string, right: string): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}
