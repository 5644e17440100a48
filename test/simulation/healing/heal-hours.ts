import { parseArgs } from "node:util";
import { healingBugs } from "holdfast/recovery";
import { runHealing, type HealingRun } from "./run-healing.ts";

const usage = `npm run simulate -- --healing HOURS [options]

  --healing HOURS   simulated hours, of all clusters together
  --each N          hours of each cluster, each from a seed of its own (default 100)
  --seed S          the first seed (default 1)
  --plant BUG       heal in a way that is known to be wrong: ${healingBugs.join(", ")}
  --json            print one JSON document on stdout`;

/** Adds what runs have counted. */
function sumOf(runs: readonly HealingRun[], part: "faults" | "actions" | "withheld"): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const run of runs) {
    for (const [kind, count] of Object.entries(run[part])) sums[kind] = (sums[kind] ?? 0) + count;
  }
  return sums;
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return Math.round((sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0) / 100) / 10;
}

/** Breaks and heals models of clusters for so many simulated hours, and says how that went; gives the exit code. */
export function healHours(args: readonly string[]): number {
  const { values } = parseArgs({
    args: [...args],
    options: {
      healing: { type: "string", default: "" },
      each: { type: "string", default: "100" },
      seed: { type: "string", default: "1" },
      plant: { type: "string" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(usage);
    return 0;
  }
  const plant = healingBugs.find((bug) => bug === values.plant);
  const [hours, each, first] = [values.healing, values.each, values.seed].map(Number) as [number, number, number];
  if (![hours, each].every((value) => value > 0) || !Number.isSafeInteger(first) || plant !== values.plant) {
    console.error(usage);
    return 2;
  }
  const startedAt = performance.now();
  const runs: HealingRun[] = [];
  let lived = 0;
  let nextProgress = 0;
  for (let seed = first; lived < hours; seed++) {
    const run = runHealing(seed, Math.min(each, hours - lived), plant);
    runs.push(run);
    lived += run.hours;
    if (run.violation !== undefined) console.error(`seed ${seed}: ${run.violation.message}`);
    if (run.violation !== undefined && plant !== undefined) break;
    if (performance.now() < nextProgress) continue;
    nextProgress = performance.now() + 10_000;
    console.error(`  ${Math.round(lived)} of ${hours} hours`);
  }
  const restored = runs.flatMap(({ restoredAfterMs }) => restoredAfterMs);
  const violations = runs.flatMap(({ seed, violation }) =>
    violation === undefined ? [] : [{ seed, invariant: violation.invariant }],
  );
  const report = {
    seeds: runs.length,
    hours: Math.round(lived),
    hoursAtWork: Math.round(runs.reduce((sum, run) => sum + run.hoursAtWork, 0)),
    violations,
    faults: sumOf(runs, "faults"),
    actions: sumOf(runs, "actions"),
    withheld: sumOf(runs, "withheld"),
    persons: runs.reduce((sum, run) => sum + run.persons, 0),
    restored: restored.length,
    secondsToFullStrength: {
      median: quantile(restored, 0.5),
      p90: quantile(restored, 0.9),
      p99: quantile(restored, 0.99),
    },
    wallMs: Math.round(performance.now() - startedAt),
  };
  if (values.json) console.log(JSON.stringify(report));
  else {
    for (const [name, value] of Object.entries(report)) {
      console.log(`${name.padEnd(22)} ${typeof value === "object" ? JSON.stringify(value) : value}`);
    }
    const again = plant === undefined ? "" : ` --plant ${plant}`;
    const seed = violations[0]?.seed ?? first;
    console.log(
      `${report.hours} hours, ${violations.length} violations; repeat: npm run simulate -- ` +
        `--healing ${each} --each ${each} --seed ${seed}${again}`,
    );
  }
  return violations.length === 0 ? 0 : 1;
}
