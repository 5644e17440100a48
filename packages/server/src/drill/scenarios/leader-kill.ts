import type { DrillScenario } from "holdfast/proof";
import { clusterScenario } from "./cluster-scenario.ts";

export const leaderKill: DrillScenario = clusterScenario({
  name: "leader-kill",
  summary: "kill -9 the leader under load; the rest elect another",
  faults: [{ kind: "kill", target: "leader", after: "1500ms" }],
});
