/**
 * What learns whether something happens, from numbers. The predictor owns two for each kind of error, one for whether it
 * begins and one for whether it goes on, and corrects their probabilities by what came of earlier ones. Holdfast's own is
 * `logisticModel`, others are in `holdfast/adapters/ml`.
 */
export interface PredictionModel {
  readonly name: string;
  /** What happened after these features. The array is the caller's: copy what is to be kept. */
  learn(features: Float64Array, happened: boolean): void;
  /** 0..1; undefined while the model has learnt too little to say. */
  probability(features: Float64Array): number | undefined;
  /** How much each feature moves the answer, up or down, in any unit; models that cannot tell leave it out. */
  contributions?(features: Float64Array): Float64Array;
}

/** Makes a model for so many features. */
export type PredictionModelFactory = (features: number) => PredictionModel;
