/** How much of something passed and failed. */
export interface Tally {
  readonly passed: number;
  readonly failed: number;
  /** What failed, by name, where that is known. */
  readonly failures?: readonly string[];
}

interface VitestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message?: string;
    readonly assertionResults: readonly {
      readonly status: string;
      readonly fullName: string;
      readonly failureMessages?: readonly string[];
    }[];
  }[];
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
  if (failed === 0) return { passed: parsed.numPassedTests, failed: exitedWell ? 0 : 1 };
  return { passed: parsed.numPassedTests, failed, failures: parsed.testResults.flatMap(failuresOf) };
}

/** Each failed test of a file with the first line of why; or why there are none. */
function failuresOf({ name, status, message, assertionResults }: VitestReport["testResults"][number]): string[] {
  if (status === "failed" && assertionResults.length === 0) return [`${name}: ${firstLine(message)}`];
  return assertionResults
    .filter((test) => test.status === "failed")
    .map((test) => `${name}: ${test.fullName}: ${firstLine(test.failureMessages?.[0])}`);
}

function firstLine(text: string | undefined): string {
  return text?.split("\n", 1)[0] ?? "";
}

/** Counts of `simulate --json`: each seed. A run that failed without naming a seed has one failure. */
export function tallySimulation(document: string, exitedWell: boolean): Tally {
  const parsed = parse(document) as SimulationReport | undefined;
  if (parsed === undefined) return { passed: 0, failed: 1 };
  const violated = new Set(parsed.violations.map((violation) => violation.seed)).size;
  const failed = violated === 0 && !exitedWell ? 1 : violated;
  const failures = parsed.violations.map(({ seed, invariant, command }) => `seed ${seed}: ${invariant}: ${command}`);
  return { passed: Math.max(0, parsed.seeds - violated), failed, ...(failures.length > 0 ? { failures } : {}) };
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
