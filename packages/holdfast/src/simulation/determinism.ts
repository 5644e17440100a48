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

/** Runs one seed twice. */
export async function compareTwoRuns(
  settings: PropertySettings,
  seed: number,
  keep?: readonly string[],
): Promise<TraceDifference | undefined> {
  const first = await runProperty(settings, seed, keep, comparedLines);
  const second = await runProperty(settings, seed, keep, comparedLines);
  return differenceOf(first, second);
}

function differenceOf(one: PropertyRun, other: PropertyRun): TraceDifference | undefined {
  const { seed } = one;
  const [before, after] = [one.report?.trace ?? [], other.report?.trace ?? []];
  if (one.report?.traceHash === other.report?.traceHash) {
    if (one.failure?.invariant === other.failure?.invariant) return undefined;
    const end = before.length + 1;
    return { seed, line: end, first: endOf(one), second: endOf(other) };
  }
  const length = Math.max(before.length, after.length);
  let at = 0;
  while (at < length && before[at] === after[at]) at++;
  // The ring of lines was too short for the place where they part.
  if (at === length) return { seed, line: 1, first: one.report?.traceHash, second: other.report?.traceHash };
  return { seed, line: at + 1, first: before[at], second: after[at] };
}

function endOf({ failure }: PropertyRun): string {
  return failure === undefined ? "the property held" : `it did not hold: ${failure.invariant}`;
}
