import { chown, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { randomUUID } from "node:crypto";
import { StepFailure } from "../../recovery/index.ts";
import { firstRow, inDatabase, type PostgresqlAccess } from "./postgresql-server.ts";
import { runProgram, type ProgramUser } from "./programs.ts";
import { readLsn } from "./wal-archive.ts";

/** A copy of a server's files, from which its log leads on. */
export interface BaseBackup {
  /** Of the backup; the files are in its `data`. */
  readonly directory: string;
  readonly timeline: number;
  /** Where in the log it begins, and where the files are consistent for the first time. */
  readonly startLsn: string;
  readonly endLsn: string;
  /** When it was whole, by the server's clock: milliseconds since 1970. */
  readonly endedAt: number;
}

export interface BaseBackupOptions extends Pick<PostgresqlAccess, "server" | "connect" | "programs"> {
  /** Which holds all of them. */
  readonly directory: string;
  /** Names it; one that is there is left as it is. */
  readonly name: string;
  /** Whose the files are: the user of the server that will run on them. */
  readonly as?: ProgramUser;
  readonly maintenanceDatabase?: string;
  /** False leaves the files to the operating system, which may lose them with the power. Default true. */
  readonly sync?: boolean;
  readonly signal: AbortSignal;
}

const draftSuffix = ".part";

/** Copies a server's files while it works, and checks the copy against its manifest. @throws StepFailure */
export async function takeBaseBackup(options: BaseBackupOptions): Promise<BaseBackup> {
  const { server, programs, directory, name, as, signal } = options;
  const known = (await listBaseBackups(directory)).find((backup) => backup.directory === join(directory, name));
  if (known !== undefined) return known;
  // Of one whose process died: its program may still write to it.
  for (const left of await readdir(directory).catch(() => [])) {
    if (left.startsWith(`${name}.`) && left.endsWith(draftSuffix)) {
      await rm(join(directory, left), { recursive: true, force: true });
    }
  }
  const draft = join(directory, `${name}.${randomUUID()}${draftSuffix}`);
  await mkdir(draft, { recursive: true });
  try {
    // For root alone, who is the one that has another user's server.
    if (as !== undefined) await chown(draft, as.uid, as.gid);
    const data = join(draft, "data");
    const shared = { programs, signal, ...(as === undefined ? {} : { as }) };
    const args = ["--pgdata", data, "--wal-method=stream", "--checkpoint=fast", "--no-password"];
    if (options.sync === false) args.push("--no-sync");
    await runProgram({ ...shared, program: "pg_basebackup", args, server });
    if ((await readdir(join(data, "pg_tblspc"))).length > 0) {
      throw new StepFailure("configuration", "servers with tablespaces of their own cannot be backed up so");
    }
    await runProgram({ ...shared, program: "pg_verifybackup", args: ["--quiet", data] });
    const ended = await inDatabase(options, options.maintenanceDatabase ?? "postgres", signal, (session) =>
      firstRow(session, "select extract(epoch from clock_timestamp()) * 1000 as ms"),
    );
    const manifest = await readFile(join(data, "backup_manifest"), "utf8");
    const [, timeline, startLsn, endLsn] =
      /"Timeline": (\d+), "Start-LSN": "([^"]+)", "End-LSN": "([^"]+)" \}\s*\]/.exec(manifest) ?? [];
    if (timeline === undefined || startLsn === undefined || endLsn === undefined) {
      throw new StepFailure("database", "the backup has no manifest that can be read");
    }
    const info = { timeline: Number(timeline), startLsn, endLsn, endedAt: Math.ceil(Number(ended?.["ms"])) };
    await writeFile(join(draft, "backup.json"), JSON.stringify(info));
    await rename(draft, join(directory, name));
    return { directory: join(directory, name), ...info };
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    throw error;
  }
}

/** Those that are whole, the newest first. */
export async function listBaseBackups(directory: string): Promise<readonly BaseBackup[]> {
  const names = await readdir(directory).catch(() => [] as string[]);
  const backups: BaseBackup[] = [];
  for (const name of names) {
    if (name.endsWith(draftSuffix)) continue;
    const text = await readFile(join(directory, name, "backup.json"), "utf8").catch(() => undefined);
    if (text === undefined) continue;
    backups.push({ ...(JSON.parse(text) as Omit<BaseBackup, "directory">), directory: join(directory, name) });
  }
  return backups.sort((left, right) => (readLsn(left.endLsn) < readLsn(right.endLsn) ? 1 : -1));
}
