import type { FaultJournal, JournalEntry } from "./fault-journal.ts";
import type { LiveTarget } from "./live-fault.ts";

/** An effect that faults with one key share, and who they are. */
interface SharedEffect {
  readonly undo: unknown;
  readonly holders: Set<string>;
}

/** One target with what strikes it. Its faults begin and end one at a time, in the order in which that was asked for. */
export class StruckTarget {
  readonly target: LiveTarget;
  readonly #journal: FaultJournal | undefined;
  readonly #shared = new Map<string, SharedEffect>();
  #last: Promise<unknown> = Promise.resolve();

  constructor(target: LiveTarget, journal: FaultJournal | undefined) {
    this.target = target;
    this.#journal = journal;
  }

  /** Runs `work` when all that came before has ended, however it did. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work, work);
    this.#last = done.catch(() => undefined);
    return done;
  }

  /** Writes the fault down, then begins it, unless another holds the same effect already. Gives the entry as written. */
  async begin(order: JournalEntry, written: (entry: JournalEntry) => void): Promise<void> {
    const key = this.target.holdKey?.(order.kind, order.parameters);
    const shared = key === undefined ? undefined : this.#shared.get(key);
    const entry = {
      ...order,
      undo: shared === undefined ? ((await this.target.prepare?.(order)) ?? null) : shared.undo,
    };
    await this.#journal?.begin(entry);
    written(entry);
    if (shared !== undefined) {
      shared.holders.add(order.id);
      return;
    }
    if (key !== undefined) this.#shared.set(key, { undo: entry.undo, holders: new Set([order.id]) });
    await this.target.inject(entry, entry.undo);
  }

  /** Takes it back, unless another still holds the same effect. */
  async end(entry: JournalEntry): Promise<void> {
    const key = this.target.holdKey?.(entry.kind, entry.parameters);
    const shared = key === undefined ? undefined : this.#shared.get(key);
    const others = [...(shared?.holders ?? [])].some((id) => id !== entry.id);
    if (!others) {
      await this.target.remove(entry, entry.undo);
      if (key !== undefined) this.#shared.delete(key);
    }
    shared?.holders.delete(entry.id);
    try {
      await this.#journal?.end(entry.id);
    } catch {
      // The next start takes it back once more, which does no harm.
    }
  }
}
