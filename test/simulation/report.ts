import { describeFault } from "holdfast/proof";
import type { RunOptions, RunResult } from "./run.ts";
import type { Shrunk } from "./shrink.ts";

/** The command that repeats a run. */
export function commandFor({ seed, plant, focus, keep }: RunOptions): string {
  const parts = ["npm run simulate --", `--seed ${seed}`];
  if (plant !== undefined) parts.push(`--plant ${plant}`);
  if (focus !== undefined) parts.push(`--focus ${focus}`);
  if (keep !== undefined) parts.push(`--keep ${keep.length === 0 ? "none" : keep.join(",")}`);
  return parts.join(" ");
}

/** What a person needs to understand a violation. */
export function describeViolation(options: RunOptions, { keep, result }: Shrunk): string[] {
  const { violation, parameters, schedule } = result;
  return [
    `seed ${options.seed}: ${violation?.invariant} was violated`,
    `  ${violation?.detail.replaceAll("\n", "\n  ")}`,
    `  parameters: ${JSON.stringify(parameters)}`,
    `  the shortest schedule found has ${keep.length} of ${schedule.faults.length} faults:`,
    ...keep.map((at) => `    ${describeFault(schedule.faults[at]!)}`),
    `  repeat it with: ${commandFor({ ...options, keep })}`,
  ];
}

/** Adds up how often each kind of fault happened. */
export function sumFaults(results: readonly Pick<RunResult, "faults">[]): Record<string, number> {
  const total: Record<string, number> = {};
  for (const { faults } of results) {
    for (const [kind, count] of Object.entries(faults)) total[kind] = (total[kind] ?? 0) + count;
  }
  return Object.fromEntries(Object.entries(total).toSorted(([left], [right]) => (left < right ? -1 : 1)));
}
