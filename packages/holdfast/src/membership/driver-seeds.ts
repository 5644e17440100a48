import type { Address, Clock, RandomSource } from "../runtime/index.ts";

export interface SeedsOptions {
  readonly seeds: readonly Address[];
  readonly clock: Clock;
  readonly random: RandomSource;
  /** Resolves when a seed has answered, rejects when none has. */
  readonly join: (seeds: readonly Address[]) => Promise<unknown>;
  /** Whether no other member is known, so that nobody else can tell of the seeds. */
  readonly isAlone: () => boolean;
  readonly signal: AbortSignal;
}

const minRetryMs = 200;
const maxRetryMs = 10_000;

/**
 * Asks the seeds until one answers or somebody else has found this member: a cluster whose members start together, in
 * any order, is one within moments. From then on the core looks for seeds that are missing, at its own pace.
 */
export async function joinSeeds({ seeds, clock, random, join, isAlone, signal }: SeedsOptions): Promise<void> {
  for (let retryMs = minRetryMs; seeds.length > 0; retryMs = Math.min(retryMs * 2, maxRetryMs)) {
    try {
      await join(seeds);
      return;
    } catch {
      if (signal.aborted || !isAlone()) return;
    }
    try {
      await clock.sleep(retryMs * (0.5 + random.next() / 2), { signal });
    } catch {
      return;
    }
  }
}
