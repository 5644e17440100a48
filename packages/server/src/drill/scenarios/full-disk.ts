import type { DrillScenario } from "holdfast/proof";
import { clusterScenario } from "./cluster-scenario.ts";

export const fullDisk: DrillScenario = clusterScenario({
  name: "full-disk",
  summary: "the leader's disk takes nothing more; the rest go on, and it comes back when there is room",
  load: { for: "6s" },
  faults: [{ kind: "fullDisk", target: "leader", after: "1500ms", for: "3s" }],
  expect: ["longestSilenceMs < 10000"],
});
