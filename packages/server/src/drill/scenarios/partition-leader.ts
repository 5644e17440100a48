import type { DrillScenario } from "holdfast/proof";
import { clusterScenario } from "./cluster-scenario.ts";

export const partitionLeader: DrillScenario = clusterScenario({
  name: "partition-leader",
  summary: "cut the leader off from the majority, which elects another; clients reach both sides",
  load: { for: "7s" },
  faults: [{ kind: "partition", target: "leader", shape: "isolate", after: "1500ms", for: "4s" }],
  expect: ["worstGapMs < 10000"],
});
