import type { World } from "holdfast/runtime";
import type { LockLedger } from "./lock-ledger.ts";
import type { LockTally } from "./lock-tally.ts";

export const hosts = ["a", "b", "c"] as const;

/** What goes on in a world of locks: shared by all parts of it. */
export interface LockScene {
  readonly world: World;
  readonly ledger: LockLedger;
  readonly names: readonly string[];
  readonly tally: LockTally;
  readonly pace: number;
  /** No new work from here on. */
  ending: boolean;
  /** What went wrong in one of the processes. */
  failure: Error | undefined;
}

/** Times to live, and faults with them, are not made as long as the rest. */
export function leasePace(pace: number): number {
  return Math.min(pace, 5);
}
