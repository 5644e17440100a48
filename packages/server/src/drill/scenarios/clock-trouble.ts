import type { DrillScenario } from "holdfast/proof";
import { clusterScenario } from "./cluster-scenario.ts";

export const clockTrouble: DrillScenario = clusterScenario({
  name: "clock-trouble",
  summary: "the leader's time of day jumps an hour, and a follower's time runs at half speed",
  load: { for: "6s" },
  faults: [
    { kind: "clockSkew", target: "leader", byMs: 3_600_000, after: "1500ms", for: "3s" },
    { kind: "clockDrift", target: "follower", ppm: -500_000, after: "1500ms", for: "3s" },
  ],
  expect: ["answeredRatio > 0.95", "longestSilenceMs < 5000"],
});
