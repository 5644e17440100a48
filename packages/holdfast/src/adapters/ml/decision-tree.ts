import { batchModel, InvalidArgumentError, type Examples, type PredictionModelFactory } from "../../errors/index.ts";
import { readSettings, type MemorySettings, memoryDefaults } from "./settings.ts";

export interface DecisionTreeOptions extends MemorySettings {
  /** How many questions deep: 1 up to 20. Default 4. */
  readonly maxDepth?: number;
  /** A leaf that has no more examples is not split: 1 up to 10 000. Default 20. */
  readonly minLeaf?: number;
}

export const decisionTreeDefaults: Required<DecisionTreeOptions> = { ...memoryDefaults, maxDepth: 4, minLeaf: 20 };

/**
 * A decision tree for `createErrorPredictor`, grown by `ml-cart` (CART: L. Breiman and others, "Classification and Regression
 * Trees", 1984). The answer is the share of examples in the leaf after which it happened, drawn towards the share among all.
 *
 * @throws InvalidArgumentError; Error when `ml-cart` is not installed
 * @example
 * const predictor = createErrorPredictor({ thresholds: { timeout: 20 }, model: await decisionTreeModel() });
 */
export async function decisionTreeModel(options: DecisionTreeOptions = {}): Promise<PredictionModelFactory> {
  const { maxDepth, minLeaf, ...memory } = readSettings("decisionTreeModel", options, decisionTreeDefaults);
  if (maxDepth > 20) throw new InvalidArgumentError("decisionTreeModel.maxDepth", "must be <= 20", maxDepth);
  const { DecisionTreeRegression } = await import("ml-cart");

  function fit({ features, labels }: Examples): (features: Float64Array) => number {
    const tree = new DecisionTreeRegression({ minNumSamples: minLeaf, maxDepth, gainThreshold: -1 });
    const rows = features.map((each) => [...each]);
    // The library does not split where a split leaves no error at all: these two see to it that some is left.
    const middle = Array.from({ length: features[0]?.length ?? 0 }, () => 0);
    tree.train([...rows, middle, middle], [...labels, 0, 1]);
    const share = labels.reduce<number>((sum, label) => sum + label, 0) / labels.length;
    // Leaves are told apart by their answers: how many examples each has decides how far it is believed.
    const counts = new Map<number, number>();
    for (const answer of tree.predict(rows)) counts.set(answer, (counts.get(answer) ?? 0) + 1);
    return (asked) => {
      const answer = tree.predict([[...asked]])[0] as number;
      const count = counts.get(answer) ?? 1;
      return (answer * count + share * prior) / (count + prior);
    };
  }

  return batchModel({ name: "decision tree", fit, ...memory });
}

/** Examples' worth of belief in the share among all. */
const prior = 10;
