export { decisionTreeDefaults, decisionTreeModel } from "./decision-tree.ts";
export type { DecisionTreeOptions } from "./decision-tree.ts";
export { neuralNetworkDefaults, neuralNetworkModel } from "./neural-network.ts";
export type { NeuralNetworkOptions } from "./neural-network.ts";
export type { MemorySettings } from "./settings.ts";
