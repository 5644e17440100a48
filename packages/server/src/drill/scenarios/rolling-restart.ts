import type { DrillScenario } from "holdfast/proof";
import { clusterScenario } from "./cluster-scenario.ts";

export const rollingRestart: DrillScenario = clusterScenario({
  name: "rolling-restart",
  summary: "stop and start one member after the other under load, as an upgrade does",
  faults: [{ kind: "rollingRestart", target: "all", after: "1s" }],
  expect: ["answeredRatio > 0.95", "longestSilenceMs < 5000"],
  timeouts: { fault: "3m" },
});
