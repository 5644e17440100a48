import type { DrillScenario } from "holdfast/proof";
import { clusterScenario } from "./cluster-scenario.ts";

export const availability: DrillScenario = clusterScenario({
  name: "availability",
  summary: "kill -9 a follower for two seconds; clients hardly notice",
  faults: [{ kind: "kill", target: "follower", after: "1500ms", for: "2s" }],
  expect: ["answeredRatio > 0.95", "longestSilenceMs < 2000"],
});
