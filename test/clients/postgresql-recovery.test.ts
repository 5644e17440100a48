import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runDrill, type DrillReport } from "holdfast/proof";
import { nodeRuntime } from "holdfast/runtime";
import { afterAll, expect, it } from "vitest";
import { postgresqlTableLoss } from "../../packages/server/src/drill/scenarios/postgresql-table-loss.ts";
import { tableLossStage } from "../../packages/server/src/drill/table-loss/table-loss-stage.ts";

const directory = mkdtempSync(join(tmpdir(), "holdfast-table-loss-"));
afterAll(() => rmSync(directory, { recursive: true }));

it("PostgreSQL loses a table under load, and has every acknowledged row of it again without a person", async () => {
  const report: DrillReport = await runDrill({
    scenario: { ...postgresqlTableLoss, load: { ...postgresqlTableLoss.load, forMs: 1_500 } },
    stage: tableLossStage({ directory, seed: 7 }),
    clock: nodeRuntime().clock,
  });
  const { verdict, reason, measures, faults } = report;
  expect({ verdict, reason, measures }).toMatchObject({
    verdict: "passed",
    measures: { lostRows: 0, ghostRows: 0, unknownRows: 0, balanced: true, planCompleted: true },
  });
  expect(faults).toMatchObject([{ kind: "dropTable", target: "ledger", happened: true }]);
  expect(measures["acknowledged"]).toBeGreaterThan(200);
  expect(measures["refused"]).toBeGreaterThan(0);
  console.log(JSON.stringify(measures));
});
