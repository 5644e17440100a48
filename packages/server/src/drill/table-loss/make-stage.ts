import type { DrillScenario, DrillStage } from "holdfast/proof";
import { usageError } from "../../cli/exit.ts";
import type { DrillDirectory } from "../drill-directory.ts";
import { bankNeeds } from "./bank-server.ts";
import { tableLossStage } from "./table-loss-stage.ts";

/** @throws ExitError when this machine has no PostgreSQL, or the line asks for what the drill has not */
export async function makeTableLossStage(
  { name, rounds }: DrillScenario,
  { directory, seed }: { readonly directory: DrillDirectory; readonly seed: number },
): Promise<DrillStage> {
  try {
    // What was recovered has no backup yet that a second round could go back to.
    if (rounds !== 1) throw usageError(`--runs must be 1 for ${name} (got ${rounds})`);
    await bankNeeds();
  } catch (error) {
    directory.remove();
    throw error;
  }
  return tableLossStage({ directory: directory.path, seed });
}
