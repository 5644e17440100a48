import { randomUUID } from "node:crypto";
import { rm, stat } from "node:fs/promises";
import { StepFailure } from "../../recovery/index.ts";
import { readDumpContents, tablesIn, type DumpEntry } from "./dump-contents.ts";
import { publish } from "./kept-state.ts";
import type { PostgresqlAccess } from "./postgresql-server.ts";
import { runProgram } from "./programs.ts";

export interface DumpOptions extends Pick<PostgresqlAccess, "server" | "programs"> {
  readonly database: string;
  /** Where it goes; a file that is there is replaced once the new one is whole. */
  readonly file: string;
  /** Tables of which only the structure is kept, as `schema.name`. */
  readonly withoutRowsOf?: readonly string[];
  readonly signal: AbortSignal;
}

export interface DumpInfo {
  readonly file: string;
  readonly bytes: number;
  readonly tables: number;
}

/**
 * Backs up a database as it is at one moment, with its structure, in `pg_dump`'s custom format, while it is used.
 *
 * @throws StepFailure
 */
export async function dumpDatabase(options: DumpOptions): Promise<DumpInfo> {
  const { server, programs, database, file, withoutRowsOf = [], signal } = options;
  const draft = `${file}.${randomUUID()}.part`;
  try {
    const without = withoutRowsOf.flatMap((table) => ["--exclude-table-data", tablePattern(table)]);
    const args = ["--format=custom", "--no-password", "--file", draft, ...without, "--dbname", database];
    await runProgram({ programs, program: "pg_dump", args, server, signal });
    const entries = await listDump(draft, { programs, signal });
    await publish(draft, file);
    const { size } = await stat(file);
    return { file, bytes: size, tables: tablesIn(entries) };
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

/** What a dump holds. @throws StepFailure when it cannot be read, or is none */
export async function listDump(
  file: string,
  { programs, signal }: { readonly programs: string | undefined; readonly signal: AbortSignal },
): Promise<readonly DumpEntry[]> {
  const found = await stat(file).catch(() => undefined);
  if (found?.isFile() !== true) {
    throw new StepFailure("database", `there is no dump ${file}`, { retryable: false });
  }
  const args = ["--list", "--verbose", file];
  const { stdout } = await runProgram({ programs, program: "pg_restore", args, signal });
  const entries = readDumpContents(stdout);
  if (entries.length === 0) throw new StepFailure("database", `${file} is an empty dump`, { retryable: false });
  return entries;
}

/** A pattern of `pg_dump` that fits this one table, whatever is in its name. */
function tablePattern(table: string): string {
  const at = table.indexOf(".");
  return [table.slice(0, at), table.slice(at + 1)].map((part) => `"${part.replaceAll('"', '""')}"`).join(".");
}
