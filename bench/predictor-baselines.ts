import { logisticModel } from "holdfast/errors";

/** Judges by nothing but how many errors the last window had, or not even by that. */
export interface Baseline {
  learn(errors: number, happened: boolean): void;
  probability(errors: number): number | undefined;
}

/** Always says how often it has happened in training. */
export function baseRate(): Baseline {
  let happenedCount = 0;
  let count = 0;
  return {
    learn(_errors, happened) {
      count++;
      if (happened) happenedCount++;
    },
    probability: () => (count === 0 ? undefined : happenedCount / count),
  };
}

/** Judges by the moving average of the errors over the last window alone; what it means is learnt, so that it is calibrated. */
export function movingAverage(): Baseline {
  const model = logisticModel({ maxExamples: 20_000 })(1);
  const feature = (errors: number): Float64Array => Float64Array.of(Math.log1p(errors));
  return {
    learn: (errors, happened) => model.learn(feature(errors), happened),
    probability: (errors) => model.probability(feature(errors)),
  };
}
