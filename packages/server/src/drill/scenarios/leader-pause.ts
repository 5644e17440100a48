import type { DrillScenario } from "holdfast/proof";
import { clusterScenario } from "./cluster-scenario.ts";

export const leaderPause: DrillScenario = clusterScenario({
  name: "leader-pause",
  summary: "stop the leader's process where it stands for three seconds; it wakes up and still believes that it leads",
  load: { for: "6s" },
  faults: [{ kind: "pause", target: "leader", after: "1500ms", for: "3s" }],
  expect: ["worstGapMs < 10000"],
});
