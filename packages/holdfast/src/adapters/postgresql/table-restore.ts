import { mkdir, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { StepFailure, type JsonValue, type StepContext } from "../../recovery/index.ts";
import { disconnectAll } from "./database-swap.ts";
import { dumpDatabase, listDump } from "./dump.ts";
import { entriesOfTables, type DumpEntry } from "./dump-contents.ts";
import { stepMark } from "./kept-state.ts";
import { inDatabase, quoteName, quoteText } from "./postgresql-server.ts";
import type { PostgresqlRestoreOptions } from "./postgresql-restore.ts";
import { runProgram } from "./programs.ts";

/** In the restored database: which steps have replaced something in it. */
const marks = "holdfast_recovery.done";

export function checkTables(value: JsonValue): string | undefined {
  const isName = (table: JsonValue): boolean => typeof table === "string" && /^[^.]+\.[^.]+$/.test(table);
  return Array.isArray(value) && value.length > 0 && (value as JsonValue[]).every(isName)
    ? undefined
    : "must be a list of names like public.ledger";
}

/**
 * Replaces tables, with all that depends on them, in one transaction, which also marks the step as done: a second time
 * changes nothing. What was there is dumped before.
 */
export async function restoreTables(options: PostgresqlRestoreOptions, context: StepContext): Promise<JsonValue> {
  const { programs } = options;
  const { parameters, signal } = context;
  const tables = parameters["tables"] as readonly string[];
  const dump = parameters["dump"] as string;
  const database = parameters["database"] as string;
  const { entries, missing } = entriesOfTables(await listDump(dump, { programs, signal }), tables);
  if (missing.length > 0) {
    throw new StepFailure("database", `the dump has no table ${missing.join(", ")}`, { retryable: false });
  }
  const mark = stepMark(context);
  const previous = keptFile(options, mark);
  const isDone = await inDatabase(options, database, signal, async (session) => {
    await session.query("create schema if not exists holdfast_recovery");
    await session.query(`create table if not exists ${marks} (step text primary key, at timestamptz not null)`);
    const { rows } = await session.query(`select 1 from ${marks} where step = $1`, [mark]);
    return rows.length > 0;
  });
  if (!isDone) {
    await keepTables(options, { database, tables, previous, signal });
    if (parameters["disconnect"] === true) {
      await inDatabase(options, options.maintenanceDatabase ?? "postgres", signal, (session) =>
        disconnectAll(session, database),
      );
    }
    const done = `insert into ${marks} values (${quoteText(mark)}, now());`;
    await apply(options, { database, dump, entries, before: "", after: done, signal });
  }
  return { database, previous, tables: tables.length };
}

/** As they were, or gone when they were not there. What was written to them since goes, too. */
export async function undoTables(options: PostgresqlRestoreOptions, context: StepContext): Promise<void> {
  const { programs } = options;
  const { parameters, signal } = context;
  const tables = parameters["tables"] as readonly string[];
  const database = parameters["database"] as string;
  const dump = keptFile(options, stepMark(context));
  const drop = tables.map((table) => `drop table if exists ${quotedTable(table)} cascade;`).join("\n");
  const { entries } = entriesOfTables(await listDump(dump, { programs, signal }), tables);
  await apply(options, { database, dump, entries, before: drop, after: "", signal });
}

function keptFile({ keepDirectory }: PostgresqlRestoreOptions, mark: string): string {
  if (keepDirectory !== undefined) return join(keepDirectory, `holdfast_old_${mark}.dump`);
  throw new StepFailure("configuration", "single tables need postgresqlRestore.keepDirectory, for what they replace");
}

/**
 * Once: after a crash, what is there may be the new ones already. With the structure of everything, for views and other
 * tables may depend on what is replaced.
 */
async function keepTables(
  options: PostgresqlRestoreOptions,
  given: { database: string; tables: readonly string[]; previous: string; signal: AbortSignal },
): Promise<void> {
  const { database, tables, previous, signal } = given;
  if ((await stat(previous).catch(() => undefined)) !== undefined) return;
  await mkdir(options.keepDirectory ?? "", { recursive: true, mode: 0o700 });
  const all = await inDatabase(options, database, signal, async (session) => {
    const { rows } = await session.query(
      `select n.nspname || '.' || c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where c.relkind in ('r', 'p') and n.nspname not in ('pg_catalog', 'information_schema')`,
    );
    return (rows as readonly { readonly name: string }[]).map(({ name }) => name);
  });
  const { server, programs } = options;
  const withoutRowsOf = all.filter((table) => !tables.includes(table));
  const access = { server, ...(programs === undefined ? {} : { programs }) };
  await dumpDatabase({ ...access, database, file: previous, withoutRowsOf, signal });
}

/** Runs a part of a dump as one transaction, with statements around it. */
async function apply(
  options: PostgresqlRestoreOptions,
  given: {
    readonly database: string;
    readonly dump: string;
    readonly entries: readonly DumpEntry[];
    readonly before: string;
    readonly after: string;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { server, programs } = options;
  const { database, dump, entries, before, after, signal } = given;
  const directory = await mkdtemp(join(tmpdir(), "holdfast-restore-"));
  const [list = "", script = "", first = "", last = ""] = ["list", "script.sql", "first.sql", "last.sql"].map((name) =>
    join(directory, name),
  );
  try {
    await writeFile(list, entries.map(({ line }) => `${line}\n`).join(""));
    await writeFile(first, before);
    await writeFile(last, after);
    if (entries.length === 0) await writeFile(script, "");
    else {
      // As a whole file first: psql would commit half of one that breaks off.
      const args = ["--clean", "--if-exists", "--exit-on-error", "--use-list", list, "--file", script, dump];
      await runProgram({ programs, program: "pg_restore", args, signal });
    }
    const files = [first, script, last].flatMap((file) => ["--file", file]);
    const args = ["--no-psqlrc", "--quiet", "--no-password", "--single-transaction", "--set=ON_ERROR_STOP=1"];
    await runProgram({ programs, program: "psql", args: [...args, ...files, "--dbname", database], server, signal });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function quotedTable(table: string): string {
  return table.split(".").map(quoteName).join(".");
}
