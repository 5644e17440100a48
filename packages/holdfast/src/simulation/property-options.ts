import {
  checkFunction,
  checkInteger,
  checkNumber,
  checkOneOf,
  checkOptionNames,
  InvalidArgumentError,
} from "../errors/base.ts";
import { checkFaults, type FaultModel } from "../proof/index.ts";
import type { Random, SimulationOptions, World } from "../runtime/index.ts";
import type { PropertyContext } from "./property-context.ts";

/** What the simulated world is like, besides the faults. */
export type PropertyWorld = Omit<SimulationOptions, "seed" | "maxVirtualMs">;

/** What may happen to a process when it comes to a named point. */
export interface PointFaults {
  /** How often it stops there for a while, in the seeds that have drawn this point: half of them. Default 0.25. */
  readonly probability?: number;
  /** How long, `[least, most]`. Default `[1, 50]`. */
  readonly pauseMs?: readonly [number, number];
  /** How often it goes down there instead. Default 0. */
  readonly crashProbability?: number;
  /** Default `power`. */
  readonly how?: "power" | "kill";
  /** How long it is down. Default `[10, 500]`. */
  readonly downMs?: readonly [number, number];
  /** How often `rarely` is true, in the seeds that have drawn its name: half of them. Default 0.1. */
  readonly rareProbability?: number;
}

/** One run again, as a report names it. */
export interface Repetition {
  readonly seed: number;
  /** Of what was drawn only this, by the ids of the report; all of it when absent. */
  readonly keep?: readonly string[];
}

export interface PropertyOptions {
  /** For reports. */
  readonly name: string;
  /** How many seeds, from 1 on, or which ones. Default 100. */
  readonly seeds?: number | readonly number[];
  /** What the world is like, or how it is drawn for each seed. */
  readonly world?: PropertyWorld | ((random: Random) => PropertyWorld);
  /** What may go wrong once the run calls `context.injectFaults()`. Default nothing. */
  readonly faults?: readonly FaultModel[];
  /** For how long faults go on. Default 10 000. */
  readonly faultLengthMs?: number;
  readonly points?: PointFaults;
  /** What every call of `checkProperty` must see at least once, by its names in `sometimes`. Default nothing. */
  readonly sometimes?: readonly string[];
  /** Virtual time after which a run has failed. Default 600 000. */
  readonly timeoutMs?: number;
  /** Whether a failure's faults are reduced to those that it needs. Default true. */
  readonly shrink?: boolean;
  /** Runs spent on that at the most. Default 200. */
  readonly maxShrinkRuns?: number;
  /** Whether the first seed is run twice, which must give the same run. Default true. */
  readonly checkDeterminism?: boolean;
  /** This run alone, in place of `seeds`; nothing need be seen in it. */
  readonly repeat?: Repetition | undefined;
  /** One run: it starts processes, works with them, and throws when something is not as it must be. */
  readonly run: (world: World, context: PropertyContext) => void | Promise<void>;
}

export const defaultPropertyOptions = {
  seeds: 100,
  faultLengthMs: 10_000,
  timeoutMs: 600_000,
  shrink: true,
  maxShrinkRuns: 200,
  checkDeterminism: true,
} as const;

export const defaultPointFaults: Required<PointFaults> = {
  probability: 0.25,
  pauseMs: [1, 50],
  crashProbability: 0,
  how: "power",
  downMs: [10, 500],
  rareProbability: 0.1,
};

/** Options with nothing left open. */
export interface PropertySettings {
  readonly name: string;
  readonly seeds: readonly number[];
  readonly drawWorld: (random: Random) => PropertyWorld;
  readonly faults: readonly FaultModel[];
  readonly faultLengthMs: number;
  readonly points: Required<PointFaults>;
  readonly sometimes: readonly string[];
  readonly timeoutMs: number;
  readonly shrink: boolean;
  readonly maxShrinkRuns: number;
  readonly checkDeterminism: boolean;
  readonly repeat: Repetition | undefined;
  readonly run: PropertyOptions["run"];
}

const optionNames: readonly string[] = [
  "name",
  "run",
  "world",
  "faults",
  "points",
  "sometimes",
  "repeat",
  ...Object.keys(defaultPropertyOptions),
];

/** @throws InvalidArgumentError */
export function checkPropertyOptions(options: PropertyOptions): PropertySettings {
  checkOptionNames("property", options, optionNames);
  const { name, world = {}, faults = [], sometimes = [], repeat, run } = options;
  const { seeds, faultLengthMs, timeoutMs, shrink, maxShrinkRuns, checkDeterminism } = {
    ...defaultPropertyOptions,
    ...options,
  };
  if (typeof name !== "string" || name === "") throw new InvalidArgumentError("property.name", "must be a text", name);
  if (checkFunction("property.run", run) === undefined) {
    throw new InvalidArgumentError("property.run", "must be a function", run);
  }
  checkNumber("property.timeoutMs", timeoutMs, 1);
  checkNumber("property.faultLengthMs", faultLengthMs, 0);
  checkInteger("property.maxShrinkRuns", maxShrinkRuns, 0);
  checkOneOf("property.shrink", shrink, [true, false] as never[]);
  checkOneOf("property.checkDeterminism", checkDeterminism, [true, false] as never[]);
  checkFaults({ seed: 0, lengthMs: faultLengthMs, faults });
  return {
    name,
    seeds: repeat === undefined ? seedsOf(seeds) : seedsOf([repeat.seed]),
    drawWorld: typeof world === "function" ? world : () => world,
    faults,
    faultLengthMs,
    points: checkPointFaults(options.points ?? {}),
    sometimes,
    timeoutMs,
    shrink,
    maxShrinkRuns,
    checkDeterminism,
    repeat,
    run,
  };
}

function seedsOf(seeds: number | readonly number[]): readonly number[] {
  if (typeof seeds === "number") {
    return Array.from({ length: checkInteger("property.seeds", seeds, 1, 10_000_000) }, (_, at) => at + 1);
  }
  for (const seed of seeds) checkInteger("property.seed", seed, Number.MIN_SAFE_INTEGER);
  if (seeds.length === 0) throw new InvalidArgumentError("property.seeds", "must not be empty", seeds);
  return seeds;
}

function checkPointFaults(points: PointFaults): Required<PointFaults> {
  checkOptionNames("property.points", points, Object.keys(defaultPointFaults));
  const settings = { ...defaultPointFaults, ...points };
  checkNumber("property.points.probability", settings.probability, 0, 1);
  checkNumber("property.points.rareProbability", settings.rareProbability, 0, 1);
  checkNumber("property.points.crashProbability", settings.crashProbability, 0, 1);
  checkOneOf("property.points.how", settings.how, ["power", "kill"]);
  for (const name of ["pauseMs", "downMs"] as const) {
    const [least, most] = settings[name];
    checkNumber(`property.points.${name}[0]`, least, 0);
    checkNumber(`property.points.${name}[1]`, most, least);
  }
  return settings;
}
