import { InvalidArgumentError } from "../../errors/index.ts";
import { assertProperty, type PropertyOptions, type Repetition } from "../../simulation/index.ts";

/** How a runner declares a test: `test` or `it` of Vitest, Jest, Mocha, Bun and `node:test`. */
export type DeclareTest = (name: string, run: () => Promise<void>) => unknown;

/** Variables by which a run is repeated, or more seeds are run, without changing the test. */
export interface SimulationEnvironment {
  /** This seed alone. */
  readonly HOLDFAST_SEED?: string | undefined;
  /** Of its faults only these, by the ids that the failure names, with commas; `none` for none. */
  readonly HOLDFAST_KEEP?: string | undefined;
  /** How many seeds, in place of those of the test. */
  readonly HOLDFAST_SEEDS?: string | undefined;
}

/**
 * Declares one test that holds when the property does. A failure tells the seed, the shortest schedule and the variables
 * that repeat it.
 *
 * @throws InvalidArgumentError, in the test, on options and variables that break their rules
 * @example
 * simulationTest(test, "no card is charged twice", { seeds: 200, faults, run });
 * // HOLDFAST_SEED=17 HOLDFAST_KEEP=2 npx vitest run -t "no card is charged twice"
 */
export function simulationTest(
  test: DeclareTest,
  name: string,
  options: Omit<PropertyOptions, "name">,
  environment: SimulationEnvironment = process.env,
): void {
  test(name, async () => {
    await assertProperty({ ...options, ...fromEnvironment(environment), name });
  });
}

function fromEnvironment(environment: SimulationEnvironment): {
  readonly repeat?: Repetition;
  readonly seeds?: number;
} {
  const { HOLDFAST_SEED: seed, HOLDFAST_KEEP: keep, HOLDFAST_SEEDS: seeds } = environment;
  if (seed !== undefined) {
    const kept = keep === undefined ? {} : { keep: keep === "none" ? [] : keep.split(",") };
    return { repeat: { seed: integer("HOLDFAST_SEED", seed), ...kept } };
  }
  if (keep !== undefined) throw new InvalidArgumentError("HOLDFAST_KEEP", "needs HOLDFAST_SEED", keep);
  return seeds === undefined ? {} : { seeds: integer("HOLDFAST_SEEDS", seeds) };
}

function integer(name: string, text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isSafeInteger(value))
    throw new InvalidArgumentError(name, "must be an integer", text);
  return value;
}
