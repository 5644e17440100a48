import type { DrillScenario } from "holdfast/proof";
import { clusterScenario } from "./cluster-scenario.ts";

export const dataConsistency: DrillScenario = clusterScenario({
  name: "data-consistency",
  summary:
    "a slow network, a cut-off leader and a killed follower, one after the other; all members end with the same data",
  load: { for: "12s" },
  faults: [
    { id: "slow", kind: "delay", target: "all", delayMs: 10, jitterMs: 10, after: "1s", for: "9s" },
    { id: "cut-off", kind: "partition", target: "leader", after: "2s", for: "3s" },
    { id: "killed", kind: "kill", target: "follower", after: "8s", for: "1s" },
  ],
  expect: ["convergedMs < 15000"],
});
