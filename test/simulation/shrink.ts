import { runSimulation, type RunOptions, type RunResult } from "./run.ts";

/** Runs spent at the most on making a schedule shorter. */
const maxRuns = 60;

export interface Shrunk {
  /** Positions of the faults that are still needed. */
  readonly keep: readonly number[];
  readonly result: RunResult;
}

/**
 * Leaves out faults as long as the same promise is still broken: halves first, then smaller and smaller pieces
 * (Zeller and Hildebrandt, "Simplifying and isolating failure-inducing input", 2002: the complements of ddmin).
 */
export async function shrink(options: RunOptions, found: RunResult): Promise<Shrunk> {
  let keep = options.keep ?? found.schedule.faults.map((_, at) => at);
  let result = found;
  let pieces = 2;
  for (let runs = 0; keep.length > 0 && runs < maxRuns;) {
    const size = Math.ceil(keep.length / pieces);
    let shorter = false;
    for (let start = 0; start < keep.length && runs < maxRuns; start += size) {
      const rest = [...keep.slice(0, start), ...keep.slice(start + size)];
      runs++;
      const again = await runSimulation({ ...options, keep: rest });
      if (again.violation?.invariant !== found.violation?.invariant) continue;
      keep = rest;
      result = again;
      pieces = Math.max(pieces - 1, 2);
      shorter = true;
      break;
    }
    if (shorter) continue;
    if (size === 1) break;
    pieces = Math.min(pieces * 2, keep.length);
  }
  return { keep, result };
}
