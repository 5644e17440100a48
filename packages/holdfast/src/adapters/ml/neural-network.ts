import { batchModel, type Examples, type PredictionModelFactory } from "../../errors/index.ts";
import { type Random, seededRandom } from "../../runtime/index.ts";
import { readSettings, type MemorySettings, memoryDefaults } from "./settings.ts";

export interface NeuralNetworkOptions extends MemorySettings {
  /** Neurons of the hidden layer: 1 up to 256. Default 8. */
  readonly hidden?: number;
  /** How often all examples are gone through: 1 up to 10 000. Default 20. */
  readonly epochs?: number;
  /** For the first weights and the order of examples: the same seed and examples give the same network. Default 1. */
  readonly seed?: number;
}

export const neuralNetworkDefaults: Required<NeuralNetworkOptions> = {
  ...memoryDefaults,
  hidden: 8,
  epochs: 20,
  seed: 1,
};

const batchSize = 32;
const learningRate = 0.02;
const regularization = 0.02;

interface LayerJson {
  readonly W: readonly (readonly number[])[];
  readonly b: readonly (readonly number[])[];
}

/**
 * A small neural network with one hidden layer for `createErrorPredictor`, trained by `ml-fnn`.
 *
 * The first weights are drawn here, around zero and from a seed: the library draws positive ones, by chance.
 *
 * @throws InvalidArgumentError; Error when `ml-fnn` is not installed
 * @example
 * const predictor = createErrorPredictor({ thresholds: { timeout: 20 }, model: await neuralNetworkModel({ hidden: 6 }) });
 */
export async function neuralNetworkModel(options: NeuralNetworkOptions = {}): Promise<PredictionModelFactory> {
  const { hidden, epochs, seed, ...memory } = readSettings("neuralNetworkModel", options, neuralNetworkDefaults);
  const { default: Network } = await import("ml-fnn");

  function fit({ features, labels }: Examples): (features: Float64Array) => number {
    const random = seededRandom(seed);
    const inputs = features[0]?.length ?? 0;
    const network = Network.load({
      model: "FNN",
      hiddenLayers: [hidden],
      iterations: 1,
      learningRate,
      regularization,
      activation: "tanh",
      layers: [firstLayer(random, inputs, hidden), firstLayer(random, hidden, 2)],
    });
    const order = features.map((_, at) => at);
    for (let epoch = 0; epoch < epochs; epoch++) {
      shuffle(order, random);
      for (let from = 0; from < order.length; from += batchSize) {
        // The library numbers labels as they come: what did not happen must come first.
        const batch = order.slice(from, from + batchSize).sort((a, b) => (labels[a] ?? 0) - (labels[b] ?? 0));
        if (labels[batch[0] as number] !== 0) continue;
        network.train(
          batch.map((at) => [...(features[at] as Float64Array)]),
          batch.map((at) => labels[at] as number),
        );
      }
    }
    // Its own way of answering tells the label only.
    const { layers } = JSON.parse(JSON.stringify(network)) as { readonly layers: readonly LayerJson[] };
    return (asked) => answer(asked, layers);
  }

  return batchModel({ name: "neural network", fit, ...memory });
}

function firstLayer(random: Random, inputs: number, outputs: number): object {
  const reach = 1 / Math.sqrt(Math.max(1, inputs));
  return {
    model: "Layer",
    inputSize: inputs,
    outputSize: outputs,
    regularization,
    epsilon: learningRate / batchSize,
    activation: "tanh",
    W: Array.from({ length: inputs }, () => Array.from({ length: outputs }, () => reach * (2 * random.next() - 1))),
    b: [Array.from({ length: outputs }, () => 0)],
  };
}

/** Fisher and Yates. */
function shuffle(order: number[], random: Random): void {
  for (let last = order.length - 1; last > 0; last--) {
    const other = random.integer(0, last);
    const kept = order[last] as number;
    order[last] = order[other] as number;
    order[other] = kept;
  }
}

function answer(features: Float64Array, layers: readonly LayerJson[]): number {
  const [first, second] = layers as [LayerJson, LayerJson];
  const [no = 0, yes = 0] = apply(apply([...features], first).map(Math.tanh), second);
  return 1 / (1 + Math.exp(no - yes));
}

function apply(inputs: readonly number[], { W, b }: LayerJson): number[] {
  return (b[0] ?? []).map((start, to) =>
    inputs.reduce((sum, input, from) => sum + input * (W[from]?.[to] as number), start),
  );
}
