import { logisticModel, type PredictionModelFactory } from "holdfast/errors";

/** Always says how often it has happened in training. */
export const baseRate: PredictionModelFactory = () => {
  let happenedCount = 0;
  let count = 0;
  return {
    name: "base rate",
    learn(_features, happened) {
      count++;
      if (happened) happenedCount++;
    },
    probability: () => (count === 0 ? undefined : happenedCount / count),
  };
};

/** Where the predictor puts the logarithm of the errors in the last window. */
const lastWindow = 1;

/** Judges by the moving average of the errors over the last window alone; what it means is learnt, so that it is calibrated. */
export const movingAverage: PredictionModelFactory = () => {
  const model = logisticModel({ maxExamples: 20_000 })(1);
  const only = (features: Float64Array): Float64Array => features.slice(lastWindow, lastWindow + 1);
  return {
    name: "moving average",
    learn: (features, happened) => model.learn(only(features), happened),
    probability: (features) => model.probability(only(features)),
  };
};
