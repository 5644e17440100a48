import { seededRandom, type Random } from "../runtime/index.ts";
import type { Fault, FaultModel, Targets } from "./fault.ts";

/** What will go wrong, all of it known before the run begins. Can be written as JSON and read back. */
export interface FaultSchedule {
  /** Decides what is left open: which messages a share strikes, which bits turn. */
  readonly seed: number;
  /** At its end, everything that still goes on is taken back. */
  readonly lengthMs: number;
  /** In the order in which they begin. */
  readonly faults: readonly Fault[];
}

/** What may go wrong. A schedule is one in which nothing is left to chance. */
export interface FaultDescription {
  readonly seed: number;
  readonly lengthMs: number;
  readonly faults: readonly FaultModel[];
}

/**
 * Draws a schedule from a description: moments, numbers and targets. What is certain already stays as it is, so that a
 * schedule gives itself.
 *
 * @param names whom `one` and `some` are drawn from
 * @example
 * const description = checkFaults({
 *   seed: 1,
 *   lengthMs: 60_000,
 *   faults: [{ type: "crash", targets: "one", probability: 0.2, perMs: 1_000, durationMs: [100, 5_000] }],
 * });
 * const { faults } = drawSchedule(seededRandom(1), description, ["a", "b", "c"]);
 * faults[0]; // { type: "crash", targets: ["b"], atMs: 3 141, durationMs: 592 }
 */
export function drawSchedule(
  random: Random,
  { seed, lengthMs, faults: models }: FaultDescription,
  names: readonly string[],
): FaultSchedule {
  const faults = models.flatMap((model, at) => {
    const draws = random.fork(`model ${at}`);
    return [...moments(draws, model, lengthMs)].map((atMs) => drawFault(draws, model, atMs, names));
  });
  return { seed, lengthMs, faults: faults.toSorted((one, other) => one.atMs - other.atMs) };
}

/** A schedule for a description, from the description's own seed. */
export function settle(description: FaultDescription, names: readonly string[]): FaultSchedule {
  return drawSchedule(seededRandom(description.seed).fork("schedule"), description, names);
}

function* moments(random: Random, model: FaultModel, lengthMs: number): Iterable<number> {
  if (model.atMs !== undefined) {
    yield drawNumber(random, model.atMs);
    return;
  }
  const { probability, perMs } = model;
  for (let from = 0; from < lengthMs; from += perMs) {
    const happens = random.next() < probability;
    const atMs = Math.round(from + random.next() * perMs);
    if (happens && atMs < lengthMs) yield atMs;
  }
}

function drawFault(random: Random, model: FaultModel, atMs: number, names: readonly string[]): Fault {
  const { probability: _, perMs: __, ...rest } = model;
  const drawn = Object.entries(rest).map(([name, value]) => [
    name,
    isRange(name, value) ? drawNumber(random, value) : value,
  ]);
  const { targets, ...fault } = Object.fromEntries(drawn) as Fault;
  return { ...fault, targets: drawTargets(random, targets, names), atMs };
}

function isRange(name: string, value: unknown): value is readonly [number, number] {
  return name !== "targets" && Array.isArray(value);
}

function drawNumber(random: Random, value: number | readonly [number, number]): number {
  if (typeof value === "number") return value;
  const [least, most] = value;
  const share = random.next();
  const drawn = least > 0 ? least * (most / least) ** share : least + (most - least) * share;
  // Whole numbers where they are fine enough; a share of 1 is not.
  return Math.abs(most) < 10 ? drawn : Math.round(drawn);
}

function drawTargets(random: Random, targets: Targets, names: readonly string[]): Targets {
  if (targets === "one") return names.length === 0 ? [] : [names[random.integer(0, names.length - 1)]!];
  if (targets === "some") return names.filter(() => random.next() < 0.5);
  return targets;
}

/** A fault in words: `at 120 ms: crash power of n1 for 300 ms`. */
export function describeFault(fault: Fault): string {
  const { id, type, targets, atMs, durationMs, recoveryMs = 0, waitMs = 0, ...how } = fault;
  const values = Object.entries(how).map(([name, value]) => (typeof value === "string" ? value : `${name} ${value}`));
  const whom = typeof targets === "string" ? targets : targets.length === 0 ? "nobody" : targets.join(" ");
  return [
    `at ${atMs} ms:`,
    ...(id === undefined ? [] : [id]),
    type,
    ...values,
    `of ${whom}`,
    ...(waitMs === 0 ? [] : [`within ${waitMs} ms`]),
    `for ${durationMs} ms`,
    ...(recoveryMs === 0 ? [] : [`and ${recoveryMs} ms to recover`]),
  ].join(" ");
}
