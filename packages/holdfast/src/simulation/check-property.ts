import { shortestFailing, type FaultType } from "../proof/index.ts";
import { compareTwoRuns } from "./determinism.ts";
import { PropertyError } from "./property-error.ts";
import { checkPropertyOptions, type PropertyOptions, type PropertySettings } from "./property-options.ts";
import { describeDifference, describeProperty, type PropertyFailure, type PropertyReport } from "./property-report.ts";
import { runProperty, type PropertyRun } from "./property-run.ts";

/**
 * Looks for a seed in which a system does not keep its promise: processes in a simulated world, faults drawn from each
 * seed, and `run`, which throws when something is not as it must be. Stops at the first such seed and leaves out its
 * faults as long as the same promise stays broken.
 *
 * A property that holds has also seen every fault it describes and every mark it names; one that has not is no proof.
 * Nothing that `run` throws is thrown here: it is in the report.
 *
 * @throws InvalidArgumentError on options that break their rules
 * @example
 * const report = await checkProperty({
 *   name: "what was answered is kept",
 *   faults: [{ type: "crash", targets: "one", probability: 0.5, perMs: 1_000, durationMs: [10, 500] }],
 *   async run(world, context) {
 *     context.service("counter", countingService);
 *     const counted = context.client("customer", countForAWhile);
 *     await context.injectFaults().finished;
 *     context.check("nothing is lost", (await stored(world)) >= (await counted));
 *   },
 * });
 * if (!report.holds) throw new Error(describeProperty(report));
 */
export async function checkProperty(options: PropertyOptions): Promise<PropertyReport> {
  const settings = checkPropertyOptions(options);
  const tally = new Tally(settings);
  for (const [at, seed] of settings.seeds.entries()) {
    const run = await runProperty(settings, seed, settings.repeat?.keep);
    tally.add(run);
    if (run.failure !== undefined) return tally.report(await reduce(settings, run));
    if (at > 0 || !settings.checkDeterminism) continue;
    const difference = await compareTwoRuns(settings, seed, settings.repeat?.keep, run);
    if (difference === undefined) continue;
    const error = new PropertyError("determinism", describeDifference(difference));
    return tally.report({ ...failureOf({ ...run, failure: { invariant: "determinism", error } }), difference });
  }
  return tally.report(undefined);
}

/** As `checkProperty`. @throws PropertyError with the report in words, when the property does not hold */
export async function assertProperty(options: PropertyOptions): Promise<PropertyReport> {
  const report = await checkProperty(options);
  if (report.holds) return report;
  throw new PropertyError(report.failure?.invariant ?? "everything is seen", describeProperty(report), {
    cause: report.failure?.error,
  });
}

/** The ids of all that happened in a run. */
function idsOf({ schedule, interruptions }: PropertyRun, keep: readonly string[] | undefined): string[] {
  const faults = (schedule?.faults ?? []).map((_, at) => String(at));
  return [...faults.filter((id) => keep?.includes(id) !== false), ...interruptions.map(({ id }) => id)];
}

function failureOf(run: PropertyRun, keep?: readonly string[]): PropertyFailure {
  const ids = idsOf(run, keep);
  return {
    seed: run.seed,
    invariant: run.failure!.invariant,
    error: run.failure!.error,
    faults: (run.schedule?.faults ?? []).filter((_, at) => ids.includes(String(at))),
    interruptions: run.interruptions,
    drawn: ids.length,
    keep: ids,
    isMinimal: false,
    difference: undefined,
    virtualMs: run.report?.virtualMs ?? 0,
    traceHash: run.report?.traceHash ?? "",
    happened: run.report?.faults ?? {},
    trace: run.report?.trace ?? [],
  };
}

/** How many lines of the shortest run are kept. */
const toldLines = 10_000;

async function reduce(settings: PropertySettings, found: PropertyRun): Promise<PropertyFailure> {
  const { seed } = found;
  const given = settings.repeat?.keep;
  const whole = failureOf(found, given);
  if (!settings.shrink) return whole;
  // What does not fail again would be reduced to anything.
  const difference = await compareTwoRuns(settings, seed, given, found);
  if (difference !== undefined) return { ...whole, difference };
  let shortest = found;
  const { items, isMinimal } = await shortestFailing(
    whole.keep,
    async (keep) => {
      const again = await runProperty(settings, seed, keep);
      if (again.failure?.invariant !== whole.invariant) return false;
      shortest = again;
      return true;
    },
    { maxRuns: settings.maxShrinkRuns },
  );
  const told = await runProperty(settings, seed, items, toldLines);
  // Once more for its trace, unless it has begun to differ.
  if (told.failure?.invariant === whole.invariant) shortest = told;
  return { ...failureOf(shortest, items), drawn: whole.drawn, isMinimal };
}

/** Adds up what the seeds saw. */
class Tally {
  readonly #settings: PropertySettings;
  #seeds = 0;
  #virtualMs = 0;
  readonly #marks = new Map<string, number>();
  readonly #points: Record<string, number> = {};
  readonly #struck: Partial<Record<FaultType, number>> = {};
  readonly #happened: Record<string, number> = {};

  constructor(settings: PropertySettings) {
    this.#settings = settings;
    for (const name of settings.sometimes) this.#marks.set(name, 0);
  }

  add(run: PropertyRun): void {
    this.#seeds++;
    this.#virtualMs += run.report?.virtualMs ?? 0;
    for (const [name, seen] of run.marks) this.#marks.set(name, (this.#marks.get(name) ?? 0) + (seen ? 1 : 0));
    for (const [place, count] of run.visits) {
      const point = place.slice(place.indexOf("/") + 1);
      this.#points[point] = (this.#points[point] ?? 0) + count;
    }
    for (const [type, count] of Object.entries(run.struck) as [FaultType, number][]) {
      this.#struck[type] = (this.#struck[type] ?? 0) + count;
    }
    for (const [kind, count] of Object.entries(run.report?.faults ?? {})) {
      this.#happened[kind] = (this.#happened[kind] ?? 0) + count;
    }
  }

  report(failure: PropertyFailure | undefined): PropertyReport {
    const { name, repeat } = this.#settings;
    const neverSeen = failure === undefined && repeat === undefined ? this.#neverSeen() : [];
    return {
      name,
      holds: failure === undefined && neverSeen.length === 0,
      seeds: this.#seeds,
      failure,
      neverSeen,
      marks: Object.fromEntries(this.#marks),
      points: this.#points,
      struck: this.#struck,
      faultsHappened: this.#happened,
      virtualMs: this.#virtualMs,
    };
  }

  #neverSeen(): string[] {
    const marks = [...this.#marks].filter(([, seeds]) => seeds === 0).map(([mark]) => mark);
    const types = new Set(this.#settings.faults.map(({ type }) => type));
    return [...marks, ...[...types].filter((type) => this.#struck[type] === undefined).map((type) => `fault ${type}`)];
  }
}
