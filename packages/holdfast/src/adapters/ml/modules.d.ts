/** The parts of the two libraries that are used here; neither has types of its own. */
declare module "ml-cart" {
  export class DecisionTreeRegression {
    constructor(options: { readonly minNumSamples: number; readonly maxDepth: number; readonly gainThreshold: number });
    train(features: number[][], values: number[]): void;
    predict(features: number[][]): number[];
  }
}

declare module "ml-fnn" {
  class FeedForwardNeuralNetwork {
    static load(model: object): FeedForwardNeuralNetwork;
    train(features: number[][], labels: number[]): void;
    toJSON(): object;
  }
  export = FeedForwardNeuralNetwork;
}
