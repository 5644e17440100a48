import { constants } from "node:fs";
import { access, open, rename } from "node:fs/promises";
import { dirname } from "node:path";
import type * as Module from "node:sqlite";
import { StepFailure } from "../../recovery/index.ts";

/** Beside a database's file, what it has not yet taken in, and an index of that. */
export const besides = ["-wal", "-shm", "-journal"] as const;

type Sqlite = typeof Module;

/** Node has it from 22.13 on, and its backups from 22.16 on. @throws StepFailure */
export async function loadSqlite(): Promise<Sqlite> {
  let sqlite: Sqlite;
  try {
    sqlite = await import("node:sqlite");
  } catch (cause) {
    throw new StepFailure("configuration", "this Node has no node:sqlite: 22.16 and later have", { cause });
  }
  if (typeof sqlite.backup !== "function") {
    throw new StepFailure("configuration", "this Node's node:sqlite has no backup: 22.16 and later have");
  }
  return sqlite;
}

export async function fileExists(path: string): Promise<boolean> {
  return await access(path, constants.F_OK).then(
    () => true,
    () => false,
  );
}

/** By how it begins. */
export async function isDatabase(path: string): Promise<boolean> {
  const handle = await open(path, "r");
  try {
    const { buffer } = await handle.read(Buffer.alloc(16), 0, 16, 0);
    return buffer.toString("latin1") === "SQLite format 3\0";
  } finally {
    await handle.close();
  }
}

/** @throws StepFailure when the file is no database, or a damaged one */
export function checkIntegrity(database: Module.DatabaseSync, path: string): void {
  let problems: readonly unknown[];
  try {
    problems = database
      .prepare("PRAGMA integrity_check(5)")
      .all()
      .flatMap((row) => Object.values(row));
  } catch (cause) {
    throw new StepFailure("database", `${path} is damaged: ${(cause as Error).message}`, { retryable: false, cause });
  }
  if (problems.length === 1 && problems[0] === "ok") return;
  throw new StepFailure("database", `${path} is damaged: ${problems.join("; ").slice(0, 200)}`, { retryable: false });
}

/** Also durable: of a rename, it is the directory that must be. */
export async function syncPath(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

export async function publish(draft: string, path: string): Promise<void> {
  await syncPath(draft);
  await rename(draft, path);
  await syncPath(dirname(path));
}
