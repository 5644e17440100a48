import type { DrillScenario } from "holdfast/proof";
import { clusterScenario } from "./cluster-scenario.ts";

export const slowDisk: DrillScenario = clusterScenario({
  name: "slow-disk",
  summary: "each write of the leader's disk takes 100 ms for three seconds; slower, and nothing worse",
  load: { for: "6s" },
  faults: [{ kind: "slowDisk", target: "leader", extraMs: 100, after: "1500ms", for: "3s" }],
  expect: ["answeredRatio > 0.95", "longestSilenceMs < 5000"],
});
