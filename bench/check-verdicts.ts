import { checkLinearizable, models, type ModelName } from "holdfast/proof";
import { seededRandom } from "holdfast/runtime";
import { isLinearizable } from "../packages/holdfast/src/proof/testing/definition.ts";
import { pick } from "../packages/holdfast/src/proof/testing/draw.ts";
import {
  drawHistory,
  drawShape,
  drawSmallShape,
  eventsOf,
  type DrawnOperation,
} from "../packages/holdfast/src/proof/testing/drawn-history.ts";
import { mutate } from "../packages/holdfast/src/proof/testing/mutate.ts";
import { subjects } from "../packages/holdfast/src/proof/testing/subjects.ts";
import type { BenchmarkContext, Measurement } from "./benchmark.ts";

const histories = 10_000;

/** How often each model's verdict is not the right one: of what is right by construction, of what was planted, of mutants. */
export function measureVerdicts(
  { signal, progress }: BenchmarkContext,
  names: readonly ModelName[] = Object.keys(models) as ModelName[],
): Measurement[] {
  return names.flatMap((name) => {
    signal.throwIfAborted();
    const started = performance.now();
    const measured = [countConstructed(name), countMutants(name)];
    const seconds = (performance.now() - started) / 1000;
    progress(
      `${name}: ${measured.map(({ case: what, ours }) => `${what}: ${ours}`).join(", ")} (${seconds.toFixed(1)} s)`,
    );
    return measured;
  });
}

function verdictOf(name: ModelName, operations: readonly DrawnOperation[]): string {
  return checkLinearizable(models[name](), eventsOf(operations)).verdict;
}

function countConstructed(name: ModelName): Measurement {
  const { reference, plants } = subjects[name];
  let right = 0;
  let planted = 0;
  let wrong = 0;
  for (let seed = 1; right < histories || planted < histories; seed++) {
    const random = seededRandom(seed);
    const operations = drawHistory(reference, drawShape(random), random);
    if (right < histories) {
      right++;
      if (verdictOf(name, operations) !== "ok") wrong++;
    }
    if (planted === histories || !plants[pick(random, Object.keys(plants))]!(operations, random)) continue;
    planted++;
    if (verdictOf(name, operations) !== "violation") wrong++;
  }
  return row(`${name}: ${right} right histories, ${planted} planted violations`, wrong);
}

/** The truth is the definition's, which tries all orders. */
function countMutants(name: ModelName): Measurement {
  const { reference } = subjects[name];
  let wrong = 0;
  let impossible = 0;
  for (let seed = 1; seed <= histories; seed++) {
    const random = seededRandom(seed);
    const drawn = drawHistory(reference, drawSmallShape(random), random);
    const operations = mutate(name, mutate(name, drawn, random), random);
    const isRight = isLinearizable(reference, operations);
    if (!isRight) impossible++;
    if (verdictOf(name, operations) !== (isRight ? "ok" : "violation")) wrong++;
  }
  return row(`${name}: ${histories} mutants, ${impossible} of them impossible`, wrong);
}

function row(what: string, wrong: number): Measurement {
  return { case: what, unit: "wrong verdicts", better: "lower", ours: wrong, peers: {} };
}
