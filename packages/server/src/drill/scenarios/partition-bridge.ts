import type { DrillScenario } from "holdfast/proof";
import { clusterScenario } from "./cluster-scenario.ts";

export const partitionBridge: DrillScenario = clusterScenario({
  name: "partition-bridge",
  summary: "two halves of which only one member reaches both; service goes on",
  load: { for: "6s" },
  faults: [{ kind: "partition", target: "leader", shape: "bridge", after: "1500ms", for: "3s" }],
  expect: ["longestSilenceMs < 5000"],
});
