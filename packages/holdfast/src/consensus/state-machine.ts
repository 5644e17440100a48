import type { Entry } from "./entry.ts";

/** What the replicated log drives. Deterministic: same entries, same state and same results, on every node. */
export interface StateMachine {
  /** Applies one committed command entry; called once an index, in order. The result goes to whoever proposed it here. */
  apply(entry: Entry): unknown;
  /**
   * Captures the state as of the last applied entry, in constant time; the chunks are read later, in slices, while
   * entries go on being applied. Same state, same bytes.
   */
  snapshot(): SnapshotSource;
  /** Replaces the whole state by a snapshot's chunks, which may be cut anywhere. @throws when they are malformed */
  restore(chunks: readonly Uint8Array[]): void;
}

export interface SnapshotSource {
  /** The next chunk (about 64 KiB), undefined at the end. */
  next(): Uint8Array | undefined;
  /** Lets go of the captured state; also when not read to the end. Idempotent. */
  release(): void;
}
