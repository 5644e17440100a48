import {
  createErrorPredictor,
  type ErrorKind,
  type MissingData,
  type Observation,
  type PredictionModelFactory,
} from "holdfast/errors";
import type { Baseline } from "./predictor-baselines.ts";
import { recordedKinds } from "./predictor-calls.ts";
import type { Scored } from "./predictor-score.ts";

type Kind = (typeof recordedKinds)[number];

/** What is to be foretold, from what. */
export interface Setting {
  readonly thresholds: Readonly<Record<Kind, number>>;
  readonly windowMs: number;
  readonly stepMs: number;
  readonly signals: readonly string[];
}

/** Steps without a gap. */
export interface Run {
  readonly observations: readonly Observation[];
}

interface KindResults {
  /** What was said before it was learnt what came of it. */
  readonly training: Scored[];
  readonly runs: Scored[][];
}

export interface Results {
  readonly kinds: ReadonlyMap<ErrorKind, KindResults>;
  /** Of which kinds the predictor says nothing at the end of the training. */
  readonly missing: readonly MissingData[];
}

/** Learns from the training runs one after the other, then looks at the held-out ones without learning. */
export function evaluatePredictor(
  setting: Setting,
  model: PredictionModelFactory,
  training: readonly Run[],
  heldOut: readonly Run[],
): Results {
  const { thresholds, windowMs, stepMs, signals } = setting;
  const own = createErrorPredictor({ thresholds, windowMs, stepMs, signals, model });
  const kinds = emptyResults();
  let epoch = 0;
  const follow = (run: Run, learn: boolean): void => {
    // So far from the last run that nothing is learnt across.
    epoch += 1e9;
    const byKind = new Map(recordedKinds.map((kind) => [kind, [] as Scored[]]));
    for (const [step, observation] of run.observations.entries()) {
      own.observe({ ...observation, at: observation.at + epoch }, { learn });
      const prediction = own.predict();
      if (!prediction.ready) continue;
      for (const { kind, probability, exceeded } of prediction.kinds) {
        const happened = outcome(setting, run, step, kind as Kind);
        if (happened !== undefined) byKind.get(kind as Kind)?.push({ probability, happened, exceeded });
      }
    }
    for (const [kind, scored] of byKind) keep(kinds, kind, scored, learn);
  };
  for (const run of training) follow(run, true);
  const { missing } = own.predict();
  for (const run of heldOut) follow(run, false);
  return { kinds, missing };
}

/** As the predictor: learns what came of a step when its window is over, and scores every step but the first. */
export function evaluateBaseline(
  setting: Setting,
  make: () => Baseline,
  training: readonly Run[],
  heldOut: readonly Run[],
): Results {
  const kinds = emptyResults();
  const horizon = horizonOf(setting);
  for (const kind of recordedKinds) {
    const baseline = make();
    const follow = (run: Run, learn: boolean): void => {
      const scored: Scored[] = [];
      const errorsAt = (step: number): number => countBetween(run, Math.max(0, step - horizon), step, kind);
      for (let step = 1; step < run.observations.length; step++) {
        const before = step - horizon;
        if (learn && before >= 1) baseline.learn(errorsAt(before), outcome(setting, run, before, kind) === true);
        const probability = baseline.probability(errorsAt(step));
        const happened = outcome(setting, run, step, kind);
        if (happened === undefined || probability === undefined) continue;
        const exceeded = step >= horizon && errorsAt(step) >= setting.thresholds[kind];
        scored.push({ probability, happened, exceeded });
      }
      keep(kinds, kind, scored, learn);
    };
    for (const run of training) follow(run, true);
    for (const run of heldOut) follow(run, false);
  }
  return { kinds, missing: [] };
}

export function horizonOf({ windowMs, stepMs }: Setting): number {
  return windowMs / stepMs;
}

function emptyResults(): Map<ErrorKind, KindResults> {
  return new Map(recordedKinds.map((kind) => [kind, { training: [], runs: [] }]));
}

function keep(kinds: ReadonlyMap<ErrorKind, KindResults>, kind: Kind, scored: Scored[], learn: boolean): void {
  if (learn) kinds.get(kind)?.training.push(...scored);
  else kinds.get(kind)?.runs.push(scored);
}

/** What happened in the window after a step, read from the record and not from the predictor; undefined where it ends. */
function outcome(setting: Setting, run: Run, step: number, kind: Kind): boolean | undefined {
  const after = step + horizonOf(setting);
  if (after >= run.observations.length) return undefined;
  return countBetween(run, step, after, kind) >= setting.thresholds[kind];
}

function countBetween({ observations }: Run, from: number, to: number, kind: Kind): number {
  return (observations[to]?.totals[kind] ?? 0) - (observations[from]?.totals[kind] ?? 0);
}
