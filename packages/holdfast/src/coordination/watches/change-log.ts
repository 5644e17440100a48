import type { KeyRecord, Version } from "../key-value/key-record.ts";

/** Slots given up at the front before the arrays are cut. */
const cutAt = 1024;

/** Which record changed at which revision, in the order of the changes. Positions count from the oldest change held. */
export class ChangeLog {
  #revisions: number[] = [];
  #records: KeyRecord[] = [];
  #head = 0;

  /** How many changes are held. */
  get size(): number {
    return this.#records.length - this.#head;
  }

  /** The revision of the oldest change; infinite when there is none. */
  get firstRevision(): number {
    return this.#revisions[this.#head] ?? Infinity;
  }

  /** Adds a change; revisions never decrease. */
  push(revision: number, record: KeyRecord): void {
    this.#revisions.push(revision);
    this.#records.push(record);
  }

  /** Takes the oldest change away. */
  shift(): KeyRecord | undefined {
    const record = this.#records[this.#head];
    if (this.#head < this.#records.length) this.#head++;
    if (this.#head >= cutAt && this.#head * 2 >= this.#records.length) {
      this.#revisions = this.#revisions.slice(this.#head);
      this.#records = this.#records.slice(this.#head);
      this.#head = 0;
    }
    return record;
  }

  revisionAt(position: number): number | undefined {
    return this.#revisions[this.#head + position];
  }

  recordAt(position: number): KeyRecord | undefined {
    return this.#records[this.#head + position];
  }

  /** The position of the first change at `revision` or later; `size` when there is none. */
  positionOf(revision: number): number {
    let low = this.#head;
    let high = this.#revisions.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#revisions[middle]! < revision) low = middle + 1;
      else high = middle;
    }
    return low - this.#head;
  }

  /** What the change at a position, whose revision is not below the compacted one, made of its key. */
  versionAt(position: number): Version {
    const record = this.recordAt(position)!;
    const revision = this.revisionAt(position)!;
    let at = record.depthAt(revision) - 1;
    if (at > 0 && record.versionAt(at - 1).modRevision === revision) {
      // One transaction may delete a key and put it again: each later change of the key is one version further on.
      for (let later = position + 1; this.revisionAt(later) === revision; later++) {
        if (this.recordAt(later) === record) at--;
      }
    }
    return record.versionAt(at);
  }
}
