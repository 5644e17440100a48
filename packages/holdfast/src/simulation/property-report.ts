import { describeFault, type Fault, type FaultType } from "../proof/index.ts";
import { describeInterruption, type Interruption } from "./interruption.ts";
import type { TraceDifference } from "./determinism.ts";
import { excerptOf } from "./trace-excerpt.ts";

/** The first seed in which the property did not hold, and the least that it takes. */
export interface PropertyFailure {
  readonly seed: number;
  /** Which promise was broken. */
  readonly invariant: string;
  /** What was thrown in the shortest run. */
  readonly error: unknown;
  /** The shortest schedule that was found, and what happened at points in it. */
  readonly faults: readonly Fault[];
  readonly interruptions: readonly Interruption[];
  /** How many faults and interruptions the seed had. */
  readonly drawn: number;
  /** The ids of those that are left: what `repeat.keep` takes. */
  readonly keep: readonly string[];
  /** Whether none of them can be left out alone. */
  readonly isMinimal: boolean;
  /** Where two runs of this seed differ; undefined when they do not. */
  readonly difference: TraceDifference | undefined;
  readonly virtualMs: number;
  readonly traceHash: string;
  /** What happened in the shortest run, by kind. */
  readonly happened: Readonly<Record<string, number>>;
  /** The lines of the shortest run, the last 10 000. */
  readonly trace: readonly string[];
}

export interface PropertyReport {
  readonly name: string;
  /** Nothing failed, and everything was seen that should be. */
  readonly holds: boolean;
  /** How many seeds were run. */
  readonly seeds: number;
  readonly failure: PropertyFailure | undefined;
  /** Marks and described faults that no seed has seen, with which the property was not really tested. */
  readonly neverSeen: readonly string[];
  /** In how many seeds each mark was seen. */
  readonly marks: Readonly<Record<string, number>>;
  /** How often each point was reached, over all processes. */
  readonly points: Readonly<Record<string, number>>;
  /** How often the described faults have struck, by type. */
  readonly struck: Readonly<Partial<Record<FaultType, number>>>;
  /** All that went wrong in the worlds, by kind: crashes, resets, messages lost, … */
  readonly faultsHappened: Readonly<Record<string, number>>;
  readonly virtualMs: number;
}

/** The variables by which a run is repeated. */
export function repetitionVariables({ seed, keep }: Pick<PropertyFailure, "seed" | "keep">): string {
  const kept = keep.length === 0 ? "none" : keep.join(",");
  return `HOLDFAST_SEED=${seed} HOLDFAST_KEEP='${kept}'`;
}

/** A report in words. */
export function describeProperty(report: PropertyReport): string {
  const { name, seeds, failure, neverSeen, virtualMs } = report;
  if (failure !== undefined) return describeFailure(name, failure).join("\n");
  const ran = `${seeds} ${seeds === 1 ? "seed" : "seeds"}, ${(virtualMs / 60_000).toFixed(1)} minutes of virtual time`;
  if (neverSeen.length === 0) return `${name}: holds in ${ran}`;
  return [`${name}: was not tested by ${ran}, which never saw:`, ...neverSeen.map((mark) => `  ${mark}`)].join("\n");
}

function describeFailure(name: string, failure: PropertyFailure): string[] {
  const { seed, invariant, error, faults, interruptions, drawn, keep, isMinimal, difference, happened, trace } =
    failure;
  const happenings = [
    ...faults.map((fault) => ({ atMs: fault.atMs, words: describeFault(fault) })),
    ...interruptions.map((one) => ({ atMs: one.atMs, words: describeInterruption(one) })),
  ].toSorted((one, other) => one.atMs - other.atMs);
  return [
    `${name}: does not hold with seed ${seed}: ${invariant}`,
    `  ${wordsOf(error).replaceAll("\n", "\n  ")}`,
    ...(difference === undefined ? [] : [`  ${describeDifference(difference).replaceAll("\n", "\n  ")}`]),
    keep.length === 0
      ? `  none of the ${drawn} faults is needed for that`
      : `  ${isMinimal ? "the shortest schedule" : "the shortest schedule found"} has ${keep.length} of ${drawn} faults:`,
    ...happenings.map(({ words }) => `    ${words}`),
    ...(trace.length === 0 ? [] : ["  from its trace:"]),
    ...excerptOf(trace, Object.keys(happened)).map((line) => `    ${line}`),
    `  repeat it with ${repetitionVariables(failure)}, or repeat: ${JSON.stringify({ seed, keep })}`,
  ];
}

export function describeDifference({ line, first, second }: TraceDifference): string {
  return [
    "two runs of this seed differ: something takes time, chance, network or files from outside the simulation",
    `  the first run's line ${line}: ${first ?? "(ended)"}`,
    `  the second run's line ${line}: ${second ?? "(ended)"}`,
  ].join("\n");
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
