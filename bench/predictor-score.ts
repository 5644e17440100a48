import { seededRandom } from "holdfast/runtime";

/** One prediction of the held-out runs, with what came of it. */
export interface Scored {
  readonly probability: number;
  readonly happened: boolean;
  /** Whether the threshold was exceeded already when it was made: the easy ones. */
  readonly exceeded: boolean;
}

/** The chance that something that happened was given more than something that did not (Mann and Whitney's U); ties half. */
export function rocAuc(scored: readonly Scored[]): number {
  const sorted = scored.toSorted((a, b) => a.probability - b.probability);
  let rankSum = 0;
  let positives = 0;
  for (let from = 0; from < sorted.length;) {
    let to = from;
    while (to < sorted.length && sorted[to]?.probability === sorted[from]?.probability) to++;
    const rank = (from + 1 + to) / 2;
    for (let at = from; at < to; at++) {
      if (sorted[at]?.happened !== true) continue;
      rankSum += rank;
      positives++;
    }
    from = to;
  }
  const negatives = sorted.length - positives;
  return (rankSum - (positives * (positives + 1)) / 2) / (positives * negatives);
}

export function brier(scored: readonly Scored[]): number {
  return (
    scored.reduce((sum, { probability, happened }) => sum + (probability - Number(happened)) ** 2, 0) / scored.length
  );
}

export interface CalibrationBin {
  readonly count: number;
  readonly predicted: number;
  readonly happened: number;
}

/** Predictions in ten bins: what they said on average, and how often it happened. */
export function calibration(scored: readonly Scored[]): CalibrationBin[] {
  const bins = Map.groupBy(scored, ({ probability }) => Math.min(9, Math.floor(probability * 10)));
  return [...bins]
    .sort(([a], [b]) => a - b)
    .map(([, bin]) => ({
      count: bin.length,
      predicted: bin.reduce((sum, { probability }) => sum + probability, 0) / bin.length,
      happened: bin.filter(({ happened }) => happened).length / bin.length,
    }));
}

/** The expected calibration error: how far the bins are off, by their counts. */
export function calibrationError(scored: readonly Scored[]): number {
  return calibration(scored).reduce(
    (sum, { count, predicted, happened }) => sum + (count / scored.length) * Math.abs(predicted - happened),
    0,
  );
}

/**
 * The calibration error within the steps at which the threshold is reached already, and within the others, by their counts:
 * one who says the same of both is right of neither, even if right on average.
 */
export function calibrationErrorByState(scored: readonly Scored[]): number {
  const states = [scored.filter(({ exceeded }) => exceeded), scored.filter(({ exceeded }) => !exceeded)];
  return states.reduce(
    (sum, state) => (state.length === 0 ? sum : sum + (state.length / scored.length) * calibrationError(state)),
    0,
  );
}

/** The part of the Brier score that comes of wrong probabilities (A. Murphy, "A New Vector Partition", 1973), in the ten bins. */
export function reliability(scored: readonly Scored[]): number {
  return calibration(scored).reduce(
    (sum, { count, predicted, happened }) => sum + (count / scored.length) * (predicted - happened) ** 2,
    0,
  );
}

const chanceDraws = 50;

/**
 * The calibration error that these predictions would have had if they were exactly right: outcomes are drawn with the
 * probabilities that were said, one number for a whole window, because what follows neighbouring steps is nearly the same.
 */
export function calibrationErrorByChance(runs: readonly (readonly Scored[])[], horizon: number): number {
  const random = seededRandom(1);
  let sum = 0;
  for (let draw = 0; draw < chanceDraws; draw++) {
    const drawn = runs.flatMap((run) => {
      const phase = random.integer(0, horizon - 1);
      let number = random.next();
      return run.map(({ probability, exceeded }, step) => {
        if ((step + phase) % horizon === 0) number = random.next();
        return { probability, exceeded, happened: number < probability };
      });
    });
    sum += calibrationError(drawn);
  }
  return sum / chanceDraws;
}

export interface LeadTime {
  /** How long before the threshold was reached the alarm was on, without a break; 0 for those that it missed. */
  readonly meanMs: number;
  /** Of the onsets, those with an alarm at the step before. */
  readonly foreseen: number;
  /** Of the quiet steps before nothing, those with an alarm. */
  readonly falseAlarms: number;
  readonly onsets: number;
}

/**
 * How early an alarm came. Onsets are steps at which the threshold is reached after at least `quiet` steps in which it was
 * not. Looks back over at most two horizons.
 */
export function leadTime(
  runs: readonly (readonly Scored[])[],
  alarmAt: number,
  quiet: number,
  stepMs: number,
): LeadTime {
  let onsets = 0;
  let foreseen = 0;
  let steps = 0;
  let calm = 0;
  let falseAlarms = 0;
  for (const run of runs) {
    for (const [at, { exceeded, happened, probability }] of run.entries()) {
      if (!exceeded && !happened) {
        calm++;
        if (probability >= alarmAt) falseAlarms++;
      }
      const before = run.slice(Math.max(0, at - quiet), at);
      if (!exceeded || before.length < quiet || before.some((each) => each.exceeded)) continue;
      onsets++;
      let lead = 0;
      // An alarm that never went off after the time before foretells nothing.
      const isAlarm = (step: Scored | undefined): boolean =>
        step !== undefined && !step.exceeded && step.probability >= alarmAt;
      while (lead < 2 * quiet && isAlarm(run[at - 1 - lead])) lead++;
      if (lead > 0) foreseen++;
      steps += lead;
    }
  }
  return { meanMs: (steps * stepMs) / onsets, foreseen: foreseen / onsets, falseAlarms: falseAlarms / calm, onsets };
}

/** The alarm that at most so large a share of the quiet steps before nothing would have raised. */
export function alarmLevel(scored: readonly Scored[], falseAlarms: number): number {
  const quiet = scored.filter(({ exceeded, happened }) => !exceeded && !happened).map(({ probability }) => probability);
  const sorted = quiet.toSorted((a, b) => a - b);
  const level = sorted[Math.min(sorted.length - 1, Math.floor((1 - falseAlarms) * sorted.length))] ?? 1;
  // Above it, not at it: a predictor that always says the same raises no alarm.
  return level + 1e-9;
}
