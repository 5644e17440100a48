import { rm, stat } from "node:fs/promises";
import { StepFailure } from "../../recovery/index.ts";
import { checkIntegrity, fileExists, loadSqlite, publish } from "./sqlite-database.ts";

export interface SqliteBackup {
  readonly file: string;
  readonly bytes: number;
}

/**
 * Copies a database as it is at one moment, while others use it; the copy is looked at, and has its name once it is whole
 * and durable.
 *
 * @throws StepFailure
 */
export async function backupSqlite(options: {
  readonly database: string;
  readonly file: string;
  readonly signal?: AbortSignal;
}): Promise<SqliteBackup> {
  const { database, file, signal } = options;
  const { DatabaseSync, backup } = await loadSqlite();
  signal?.throwIfAborted();
  if (!(await fileExists(database))) throw new StepFailure("database", `there is no ${database}`, { retryable: false });
  const draft = `${file}.part`;
  try {
    await rm(draft, { force: true });
    const source = new DatabaseSync(database, { readOnly: true });
    try {
      await backup(source, draft, { progress: () => signal?.throwIfAborted() });
    } finally {
      source.close();
    }
    const copy = new DatabaseSync(draft);
    try {
      checkIntegrity(copy, draft);
      // One file: nothing of it is beside it.
      copy.exec("PRAGMA journal_mode = DELETE");
    } finally {
      copy.close();
    }
    await publish(draft, file);
    return { file, bytes: (await stat(file)).size };
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}
