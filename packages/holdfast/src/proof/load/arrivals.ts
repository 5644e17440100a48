import { checkNumber, checkOptionNames, InvalidArgumentError } from "../../errors/base.ts";
import type { RandomSource } from "../../runtime/index.ts";

/** A stretch of load: at one rate, or from one rate to another in a straight line. Steps are several of the first kind. */
export type RateStage =
  | { readonly ratePerSecond: number; readonly forMs: number }
  | { readonly fromPerSecond: number; readonly toPerSecond: number; readonly forMs: number };

/** `constant`: evenly spaced. `poisson`: independent of each other, as many users are; the rate is then the average. */
export type ArrivalSpacing = "constant" | "poisson";

/** When operations are due, in milliseconds from the start, ascending; Infinity when there are no more. */
export interface Arrivals {
  next(): number;
}

interface Stretch {
  readonly startMs: number;
  readonly lengthMs: number;
  readonly fromPerMs: number;
  readonly toPerMs: number;
  /** Arrivals expected before it, and in it. */
  readonly before: number;
  readonly inside: number;
}

/**
 * Arrivals at a rate that changes with time: the n-th is due when the integral of the rate reaches n or, for a Poisson
 * process, the sum of n exponential variables (E. Cinlar, "Introduction to Stochastic Processes", 1975, section 4.7).
 */
export function arrivals(
  stages: readonly RateStage[],
  { spacing, random }: { readonly spacing: ArrivalSpacing; readonly random: RandomSource },
): Arrivals {
  const stretches = lineUp(stages);
  let at = 0;
  let expected = spacing === "constant" ? 0 : exponential(random);
  return {
    next() {
      for (let stretch = stretches[at]; stretch !== undefined; stretch = stretches[++at]) {
        const inside = expected - stretch.before;
        if (inside >= stretch.inside) continue;
        expected += spacing === "constant" ? 1 : exponential(random);
        return stretch.startMs + timeOf(inside, stretch);
      }
      return Infinity;
    },
  };
}

/** The rate at a moment; the last stage's when all are over. */
export function rateAt(stages: readonly RateStage[], atMs: number): number {
  const stretches = lineUp(stages);
  const stretch = stretches.find(({ startMs, lengthMs }) => atMs < startMs + lengthMs) ?? stretches.at(-1);
  if (stretch === undefined) return 0;
  const share = Math.min(1, (atMs - stretch.startMs) / stretch.lengthMs);
  return (stretch.fromPerMs + (stretch.toPerMs - stretch.fromPerMs) * share) * 1000;
}

/** What is to be run in all: the first rate through the warm-up, the stages, and the last rate until the end. */
export function wholeRun(
  stages: readonly RateStage[],
  { warmUpMs, durationMs }: { readonly warmUpMs: number; readonly durationMs: number },
): RateStage[] {
  const whole: RateStage[] = warmUpMs > 0 ? [{ ratePerSecond: rateAt(stages, 0), forMs: warmUpMs }] : [];
  let leftMs = durationMs;
  for (const stage of stages) {
    if (leftMs <= 0) return whole;
    const forMs = Math.min(stage.forMs, leftMs);
    whole.push(
      "ratePerSecond" in stage
        ? { ...stage, forMs }
        : { ...stage, toPerSecond: forMs === stage.forMs ? stage.toPerSecond : rateAt([stage], forMs), forMs },
    );
    leftMs -= forMs;
  }
  if (leftMs > 0) whole.push({ ratePerSecond: rateAt(stages, Infinity), forMs: leftMs });
  return whole;
}

/** @throws InvalidArgumentError naming what breaks its rule */
export function checkStages(name: string, stages: unknown): readonly RateStage[] {
  if (!Array.isArray(stages) || stages.length === 0) {
    throw new InvalidArgumentError(name, "must be a number or a list of stages", stages);
  }
  for (const [at, stage] of (stages as Record<string, unknown>[]).entries()) {
    const own = `${name}[${at}]`;
    const isLevel = typeof stage === "object" && stage !== null && "ratePerSecond" in stage;
    const rates = isLevel ? ["ratePerSecond"] : ["fromPerSecond", "toPerSecond"];
    checkOptionNames(own, stage, [...rates, "forMs"]);
    for (const rate of rates) checkNumber(`${own}.${rate}`, stage[rate], 0);
    if (!(checkNumber(`${own}.forMs`, stage["forMs"], 0) > 0)) {
      throw new InvalidArgumentError(`${own}.forMs`, "must be a number > 0", stage["forMs"]);
    }
  }
  return stages as readonly RateStage[];
}

function lineUp(stages: readonly RateStage[]): Stretch[] {
  let startMs = 0;
  let before = 0;
  return stages.map((stage) => {
    const [from, to] =
      "ratePerSecond" in stage ? [stage.ratePerSecond, stage.ratePerSecond] : [stage.fromPerSecond, stage.toPerSecond];
    const inside = ((from + to) / 2) * (stage.forMs / 1000);
    const stretch = {
      startMs,
      lengthMs: stage.forMs,
      fromPerMs: from / 1000,
      toPerMs: to / 1000,
      before,
      inside,
    };
    startMs += stage.forMs;
    before += inside;
    return stretch;
  });
}

/** When so many have arrived in a stretch: the root of a quadratic, in the form that does not cancel. */
function timeOf(inside: number, { fromPerMs, toPerMs, lengthMs }: Stretch): number {
  if (inside === 0) return 0;
  const slope = (toPerMs - fromPerMs) / lengthMs;
  return (2 * inside) / (fromPerMs + Math.sqrt(Math.max(0, fromPerMs ** 2 + 2 * slope * inside)));
}

function exponential(random: RandomSource): number {
  return -Math.log(1 - random.next());
}
