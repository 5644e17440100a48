import type { DrillScenario } from "holdfast/proof";
import { clusterScenario } from "./cluster-scenario.ts";

export const partitionHalves: DrillScenario = clusterScenario({
  name: "partition-halves",
  summary: "four members, two on each side of a cut: neither side is a majority, so neither may decide anything",
  nodes: 4,
  load: { for: "6s" },
  faults: [{ kind: "partition", target: "half", after: "1500ms", for: "3s" }],
});
