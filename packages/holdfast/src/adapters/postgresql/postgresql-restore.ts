import type { JsonValue, StepContext, StepExecutor } from "../../recovery/index.ts";
import { StepFailure } from "../../recovery/index.ts";
import {
  closeDatabase,
  createDatabaseLike,
  databaseComment,
  databaseId,
  dropDatabase,
  openDatabase,
  refuseUsers,
  renameDatabases,
} from "./database-swap.ts";
import { listDump } from "./dump.ts";
import { tablesIn } from "./dump-contents.ts";
import { stepMark } from "./kept-state.ts";
import {
  checkAccess,
  firstRow,
  inDatabase,
  quoteName,
  quoteText,
  type PostgresqlAccess,
  type PostgresqlSession,
} from "./postgresql-server.ts";
import { runProgram } from "./programs.ts";
import { checkTables, restoreTables, undoTables } from "./table-restore.ts";

export interface PostgresqlRestoreOptions extends PostgresqlAccess {
  /** To speak to the server from while others are renamed. Default `postgres`. */
  readonly maintenanceDatabase?: string;
  /** Where what is replaced of single tables is kept; needed for `tables`. */
  readonly keepDirectory?: string;
}

const restoreType = "database-restore";

/**
 * Steps of the type `database-restore`: a database, or `tables` of it, as a dump has it.
 *
 * The whole database is restored beside the one that is there, looked at (as many tables as the dump has, and `verify`),
 * and put in its place by names, in one transaction; what was there stays beside it, closed, until `postgresqlDiscard`.
 * Single tables are replaced in one transaction. A try after a crash goes on, or finds that all is done.
 */
export function postgresqlRestore(options: PostgresqlRestoreOptions): StepExecutor {
  checkAccess("postgresqlRestore", options, ["maintenanceDatabase", "keepDirectory"]);
  const { type = restoreType, maintenanceDatabase = "postgres" } = options;
  const text = { type: "text", required: true } as const;
  return {
    type,
    parameters: {
      database: {
        ...text,
        check: (name) => (name === maintenanceDatabase ? "must not be the maintenance database" : undefined),
      },
      dump: text,
      tables: { type: "list", check: checkTables },
      verify: { type: "text" },
      disconnect: { type: "flag" },
      jobs: {
        type: "number",
        check: (jobs) => (Number.isInteger(jobs) && Number(jobs) >= 1 ? undefined : "must be an integer >= 1"),
      },
    },
    outputs: ["database", "previous", "tables"],
    errorKind: "database",
    run: (context) =>
      context.parameters["tables"] === undefined
        ? restoreWhole({ ...options, maintenanceDatabase }, context)
        : restoreTables(options, context),
    rollback: (context) =>
      context.parameters["tables"] === undefined
        ? undoWhole({ ...options, maintenanceDatabase }, context)
        : undoTables(options, context),
  };
}

type WholeOptions = PostgresqlRestoreOptions & { readonly maintenanceDatabase: string };

interface Names {
  readonly database: string;
  readonly side: string;
  readonly previous: string;
}

function namesOf(context: StepContext): Names {
  const mark = stepMark(context);
  return {
    database: context.parameters["database"] as string,
    side: `holdfast_new_${mark}`,
    previous: `holdfast_old_${mark}`,
  };
}

/** The renames wait so long for those who were thrown out. */
const patienceMs = 10_000;

async function restoreWhole(options: WholeOptions, context: StepContext): Promise<JsonValue> {
  const { signal, parameters } = context;
  const { programs } = options;
  const names = namesOf(context);
  const { database, side, previous } = names;
  const entries = await listDump(parameters["dump"] as string, { programs, signal });
  const tables = tablesIn(entries);
  return await inDatabase(options, options.maintenanceDatabase, signal, async (session) => {
    await beAlone(session, context);
    if ((await databaseComment(session, database)) === commentOf(context)) {
      const keptId = await databaseId(session, previous);
      return { database, previous: keptId === null ? null : previous, tables, previousId: keptId };
    }
    const previousId = await databaseId(session, database);
    const hadOne = previousId !== null;
    await dropDatabase(session, side);
    await createDatabaseLike(session, side, database);
    const disconnect = parameters["disconnect"] === true;
    try {
      await fill(options, context, side);
      await verify(options, context, side, tables);
      // By which it is known when the record of its end is lost.
      await session.query(`comment on database ${quoteName(side)} is ${quoteText(commentOf(context))}`);
      if (disconnect && hadOne) await closeDatabase(session, database);
      else await refuseUsers(session, database);
      const old = hadOne ? ([[database, previous]] as const) : [];
      const limits = { patienceMs: disconnect ? patienceMs : 0, signal };
      await renameDatabases(session, [...old, [side, database]], limits);
      return { database, previous: hadOne ? previous : null, tables, previousId };
    } catch (error) {
      await tidy(options, names, disconnect);
      throw error;
    }
  });
}

/**
 * Waits for a try before this one, of which the server may still have work when nobody is left to hear of it. Held as
 * long as the connection.
 */
async function beAlone(session: PostgresqlSession, context: StepContext): Promise<void> {
  await session.query("select pg_advisory_lock($1::bigint)", [BigInt(`0x${stepMark(context)}`).toString()]);
}

function commentOf(context: StepContext): string {
  return `restored by holdfast, step ${stepMark(context)}`;
}

/** On a connection of its own: the try's may be closed. A try before this one may have closed the database. */
async function tidy(options: WholeOptions, { database, side }: Names, closed: boolean): Promise<void> {
  try {
    await inDatabase(options, options.maintenanceDatabase, new AbortController().signal, async (session) => {
      if (closed) await openDatabase(session, database);
      await dropDatabase(session, side);
    });
  } catch {
    // The next try begins with the same.
  }
}

async function fill(options: WholeOptions, { parameters, signal }: StepContext, side: string): Promise<void> {
  const { server, programs } = options;
  const { dump, jobs = 1 } = parameters;
  const args = ["--exit-on-error", "--no-password", `--jobs=${Number(jobs)}`, "--dbname", side, dump as string];
  await runProgram({ programs, program: "pg_restore", args, server, signal });
}

async function verify(
  options: WholeOptions,
  { parameters, signal }: StepContext,
  side: string,
  tables: number,
): Promise<void> {
  await inDatabase(options, side, signal, async (session) => {
    const row = await firstRow(
      session,
      `select count(*)::int as tables from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where c.relkind in ('r', 'p') and n.nspname not in ('pg_catalog', 'information_schema')
          and not exists (select 1 from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')`,
    );
    if (row?.["tables"] !== tables) {
      throw new StepFailure("validation", `${String(row?.["tables"])} tables were restored, the dump has ${tables}`);
    }
    if (parameters["verify"] === undefined) return;
    const [told] = Object.values((await firstRow(session, parameters["verify"] as string)) ?? {});
    if (told !== true)
      throw new StepFailure("validation", `verify told ${JSON.stringify(told) ?? "nothing"}, not true`);
  });
}

async function undoWhole(options: WholeOptions, context: StepContext & { readonly output: JsonValue }): Promise<void> {
  const { signal } = context;
  const { database, side, previous } = namesOf(context);
  await inDatabase(options, options.maintenanceDatabase, signal, async (session) => {
    await beAlone(session, context);
    const output = context.output as { readonly previousId?: number | null } | null;
    if ((await databaseId(session, previous)) !== null) {
      await closeDatabase(session, database);
      const renames = [
        [database, side],
        [previous, database],
      ] as const;
      await renameDatabases(session, renames, { patienceMs, signal });
    } else if (output?.previousId === null) {
      // There was none before.
      await dropDatabase(session, database);
    } else if ((await databaseId(session, database)) !== output?.previousId) {
      throw new StepFailure("database", `${previous}, which was there before, is gone`, { retryable: false });
    }
    await openDatabase(session, database);
    await dropDatabase(session, side);
  });
}
