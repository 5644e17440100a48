import type { DrillScenario } from "holdfast/proof";
import { clusterScenario } from "./cluster-scenario.ts";

export const clusterKill: DrillScenario = clusterScenario({
  name: "cluster-kill",
  summary: "kill -9 all members at once under load; they come back with all that was acknowledged",
  faults: [{ kind: "kill", target: "all", after: "1500ms" }],
});
