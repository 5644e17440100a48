import type { DrillScenario } from "holdfast/proof";
import { clusterScenario } from "./cluster-scenario.ts";

export const oldLeader: DrillScenario = clusterScenario({
  name: "old-leader",
  summary:
    "a leader whose clock hardly moves is cut off, and believes for long that it leads; the one that replaced it dies",
  load: { for: "10s" },
  faults: [
    { kind: "clockDrift", target: "leader", ppm: -980_000, after: "1s", for: "8s" },
    { kind: "partition", target: "leader", shape: "isolate", lost: true, after: "1500ms", for: "6s" },
    { kind: "kill", target: "leader", after: "6s", for: "3s" },
  ],
  expect: ["worstGapMs < 10000"],
});
