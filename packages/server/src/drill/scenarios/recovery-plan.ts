import type { DrillScenario } from "holdfast/proof";
import { clusterScenario } from "./cluster-scenario.ts";

/** Two orchestrators start before one can be killed, and then the plan goes on to its end. */
const timeouts = { fault: "1m", recovery: "1m" };

export const recoveryPlan: DrillScenario = clusterScenario({
  name: "recovery-plan",
  summary:
    "kill -9 the orchestrator of a recovery plan in the middle of a step; another goes on, and does nothing twice",
  load: { for: "5s", clients: 4 },
  faults: [{ kind: "orchestratorKill", target: "orchestrator", after: "500ms" }],
  expect: ["planCompleted", "repeated == 0", "takeoverMs < 10000"],
  timeouts,
});

export const recoveryRollback: DrillScenario = clusterScenario({
  name: "recovery-rollback",
  summary: "the same with a plan whose last step fails: what was done is undone, once, by whoever is left",
  load: { for: "5s", clients: 4 },
  faults: [{ kind: "orchestratorKill", target: "orchestrator", fails: true, after: "500ms" }],
  expect: ["planRolledBack", "repeated == 0", "takeoverMs < 10000"],
  timeouts,
});
