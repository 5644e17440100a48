import { checkScenario, type DrillScenario } from "holdfast/proof";

export const postgresqlTableLoss: DrillScenario = checkScenario({
  name: "postgresql-table-loss",
  summary: "somebody drops a table of a real PostgreSQL under load; a plan that nobody starts brings it back, whole",
  stage: { kind: "table-loss" },
  load: { for: "3s", clients: 8, rate: 200 },
  faults: [{ kind: "dropTable", target: "ledger", after: "1500ms" }],
  steadyState: ["serves", "accounts == 50", "ledger"],
  invariants: ["lostRows == 0", "ghostRows == 0", "balanced"],
  expect: ["planCompleted", "refused > 0", "detectMs < 2000", "resumedMs < 30000"],
  timeouts: { recovery: "90s" },
});
