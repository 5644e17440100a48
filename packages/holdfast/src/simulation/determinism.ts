import { checkPropertyOptions, type PropertyOptions, type PropertySettings } from "./property-options.ts";
import { runProperty, type PropertyRun } from "./property-run.ts";

/** Where the traces of two runs part. */
export interface TraceDifference {
  readonly seed: number;
  /** From 1. */
  readonly line: number;
  /** Undefined where the run had ended. */
  readonly first: string | undefined;
  readonly second: string | undefined;
}

/** How many lines of a run are compared in words; what comes before is in the hash alone. */
const comparedLines = 200_000;

/**
 * Runs each seed of a property twice; gives where the first two runs that differ part, and undefined when none do.
 *
 * @throws InvalidArgumentError on options that break their rules
 */
export async function checkDeterminism(options: PropertyOptions): Promise<TraceDifference | undefined> {
  const settings = checkPropertyOptions(options);
  for (const seed of settings.seeds) {
    const difference = await compareTwoRuns(settings, seed, settings.repeat?.keep);
    if (difference !== undefined) return difference;
  }
  return undefined;
}

/** Runs one seed twice, or once more after `first`. */
export async function compareTwoRuns(
  settings: PropertySettings,
  seed: number,
  keep?: readonly string[],
  first?: PropertyRun,
): Promise<TraceDifference | undefined> {
  const one = await runProperty(settings, seed, keep, comparedLines);
  if (first !== undefined && isSame(first, one)) return undefined;
  const other = await runProperty(settings, seed, keep, comparedLines);
  const difference = isSame(one, other) ? undefined : differenceOf(one, other);
  // The first run kept its last lines alone.
  return difference ?? (first === undefined ? undefined : { seed, line: 1, first: endOf(first), second: endOf(one) });
}

function isSame(one: PropertyRun, other: PropertyRun): boolean {
  return one.report?.traceHash === other.report?.traceHash && one.failure?.invariant === other.failure?.invariant;
}

function differenceOf(one: PropertyRun, other: PropertyRun): TraceDifference {
  const [before, after] = [one.report?.trace ?? [], other.report?.trace ?? []];
  const length = Math.max(before.length, after.length);
  let at = 0;
  while (at < length && before[at] === after[at]) at++;
  const isEnd = at === length;
  return {
    seed: one.seed,
    line: at + 1,
    first: isEnd ? endOf(one) : before[at],
    second: isEnd ? endOf(other) : after[at],
  };
}

function endOf({ failure, report }: PropertyRun): string {
  const end = failure === undefined ? "the property held" : `it did not hold: ${failure.invariant}`;
  return `${end} (trace ${report?.traceHash ?? "none"})`;
}
