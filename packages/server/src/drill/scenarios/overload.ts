import type { DrillScenario } from "holdfast/proof";
import { clusterScenario } from "./cluster-scenario.ts";

export const overload: DrillScenario = clusterScenario({
  name: "overload",
  summary: "far more requests than the cluster can answer for three seconds; it refuses some, loses none, and recovers",
  load: { for: "8s", clients: 4 },
  faults: [{ kind: "overload", target: "all", rate: 20_000, after: "1500ms", for: "3s" }],
  expect: ["longestSilenceMs < 10000"],
});
