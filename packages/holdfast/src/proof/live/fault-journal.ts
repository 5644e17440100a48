import type { FaultOrder } from "./live-fault.ts";

/** A fault that has begun, or is about to: all that is needed to take it back. */
export interface JournalEntry extends FaultOrder {
  readonly target: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  /** What the target's `prepare` gave: JSON. */
  readonly undo: unknown;
}

/** Outlives the injector: what has begun and not ended is taken back by whoever reads it next. */
export interface FaultJournal {
  /** Resolves when it is durable; the fault begins only then. */
  begin(entry: JournalEntry): Promise<void>;
  /** The fault is gone for good. */
  end(id: string): Promise<void>;
  /** What has begun and not ended, in that order. */
  open(): Promise<readonly JournalEntry[]>;
  /** Lets go of it; what is open stays so. Idempotent. */
  close(): Promise<void>;
}
