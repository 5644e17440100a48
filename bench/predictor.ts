import { decisionTreeModel, neuralNetworkModel } from "holdfast/adapters/ml";
import { logisticModel, type PredictionModelFactory } from "holdfast/errors";
import type { Benchmark, BenchmarkContext, Measurement } from "./benchmark.ts";
import { baseRate, movingAverage, type Baseline } from "./predictor-baselines.ts";
import { drillFaultKinds } from "./predictor-drill-faults.ts";
import { drillSignals, drillStepMs, recordDrills, withoutGaps } from "./predictor-drill.ts";
import { evaluateBaseline, evaluatePredictor, type Run, type Setting } from "./predictor-evaluate.ts";
import { figuresOf, rowsOf, type Figure } from "./predictor-figures.ts";
import { recordHistory, signals, stepMs, type RecordedHistory } from "./predictor-history.ts";

const simulated: Setting = { thresholds: { timeout: 10, network: 5, resource: 20 }, windowMs: 30_000, stepMs, signals };
const simulatedMs = 1_500_000;
const trainingSeeds = seedsFrom(1_001, 40);
const heldOutSeeds = seedsFrom(9_001, 48);
/** All of them must have happened, in training and in what is held out. */
const simulatedFaultKinds = 7;

const drilled: Setting = {
  thresholds: { timeout: 5, network: 5, resource: 10 },
  windowMs: 3_000,
  stepMs: drillStepMs,
  signals: drillSignals,
};
const drillMs = 50_000;
const drillTrainingSeeds = seedsFrom(101, 5);
const drillHeldOutSeeds = seedsFrom(901, 3);
/** As many clusters as are up at the same time. */
const drillsAtOnce = 4;

const baselines: readonly (readonly [string, () => Baseline])[] = [
  ["base rate", baseRate],
  ["moving average", movingAverage],
];

/**
 * Trained on some seeds and scored on others. Simulated histories are the same every time, so rounds and seconds do not
 * matter; those of real processes are not, and are short.
 */
export const predictor: Benchmark = {
  name: "predictor",
  summary:
    "how well errors are foretold, simulated and of real processes, on runs not trained on, beside two baselines",
  async run(context: BenchmarkContext) {
    // The processes first: what can fail is to fail before the minute of simulation.
    const drillRows = await ofDrills(context);
    return [...(await ofSimulation(context)), ...drillRows];
  },
};

async function ofSimulation(context: BenchmarkContext): Promise<Measurement[]> {
  const training = await recordAll(trainingSeeds, context);
  const heldOut = await recordAll(heldOutSeeds, context);
  const memory = { maxExamples: 2_000, refitEvery: 3_000 };
  const models: readonly (readonly [string, PredictionModelFactory])[] = [
    ["logistic", logisticModel({ maxExamples: 20_000 })],
    ["decision tree", await decisionTreeModel(memory)],
    ["neural network", await neuralNetworkModel(memory)],
  ];
  return compare(simulated, models, training, heldOut, "", context);
}

async function ofDrills(context: BenchmarkContext): Promise<Measurement[]> {
  // In turns: what is recorded while the machine is busier must not be all of the one or all of the other.
  const seeds = drillTrainingSeeds.flatMap((seed, i) => [seed, ...drillHeldOutSeeds.slice(i, i + 1)]);
  const histories = await recordDrills(seeds, drillMs, drillsAtOnce, context.signal);
  const training = histories.filter(({ seed }) => drillTrainingSeeds.includes(seed));
  const heldOut = histories.filter(({ seed }) => drillHeldOutSeeds.includes(seed));
  describe(training, drillFaultKinds.length, context);
  describe(heldOut, drillFaultKinds.length, context);
  const models = [["logistic", logisticModel()]] as const;
  return compare(drilled, models, training.flatMap(withoutGaps), heldOut.flatMap(withoutGaps), "drill: ", context);
}

function compare(
  setting: Setting,
  models: readonly (readonly [string, PredictionModelFactory])[],
  training: readonly Run[],
  heldOut: readonly Run[],
  prefix: string,
  { signal, progress }: BenchmarkContext,
): Measurement[] {
  const figures = new Map<string, Figure[]>();
  const say = (line: string): void => progress(line.startsWith(" ") ? line : `${prefix}${line}`);
  for (const [name, make] of baselines) {
    figures.set(name, figuresOf(name, setting, evaluateBaseline(setting, make, training, heldOut), say));
  }
  for (const [name, model] of models) {
    signal.throwIfAborted();
    figures.set(name, figuresOf(name, setting, evaluatePredictor(setting, model, training, heldOut), say));
  }
  return rowsOf(
    figures,
    baselines.map(([name]) => name),
    prefix,
  );
}

async function recordAll(seeds: readonly number[], context: BenchmarkContext): Promise<RecordedHistory[]> {
  const histories: RecordedHistory[] = [];
  for (const seed of seeds) {
    context.signal.throwIfAborted();
    histories.push(await recordHistory(seed, simulatedMs));
  }
  describe(histories, simulatedFaultKinds, context);
  return histories;
}

/** @throws Error when a kind of fault has not happened */
function describe(histories: readonly RecordedHistory[], faultKinds: number, { progress }: BenchmarkContext): void {
  const steps = histories.reduce((sum, { observations }) => sum + observations.length, 0);
  const calls = histories.reduce((sum, history) => sum + history.calls, 0);
  const faults = new Map<string, number>();
  for (const each of histories) for (const [kind, n] of each.faults) faults.set(kind, (faults.get(kind) ?? 0) + n);
  if (faults.size < faultKinds) throw new Error(`only these faults have happened: ${[...faults.keys()].join(", ")}`);
  const told = [...faults].map(([kind, count]) => `${kind} ${count}`).join(", ");
  progress(
    `seeds ${histories[0]?.seed} to ${histories.at(-1)?.seed}: ${steps} steps, ${calls.toLocaleString("en")} calls; ` +
      `faults: ${told}`,
  );
}

function seedsFrom(first: number, count: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => first + i);
}
