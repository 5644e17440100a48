import type { Clock } from "../../runtime/index.ts";
import type { AutoCompactionOptions } from "./auto-compaction-options.ts";

export interface AutoCompactionDuties {
  readonly clock: Pick<Clock, "now">;
  /** What this member has applied. */
  readonly revision: () => number;
  readonly compactedRevision: () => number;
  readonly leads: () => boolean;
  readonly compact: (revision: number) => Promise<unknown>;
}

interface Sample {
  readonly at: number;
  /** What this member had applied then; the cluster, as much or more. */
  readonly revision: number;
}

/** With a number of revisions: how often the leader looks. */
const lookMs = 10_000;
/** With a time: a tenth of it, but so long at least, and so long at most, as with etcd. */
const leastStepMs = 1_000;
const mostStepMs = 360_000;
/** No more samples than this, however long the time. */
const mostSamples = 1_000;

/**
 * Compacts by itself: the leader proposes, by what it has seen applied.
 *
 * Every member takes samples of its own, as with etcd, so that one that comes to lead need not wait for a whole retention
 * before it may compact. A sample of one that is behind names an older revision, and so does one taken before a pause: of
 * both, more is kept and never less. Where two compact after each other, or one again what another has compacted, the
 * later one changes nothing.
 */
export class AutoCompaction {
  readonly #options: AutoCompactionOptions;
  readonly #duties: AutoCompactionDuties;
  readonly #stepMs: number;
  /** Ascending in both; the first may be old enough to compact to. */
  readonly #samples: Sample[] = [];
  #dueAt = -Infinity;
  #underWay = false;

  constructor(options: AutoCompactionOptions, duties: AutoCompactionDuties) {
    this.#options = options;
    this.#duties = duties;
    this.#stepMs = stepOf(options);
  }

  /** Called from time to time, at least every step; proposes a compaction when there is something to compact. */
  tick(): void {
    const { clock, compactedRevision, leads, compact } = this.#duties;
    const now = clock.now();
    if (now < this.#dueAt) return;
    this.#dueAt = now + this.#stepMs;
    const revision = this.#target(now);
    // Below the first revision there is nothing.
    if (revision <= Math.max(1, compactedRevision()) || this.#underWay || !leads()) return;
    this.#underWay = true;
    const over = (): void => void (this.#underWay = false);
    // Refused, or uncertain: the next step looks again.
    compact(revision).then(over, over);
  }

  /** The revision whose past may go. */
  #target(now: number): number {
    const { revision } = this.#duties;
    if (this.#options.mode === "revision") return revision() - this.#options.retention;
    const samples = this.#samples;
    if (samples.at(-1)?.revision !== revision()) samples.push({ at: now, revision: revision() });
    const before = now - this.#options.retentionMs;
    while (samples.length > 1 && samples[1]!.at <= before) samples.shift();
    return samples[0]!.at <= before ? samples[0]!.revision : 0;
  }
}

/** How often history is looked at. */
function stepOf(options: AutoCompactionOptions): number {
  if (options.mode === "revision") return lookMs;
  const { retentionMs } = options;
  return Math.max(leastStepMs, Math.min(retentionMs / 10, mostStepMs), retentionMs / mostSamples);
}
