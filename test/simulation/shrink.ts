import { shortestFailing } from "holdfast/proof";
import { runSimulation, type RunOptions, type RunResult } from "./run.ts";

export interface Shrunk {
  /** Positions of the faults that are still needed. */
  readonly keep: readonly number[];
  readonly result: RunResult;
}

/** Leaves out faults as long as the same promise is still broken. */
export async function shrink(options: RunOptions, found: RunResult): Promise<Shrunk> {
  let result = found;
  const all = options.keep ?? found.schedule.faults.map((_, at) => at);
  const { items } = await shortestFailing(all, async (keep) => {
    const again = await runSimulation({ ...options, keep });
    if (again.violation?.invariant !== found.violation?.invariant) return false;
    result = again;
    return true;
  });
  return { keep: items, result };
}
