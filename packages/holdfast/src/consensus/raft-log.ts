import type { Entry } from "./entry.ts";

/**
 * The part of the log that is in memory: everything after a base position, which a snapshot covers.
 *
 * Positions are log indices; the base itself has a term but no entry.
 */
export class RaftLog {
  #baseIndex: number;
  #baseTerm: number;
  #entries: Entry[];
  #bytes = 0;

  constructor(baseIndex: number, baseTerm: number, entries: readonly Entry[] = []) {
    this.#baseIndex = baseIndex;
    this.#baseTerm = baseTerm;
    this.#entries = [];
    this.append(entries);
  }

  get baseIndex(): number {
    return this.#baseIndex;
  }

  get lastIndex(): number {
    return this.#baseIndex + this.#entries.length;
  }

  get lastTerm(): number {
    return this.#entries.at(-1)?.term ?? this.#baseTerm;
  }

  /** Bytes of data held. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The term at an index; undefined where the log is compacted or has ended. */
  termAt(index: number): number | undefined {
    if (index === this.#baseIndex) return this.#baseTerm;
    return this.#entries[index - this.#baseIndex - 1]?.term;
  }

  at(index: number): Entry | undefined {
    return this.#entries[index - this.#baseIndex - 1];
  }

  /** Appends consecutive entries that follow the last one. */
  append(entries: readonly Entry[]): void {
    for (const entry of entries) {
      if (entry.index !== this.lastIndex + 1) {
        throw new Error(`entry ${entry.index} does not follow the log's last index ${this.lastIndex}`);
      }
      this.#entries.push(entry);
      this.#bytes += entry.data.length;
    }
  }

  /** Drops the entries from `index` on. */
  truncate(index: number): void {
    for (const dropped of this.#entries.splice(index - this.#baseIndex - 1)) this.#bytes -= dropped.data.length;
  }

  /** Moves the base up to `index`, which is held, dropping entries up to it. */
  compact(index: number): void {
    const term = this.termAt(index);
    if (term === undefined)
      throw new Error(`cannot compact to ${index}: the log holds ${this.#baseIndex}..${this.lastIndex}`);
    for (let at = this.#baseIndex + 1; at <= index; at++) this.#bytes -= this.at(at)!.data.length;
    this.#entries = this.#entries.slice(index - this.#baseIndex);
    this.#baseIndex = index;
    this.#baseTerm = term;
  }

  /** Entries from `from` on, up to `to`, at least one and then as many as `maxBytes` of data allow. */
  slice(from: number, to: number, maxBytes: number): Entry[] {
    const start = from - this.#baseIndex - 1;
    const limit = Math.min(to - this.#baseIndex, this.#entries.length);
    let end = start;
    for (let bytes = 0; end < limit; end++) {
      bytes += this.#entries[end]!.data.length;
      if (bytes > maxBytes && end > start) break;
    }
    return this.#entries.slice(start, end);
  }

  /** The largest index at or below `index` whose term is at most `term`: where two logs may still agree. */
  lastIndexWithTermAtMost(index: number, term: number): number {
    let at = Math.min(index, this.lastIndex);
    while (at > this.#baseIndex && this.termAt(at)! > term) at--;
    return at;
  }
}
