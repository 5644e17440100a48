/** How much of something passed and failed. */
export interface Tally {
  readonly passed: number;
  readonly failed: number;
}

interface VitestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly testResults: readonly { readonly status: string; readonly assertionResults: readonly unknown[] }[];
}

interface SimulationReport {
  readonly seeds: number;
  readonly violations: readonly {
    readonly seed: number | string;
    readonly invariant: string;
    readonly command: string;
  }[];
  readonly faults: Readonly<Record<string, number>>;
}

/**
 * Counts of vitest's JSON report: each test, and each file that failed before its first test. A run that failed
 * without a failed test (an unhandled error, no test found, no report) has one failure.
 */
export function tallyVitest(report: string | undefined, exitedWell: boolean): Tally {
  const parsed = parse(report) as VitestReport | undefined;
  if (parsed === undefined) return { passed: 0, failed: 1 };
  const broken = parsed.testResults.filter((file) => file.status === "failed" && file.assertionResults.length === 0);
  const failed = parsed.numFailedTests + broken.length;
  return { passed: parsed.numPassedTests, failed: failed === 0 && !exitedWell ? 1 : failed };
}

/** Counts of `simulate --json`: each seed. A run that failed without naming a seed has one failure. */
export function tallySimulation(document: string, exitedWell: boolean): Tally {
  const parsed = parse(document) as SimulationReport | undefined;
  if (parsed === undefined) return { passed: 0, failed: 1 };
  const violated = new Set(parsed.violations.map((violation) => violation.seed)).size;
  const failed = violated === 0 && !exitedWell ? 1 : violated;
  return { passed: Math.max(0, parsed.seeds - violated), failed };
}

/** What `simulate --json` found, for people. */
export function describeSimulation(document: string): string {
  const parsed = parse(document) as SimulationReport | undefined;
  if (parsed === undefined) return "the simulation printed no result";
  const faults = Object.entries(parsed.faults).map(([kind, count]) => `${kind} ${count}`);
  return [
    `${parsed.seeds} seeds, ${parsed.violations.length} violations`,
    `faults: ${faults.length === 0 ? "none" : faults.join(", ")}`,
    ...parsed.violations.map(({ seed, invariant, command }) => `seed ${seed}: ${invariant}; repeat: ${command}`),
  ].join("\n");
}

/** Undefined for what is no JSON: whoever wrote it crashed. */
function parse(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
