import type { Entry, HardState, SnapshotMeta } from "../entry.ts";
import type { LogBatch } from "./durable-log.ts";
import type { Position } from "./segment-header.ts";

/** What a snapshot makes of the entries that were replayed. */
export type Settled =
  | { readonly kind: "follows"; readonly entries: readonly Entry[] }
  /** The entries belong to another history or end before the snapshot: all are void. */
  | { readonly kind: "void" }
  /** Entries between the snapshot and the first one held are missing. */
  | { readonly kind: "gap"; readonly heldAfter: number };

/** Replays batches in the order they were appended. */
export class LogReplay {
  #hardState: HardState;
  /** The position before the first entry held; its term is unknown when what was replaced was not held. */
  #base: { readonly index: number; readonly term: number | undefined };
  #entries: Entry[] = [];

  /** Starts from what the first segment's header says. */
  constructor(hardState: HardState, last: Position) {
    this.#hardState = hardState;
    this.#base = last;
  }

  get hardState(): HardState {
    return this.#hardState;
  }

  get lastIndex(): number {
    return this.#base.index + this.#entries.length;
  }

  get lastTerm(): number | undefined {
    return this.#termAt(this.lastIndex);
  }

  /** Takes the next batch; returns why it cannot be the next one, undefined when it can. */
  apply(batch: LogBatch): string | undefined {
    if (batch.hardState !== undefined) this.#hardState = batch.hardState;
    if (batch.reset !== undefined) {
      this.#base = batch.reset;
      this.#entries = [];
    }
    const first = batch.entries[0];
    if (first === undefined) return undefined;
    if (first.index > this.lastIndex + 1) return `entry ${first.index} follows entry ${this.lastIndex}`;
    if (first.index <= this.#base.index) {
      // What it replaces was in a segment that has gone, or is not needed any more.
      this.#base = { index: first.index - 1, term: undefined };
      this.#entries = [];
    }
    this.#entries.length = first.index - 1 - this.#base.index;
    for (const entry of batch.entries) this.#entries.push(entry);
    return undefined;
  }

  /** Lets go of the entries below `index`, so that replaying takes no more room than what is left in the end. */
  forgetBelow(index: number): void {
    const below = Math.min(index - 1, this.lastIndex) - this.#base.index;
    if (below <= 0) return;
    this.#base = { index: this.#base.index + below, term: this.#entries[below - 1]!.term };
    this.#entries = this.#entries.slice(below);
  }

  settle(snapshot: SnapshotMeta): Settled {
    if (snapshot.index < this.#base.index) return { kind: "gap", heldAfter: this.#base.index };
    if (snapshot.index > this.lastIndex) return { kind: "void" };
    // A term that is not known is that of an entry which a later one followed: a snapshot there can only agree.
    const term = this.#termAt(snapshot.index) ?? snapshot.term;
    if (term !== snapshot.term) return { kind: "void" };
    return { kind: "follows", entries: this.#entries.slice(snapshot.index - this.#base.index) };
  }

  #termAt(index: number): number | undefined {
    return index === this.#base.index ? this.#base.term : this.#entries[index - this.#base.index - 1]?.term;
  }
}
