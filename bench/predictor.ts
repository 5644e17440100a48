import { decisionTreeModel, neuralNetworkModel } from "holdfast/adapters/ml";
import { createErrorPredictor, logisticModel, type ErrorKind, type PredictionModelFactory } from "holdfast/errors";
import type { Benchmark, BenchmarkContext, Measurement } from "./benchmark.ts";
import { baseRate, movingAverage } from "./predictor-baselines.ts";
import { recordHistory, signals, stepMs, type RecordedHistory } from "./predictor-history.ts";
import {
  alarmLevel,
  brier,
  calibration,
  calibrationError,
  leadTime,
  rocAuc,
  type LeadTime,
  type Scored,
} from "./predictor-score.ts";

const windowMs = 30_000;
const horizon = windowMs / stepMs;
const durationMs = 1_500_000;
const trainingSeeds = Array.from({ length: 40 }, (_, i) => 1_001 + i);
const heldOutSeeds = Array.from({ length: 24 }, (_, i) => 9_001 + i);
const thresholds = { timeout: 10, network: 5, resource: 20 } as const;
const kinds = Object.keys(thresholds) as (keyof typeof thresholds)[];
const falseAlarms = 0.05;
/** All of them must have happened, in training and in what is held out. */
const faultKinds = 7;

type Results = ReadonlyMap<ErrorKind, { readonly training: Scored[]; readonly runs: Scored[][] }>;

/** Trained on some seeds and scored on others; the same seeds give the same figures, so rounds and seconds do not matter. */
export const predictor: Benchmark = {
  name: "predictor",
  summary: "how well errors are foretold on simulated runs that were not trained on, beside two baselines",
  async run(context: BenchmarkContext) {
    const training = await record(trainingSeeds, context);
    const heldOut = await record(heldOutSeeds, context);
    const memory = { maxExamples: 2_000, refitEvery: 3_000 };
    const contenders: readonly [string, PredictionModelFactory][] = [
      ["base rate", baseRate],
      ["moving average", movingAverage],
      ["logistic", logisticModel({ maxExamples: 20_000 })],
      ["decision tree", await decisionTreeModel(memory)],
      ["neural network", await neuralNetworkModel(memory)],
    ];
    const figures = new Map<string, Figure[]>();
    for (const [name, model] of contenders) {
      context.signal.throwIfAborted();
      figures.set(name, score(name, evaluate(model, training, heldOut), context.progress));
    }
    const rows: Measurement[] = [];
    const peersOf = (metric: string): Record<string, number> => ({
      "base rate": valueOf(figures, "base rate", metric),
      "moving average": valueOf(figures, "moving average", metric),
    });
    for (const name of ["logistic", "decision tree", "neural network"]) {
      for (const { metric, unit, better, value } of figures.get(name) ?? []) {
        rows.push({ case: `${name}: ${metric}`, unit, better, ours: value, peers: peersOf(metric) });
      }
    }
    return rows;
  },
};

async function record(seeds: readonly number[], { signal, progress }: BenchmarkContext): Promise<RecordedHistory[]> {
  const histories: RecordedHistory[] = [];
  for (const seed of seeds) {
    signal.throwIfAborted();
    const history = await recordHistory(seed, durationMs);
    histories.push(history);
  }
  const steps = histories.reduce((sum, { observations }) => sum + observations.length, 0);
  const calls = histories.reduce((sum, history) => sum + history.calls, 0);
  const faults = new Map<string, number>();
  for (const each of histories) for (const [kind, n] of each.faults) faults.set(kind, (faults.get(kind) ?? 0) + n);
  if (faults.size < faultKinds) throw new Error(`only these faults have happened: ${[...faults.keys()].join(", ")}`);
  const told = [...faults].map(([kind, count]) => `${kind} ${count}`).join(", ");
  progress(
    `seeds ${seeds[0]} to ${seeds.at(-1)}: ${steps} steps, ${calls.toLocaleString("en")} calls; faults: ${told}`,
  );
  return histories;
}

/** Learns from the training runs one after the other, then looks at the held-out ones without learning. */
function evaluate(
  model: PredictionModelFactory,
  training: readonly RecordedHistory[],
  heldOut: readonly RecordedHistory[],
): Results {
  const own = createErrorPredictor({ thresholds, windowMs, stepMs, signals, model });
  const results = new Map(kinds.map((kind) => [kind, { training: [] as Scored[], runs: [] as Scored[][] }]));
  const follow = (history: RecordedHistory, learn: boolean): void => {
    const byKind = new Map(kinds.map((kind) => [kind, [] as Scored[]]));
    for (const [step, observation] of history.observations.entries()) {
      own.observe({ ...observation, at: observation.at + history.seed * 1e9 }, { learn });
      const prediction = own.predict();
      if (!prediction.ready) continue;
      for (const { kind, probability, exceeded } of prediction.kinds) {
        const happened = outcome(history, step, kind as keyof typeof thresholds);
        if (happened !== undefined)
          byKind.get(kind as keyof typeof thresholds)?.push({ probability, happened, exceeded });
      }
    }
    for (const [kind, scored] of byKind) {
      if (learn) results.get(kind)?.training.push(...scored);
      else results.get(kind)?.runs.push(scored);
    }
  };
  for (const history of training) follow(history, true);
  for (const history of heldOut) follow(history, false);
  return results;
}

/** What happened in the window after a step, read from the record and not from the predictor; undefined where it ends. */
function outcome({ observations }: RecordedHistory, step: number, kind: keyof typeof thresholds): boolean | undefined {
  const after = observations[step + horizon];
  if (after === undefined) return undefined;
  return (after.totals[kind] ?? 0) - (observations[step]?.totals[kind] ?? 0) >= thresholds[kind];
}

interface Figure {
  readonly metric: string;
  readonly unit: string;
  readonly better: "lower" | "higher";
  readonly value: number;
}

function score(name: string, results: Results, progress: (line: string) => void): Figure[] {
  const figures: Figure[] = [];
  const leads: LeadTime[] = [];
  for (const [kind, { training, runs }] of results) {
    const all = runs.flat();
    const quiet = all.filter(({ exceeded }) => !exceeded);
    const lead = leadTime(runs, alarmLevel(training, falseAlarms), horizon, stepMs);
    leads.push(lead);
    figures.push(
      { metric: `${kind}: ROC AUC`, unit: "", better: "higher", value: rocAuc(all) },
      { metric: `${kind}: ROC AUC while quiet`, unit: "", better: "higher", value: rocAuc(quiet) },
      { metric: `${kind}: Brier score`, unit: "", better: "lower", value: brier(all) },
      { metric: `${kind}: calibration error`, unit: "", better: "lower", value: calibrationError(all) },
      { metric: `${kind}: lead time`, unit: "s", better: "higher", value: lead.meanMs / 1000 },
      { metric: `${kind}: onsets foreseen`, unit: "", better: "higher", value: lead.foreseen },
    );
    const share = all.filter(({ happened }) => happened).length / all.length;
    progress(
      `${name}: ${kind}: AUC ${rocAuc(all).toFixed(3)}, while quiet ${rocAuc(quiet).toFixed(3)}, ` +
        `Brier ${brier(all).toFixed(4)}, calibration error ${calibrationError(all).toFixed(3)}, ` +
        `${(100 * lead.foreseen).toFixed(0)} % of ${lead.onsets} onsets foreseen ${(lead.meanMs / 1000).toFixed(1)} s ` +
        `ahead with ${(100 * lead.falseAlarms).toFixed(1)} % false alarms; it happened in ${(100 * share).toFixed(1)} %`,
    );
    const bins = calibration(all).map(
      ({ count, predicted, happened }) => `${predicted.toFixed(2)}→${happened.toFixed(2)} (${count})`,
    );
    progress(`  said → happened: ${bins.join(", ")}`);
  }
  return figures;
}

function valueOf(figures: ReadonlyMap<string, readonly Figure[]>, name: string, metric: string): number {
  const found = figures.get(name)?.find((figure) => figure.metric === metric);
  if (found === undefined) throw new Error(`${metric} was not measured of ${name}`);
  return found.value;
}
