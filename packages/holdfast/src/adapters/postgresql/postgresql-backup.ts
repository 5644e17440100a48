import { join } from "node:path";
import type { JsonValue, StepExecutor } from "../../recovery/index.ts";
import { takeBaseBackup } from "./base-backup.ts";
import { dumpDatabase } from "./dump.ts";
import { stepMark } from "./kept-state.ts";
import { checkAccess, checkTexts, type PostgresqlAccess } from "./postgresql-server.ts";
import type { ProgramUser } from "./programs.ts";

export interface PostgresqlBackupOptions extends PostgresqlAccess {
  /** Where base backups go, or dumps. */
  readonly directory: string;
  /** Of base backups: whose files they are. */
  readonly as?: ProgramUser;
  /** Of base backups: as of `takeBaseBackup`. */
  readonly sync?: boolean;
}

/**
 * Steps of the type `database-backup`: a dump of a `database`, or without one a base backup of the whole server, named by
 * the execution. Changes nothing that would have to be undone.
 */
export function postgresqlBackup(options: PostgresqlBackupOptions): StepExecutor {
  checkAccess("postgresqlBackup", options, ["directory", "as", "sync"]);
  const { directory, type = "database-backup" } = options;
  checkTexts("postgresqlBackup", { directory });
  return {
    type,
    parameters: { database: { type: "text" } },
    changes: false,
    errorKind: "database",
    async run(context): Promise<JsonValue> {
      const { parameters, signal } = context;
      const name = stepMark(context);
      const { server, connect, programs, as } = options;
      const access = { server, connect, ...(programs === undefined ? {} : { programs }), signal };
      const { database } = parameters;
      if (typeof database === "string") {
        return { ...(await dumpDatabase({ ...access, database, file: join(directory, `${name}.dump`) })) };
      }
      const { sync = true } = options;
      return { ...(await takeBaseBackup({ ...access, directory, name, sync, ...(as === undefined ? {} : { as }) })) };
    },
  };
}
