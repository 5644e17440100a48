import { rm } from "node:fs/promises";
import { StepFailure, type JsonValue, type StepExecutor } from "../../recovery/index.ts";
import { dropDatabase } from "./database-swap.ts";
import { checkAccess, inDatabase, type PostgresqlAccess } from "./postgresql-server.ts";

export interface PostgresqlDiscardOptions extends PostgresqlAccess {
  readonly maintenanceDatabase?: string;
}

/**
 * Steps of the type `database-discard`: removes what `database-restore` has kept (`previous` of its output), when nobody
 * will want it back. Cannot be undone: `rollback: none`.
 */
export function postgresqlDiscard(options: PostgresqlDiscardOptions): StepExecutor {
  checkAccess("postgresqlDiscard", options, ["maintenanceDatabase"]);
  const { type = "database-discard", maintenanceDatabase = "postgres" } = options;
  return {
    type,
    parameters: {
      previous: {
        type: "any",
        required: true,
        check: (value) => (isKept(value) ? undefined : "must be what was kept"),
      },
    },
    errorKind: "database",
    async run({ parameters, signal }) {
      const { previous } = parameters;
      // There was nothing before.
      if (previous === null) return;
      if (!isKept(previous as JsonValue)) throw new StepFailure("configuration", "previous is not what was kept");
      if ((previous as string).endsWith(".dump")) await rm(previous as string, { force: true });
      else {
        await inDatabase(options, maintenanceDatabase, signal, (session) => dropDatabase(session, previous as string));
      }
    },
  };
}

/** Nothing else is dropped, whatever a plan says. */
function isKept(value: JsonValue): boolean {
  return value === null || (typeof value === "string" && /(?:^|\/)holdfast_old_[0-9a-f]{12}(?:\.dump)?$/.test(value));
}
