import { writeText } from "../byte-text.ts";
import type { KeyValue, LeaseId } from "./key-value.ts";

/** One state of a key. Without a value it is a tombstone: the key was deleted. */
export class Version {
  readonly key: string;
  value: string | undefined;
  modRevision: number;
  /** Orders the changes of one transaction, from 0. */
  subRevision: number;
  createRevision: number;
  version: number;
  lease: LeaseId;

  constructor(
    key: string,
    value: string | undefined,
    modRevision: number,
    subRevision: number,
    createRevision: number,
    version: number,
    lease: LeaseId,
  ) {
    this.key = key;
    this.value = value;
    this.modRevision = modRevision;
    this.subRevision = subRevision;
    this.createRevision = createRevision;
    this.version = version;
    this.lease = lease;
  }
}

/**
 * A key's newest version, changed in place, and the older ones that are still readable. Most keys have no older ones,
 * so a key costs one object.
 */
export class KeyRecord extends Version {
  older: Version[] | undefined = undefined;

  /** How many versions are held. */
  get depth(): number {
    return (this.older?.length ?? 0) + 1;
  }

  /** The version at a position, the oldest being 0. */
  versionAt(position: number): Version {
    return this.older?.[position] ?? this;
  }

  /** The version that readers at `revision` see; undefined when the key did not exist then. */
  readAt(revision: number): Version | undefined {
    const position = this.#lastUpTo(revision);
    if (position < 0) return undefined;
    const found = this.versionAt(position);
    return found.value === undefined ? undefined : found;
  }

  /** Keeps the present state as an older version. What it is now is for the caller to set. */
  archive(): void {
    const { key, value, modRevision, subRevision, createRevision, version, lease } = this;
    (this.older ??= []).push(new Version(key, value, modRevision, subRevision, createRevision, version, lease));
  }

  /**
   * The position of the first version that readers at `compactedRevision` or later can see, or watchers from there on;
   * `depth` when there is none. An older tombstone is not needed: without it the key does not exist either.
   */
  firstKept(compactedRevision: number): number {
    const next = this.#lastUpTo(compactedRevision - 1) + 1;
    if (next === 0 || (next < this.depth && this.versionAt(next).modRevision === compactedRevision)) return next;
    return this.versionAt(next - 1).value === undefined ? next : next - 1;
  }

  /** How many versions were written up to `revision`. */
  depthAt(revision: number): number {
    return this.#lastUpTo(revision) + 1;
  }

  #lastUpTo(revision: number): number {
    const { older } = this;
    if (this.modRevision <= revision) return older === undefined ? 0 : older.length;
    if (older === undefined) return -1;
    let low = 0;
    let high = older.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (older[middle]!.modRevision <= revision) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}

/** The bytes of keys and values, in one buffer for the whole answer. */
export function keyValuesOf(versions: readonly Version[], keysOnly: boolean = false): KeyValue[] {
  let length = 0;
  for (const { key, value } of versions) length += key.length + (keysOnly ? 0 : value!.length);
  const bytes = new Uint8Array(length);
  const pairs: KeyValue[] = [];
  let offset = 0;
  const take = (text: string): Uint8Array => {
    const start = offset;
    writeText(text, bytes, start);
    offset += text.length;
    return bytes.subarray(start, offset);
  };
  for (const { key, value, createRevision, modRevision, version, lease } of versions) {
    pairs.push({ key: take(key), value: take(keysOnly ? "" : value!), createRevision, modRevision, version, lease });
  }
  return pairs;
}

/** One pair, as bytes of its own. */
export function keyValueOf(version: Version): KeyValue {
  return keyValuesOf([version])[0]!;
}
