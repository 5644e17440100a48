import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runDrill, type DrillReport } from "holdfast/proof";
import type { Plan } from "holdfast/recovery";
import { nodeRuntime } from "holdfast/runtime";
import { afterAll, expect, it } from "vitest";
import { postgresqlTableLoss } from "../../packages/server/src/drill/scenarios/postgresql-table-loss.ts";
import { tableLossPlan } from "../../packages/server/src/drill/table-loss/table-loss-recovery.ts";
import { tableLossStage } from "../../packages/server/src/drill/table-loss/table-loss-stage.ts";

const undo: (() => void)[] = [];
afterAll(() => {
  for (const each of undo) each();
});

function makeDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "holdfast-table-loss-"));
  undo.push(() => rmSync(directory, { recursive: true }));
  return directory;
}

function drill(directory: string, plan?: Plan): Promise<DrillReport> {
  return runDrill({
    scenario: { ...postgresqlTableLoss, load: { ...postgresqlTableLoss.load, forMs: 1_500 } },
    stage: tableLossStage({ directory, seed: 7, ...(plan && { plan }) }),
    clock: nodeRuntime().clock,
  });
}

it.concurrent("PostgreSQL loses a table under load, and has every acknowledged row of it again without a person", async () => {
  const report = await drill(makeDirectory());
  const { verdict, reason, measures, faults } = report;
  expect({ verdict, reason, measures }).toMatchObject({
    verdict: "passed",
    measures: { lostRows: 0, ghostRows: 0, unknownRows: 0, balanced: true, planCompleted: true },
  });
  expect(faults).toMatchObject([{ kind: "dropTable", target: "ledger", happened: true }]);
  expect(measures["acknowledged"]).toBeGreaterThan(200);
  expect(measures["refused"]).toBeGreaterThan(0);
});

it.concurrent("a plan that goes back to the wrong moment is stopped by its validation, rolled back, and not passed", async () => {
  const directory = makeDirectory();
  const well = tableLossPlan(50_000_000, 1_000_000);
  // A moment after the drop: the restore point that ends the log's last segment.
  const steps = well.steps.map((step) =>
    step.id === "restore" ? { ...step, parameters: { name: "holdfast", port: "${parameters.port}" } } : step,
  );
  const { verdict, reason, measures, faults } = await drill(directory, { ...well, steps });
  expect({ verdict, reason }).toEqual({ verdict: "failed", reason: expect.stringContaining('"step":"validate"') });
  expect(faults).toMatchObject([{ happened: true }]);
  expect(measures).toMatchObject({ planCompleted: false, resumedMs: null, lostRows: null });
  // The recovered server was stopped, and its files are gone.
  expect(readdirSync(join(directory, "postgresql", "recovered"))).toEqual([]);
});
