import type { DrillScenario } from "holdfast/proof";
import { clusterScenario } from "./cluster-scenario.ts";

export const partitionOneWay: DrillScenario = clusterScenario({
  name: "partition-one-way",
  summary: "first nothing that the leader says arrives, then it hears nothing; each time another takes over",
  load: { for: "11s" },
  faults: [
    { id: "silenced", kind: "partition", target: "leader", shape: "outbound", after: "1500ms", for: "3s" },
    { id: "deafened", kind: "partition", target: "leader", shape: "inbound", after: "6500ms", for: "3s" },
  ],
  expect: ["worstGapMs < 10000"],
});
