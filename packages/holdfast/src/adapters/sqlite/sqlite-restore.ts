import { createHash } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";
import { copyFile, link, rename, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { checkOptionNames } from "../../errors/base.ts";
import { StepFailure, type JsonValue, type StepContext, type StepExecutor } from "../../recovery/index.ts";
import { besides, checkIntegrity, fileExists, isDatabase, loadSqlite, publish, syncPath } from "./sqlite-database.ts";

export interface SqliteRestoreOptions {
  /** The type of its steps. Default `database-restore`. */
  readonly type?: string;
}

/**
 * Steps of the type `database-restore`: the SQLite file `database` as `backup` has it. The backup is copied beside it,
 * looked at, and takes its place in one rename; what was there is kept beside it (`previous`) for the rollback, until
 * `sqliteDiscard`. A database in write-ahead mode that others have open is refused; with a rollback journal, idle
 * connections cannot be seen: stop who uses it before.
 */
export function sqliteRestore(options: SqliteRestoreOptions = {}): StepExecutor {
  checkOptionNames("sqliteRestore", options, ["type"]);
  const text = { type: "text", required: true } as const;
  return {
    type: options.type ?? "database-restore",
    parameters: { database: text, backup: text },
    outputs: ["database", "previous"],
    errorKind: "database",
    run: restore,
    rollback: putBack,
  };
}

/** Steps of the type `database-discard`: removes what `database-restore` has kept. Cannot be undone: `rollback: none`. */
export function sqliteDiscard(options: SqliteRestoreOptions = {}): StepExecutor {
  checkOptionNames("sqliteDiscard", options, ["type"]);
  const isKept = (value: JsonValue): boolean =>
    value === null || (typeof value === "string" && /\.holdfast-old-[0-9a-f]{12}$/.test(value));
  return {
    type: options.type ?? "database-discard",
    parameters: {
      previous: {
        type: "any",
        required: true,
        check: (value) => (isKept(value) ? undefined : "must be what was kept"),
      },
    },
    errorKind: "database",
    async run({ parameters: { previous } }) {
      if (typeof previous !== "string") return;
      for (const suffix of ["", ...besides]) await rm(`${previous}${suffix}`, { force: true });
      await rm(previous.replace(/old(?=-\w{12}$)/, "done"), { force: true });
    },
  };
}

interface Places {
  readonly database: string;
  readonly draft: string;
  readonly previous: string;
  /** There, without a draft, while the step has its effect. */
  readonly done: string;
}

function placesOf({ parameters, executionId, stepId }: StepContext): Places {
  const mark = createHash("sha256").update(`${executionId}/${stepId}`).digest("hex").slice(0, 12);
  const database = parameters["database"] as string;
  return {
    database,
    draft: `${database}.holdfast-new-${mark}`,
    previous: `${database}.holdfast-old-${mark}`,
    done: `${database}.holdfast-done-${mark}`,
  };
}

async function restore(context: StepContext): Promise<JsonValue> {
  const { signal, parameters } = context;
  const { database, draft, previous, done } = placesOf(context);
  if ((await fileExists(done)) && !(await fileExists(draft))) {
    return { database, previous: (await fileExists(previous)) ? previous : null };
  }
  const backup = parameters["backup"] as string;
  if (!(await fileExists(backup))) throw new StepFailure("database", `there is no ${backup}`, { retryable: false });
  const { DatabaseSync } = await loadSqlite();
  signal.throwIfAborted();
  try {
    await copyFile(backup, draft);
    open(new DatabaseSync(draft), (copy) => checkIntegrity(copy, backup));
    const hadOne = await fileExists(database);
    signal.throwIfAborted();
    // From here on it goes through to its end: it does not take long.
    if (hadOne) {
      // SQLite would throw away the log of what it cannot read.
      const mode = (await isDatabase(database))
        ? open(new DatabaseSync(database), (old) => closeForOthers(old, database))
        : undefined;
      if (mode === "wal") open(new DatabaseSync(draft), (copy) => copy.exec("PRAGMA journal_mode = WAL"));
      // A log that a damaged one has kept would be taken for the new one's.
      for (const suffix of besides) await rename(`${database}${suffix}`, `${previous}${suffix}`).catch(unlessThere);
      await rm(previous, { force: true });
      await link(database, previous);
    }
    await writeFile(done, "");
    await publish(draft, database);
    return { database, previous: hadOne ? previous : null };
  } catch (error) {
    await rm(done, { force: true });
    for (const suffix of ["", ...besides]) await rm(`${draft}${suffix}`, { force: true });
    throw error;
  }
}

function open<T>(database: DatabaseSync, use: (database: DatabaseSync) => T): T {
  try {
    return use(database);
  } finally {
    database.close();
  }
}

/**
 * Has it take in what is beside it, and tells how it kept that; undefined of a damaged one, of which the restore is the
 * cure.
 *
 * @throws StepFailure while others have it open, as far as that can be seen
 */
function closeForOthers(database: DatabaseSync, path: string): string | undefined {
  try {
    const mode = database.prepare("PRAGMA journal_mode").get()?.["journal_mode"];
    database.exec("PRAGMA journal_mode = DELETE");
    database.exec("BEGIN EXCLUSIVE; ROLLBACK");
    return String(mode);
  } catch (cause) {
    // SQLITE_BUSY
    if ((cause as { readonly errcode?: unknown }).errcode !== 5) return undefined;
    throw new StepFailure("database", `${path} is in use: stop who uses it before`, { cause });
  }
}

async function putBack(context: StepContext): Promise<void> {
  const { database, previous, done } = placesOf(context);
  if (!(await fileExists(done))) return;
  if (await fileExists(previous)) {
    const { DatabaseSync } = await loadSqlite();
    const mode = (await fileExists(database))
      ? open(new DatabaseSync(database), (restored) => closeForOthers(restored, database))
      : undefined;
    for (const suffix of besides) {
      await rm(`${database}${suffix}`, { force: true });
      await rename(`${previous}${suffix}`, `${database}${suffix}`).catch(unlessThere);
    }
    await rename(previous, database);
    if (mode === "wal") open(new DatabaseSync(database), (old) => old.exec("PRAGMA journal_mode = WAL"));
  } else if ((context as { readonly output?: { readonly previous?: unknown } }).output?.previous === null) {
    for (const suffix of ["", ...besides]) await rm(`${database}${suffix}`, { force: true });
  } else throw new StepFailure("database", `${previous}, which was there before, is gone`, { retryable: false });
  await rm(done, { force: true });
  await syncPath(dirname(database));
}

function unlessThere(error: NodeJS.ErrnoException): void {
  if (error.code !== "ENOENT") throw error;
}
