import { access, appendFile, chown, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { StepFailure } from "../../recovery/index.ts";
import { runProgram, type ProgramUser } from "./programs.ts";
import { quoteWord, settingLines } from "./wal-archive.ts";

/** A server of its own on the files of a backup. */
export interface RecoveredServerOptions {
  readonly programs: string | undefined;
  /** Of its files. */
  readonly data: string;
  readonly as: ProgramUser | undefined;
  readonly signal: AbortSignal;
}

/** Settings that say where an earlier recovery ended, and how it fetched its log. */
const recoverySetting = /^\s*(?:recovery_target\w*|restore_command|primary_conninfo|recovery_end_command)\b/;
const stopSeconds = 60;

/** Copies a backup's files, as files of the server's user, and says how far it shall go. */
export async function prepareServer(
  { data, as, signal }: RecoveredServerOptions,
  backup: string,
  archive: string,
  settings: Readonly<Record<string, string>>,
): Promise<void> {
  await rm(data, { recursive: true, force: true });
  // The program's own: it knows how to share blocks, and whose files they are.
  await runProgram({ programs: "/bin", program: "cp", args: ["-a", join(backup, "data"), data], signal });
  for (const name of ["standby.signal", "postmaster.pid", "backup_manifest"])
    await rm(join(data, name), { force: true });
  const auto = join(data, "postgresql.auto.conf");
  const kept = (await readFile(auto, "utf8").catch(() => ""))
    .split("\n")
    .filter((line) => !recoverySetting.test(line))
    .join("\n");
  const own = {
    restore_command: `cp ${quoteWord(join(archive, "%f"))} %p`,
    recovery_target_timeline: "current",
    ...settings,
  };
  await writeFile(auto, `${kept}\n${settingLines({ ...own, recovery_target_action: "promote" })}`);
  // Debian keeps its own elsewhere.
  for (const name of ["postgresql.conf", "pg_hba.conf", "pg_ident.conf"]) await appendFile(join(data, name), "");
  await writeFile(join(data, "recovery.signal"), "");
  if (as === undefined) return;
  for (const name of ["postgresql.auto.conf", "postgresql.conf", "pg_hba.conf", "pg_ident.conf", "recovery.signal"]) {
    await chown(join(data, name), as.uid, as.gid);
  }
}

/** Starts it, as a process of its own, and waits until it answers. @throws StepFailure with the end of its log */
export async function startServer(
  options: RecoveredServerOptions,
  settings: Readonly<Record<string, string>>,
): Promise<void> {
  const { programs, data, as, signal } = options;
  const given = Object.entries(settings).map(([name, value]) => `-c ${quoteWord(`${name}=${value}`)}`);
  const log = join(data, "holdfast-recovery.log");
  const args = ["start", "--pgdata", data, "--log", log, "--wait", "--timeout=86400", "--options", given.join(" ")];
  try {
    await runProgram({ programs, program: "pg_ctl", args, signal, ...(as === undefined ? {} : { as }) });
  } catch (error) {
    signal.throwIfAborted();
    const lines = (await readFile(log, "utf8").catch(() => "")).trimEnd().split("\n");
    const told = lines.findLast((line) => /FATAL|PANIC|ERROR/.test(line)) ?? (error as Error).message;
    throw new StepFailure("database", `the recovered server did not start: ${told.slice(0, 300)}`, { cause: error });
  }
}

export async function isServerRunning({ programs, data, as, signal }: RecoveredServerOptions): Promise<boolean> {
  if (
    await access(join(data, "postmaster.pid")).then(
      () => false,
      () => true,
    )
  )
    return false;
  try {
    await runProgram({ programs, program: "pg_ctl", args: ["status", "--pgdata", data], signal, ...(as && { as }) });
    return true;
  } catch {
    signal.throwIfAborted();
    return false;
  }
}

/** Stops one, if it runs. */
export async function stopServer(options: RecoveredServerOptions): Promise<void> {
  if (!(await isServerRunning(options))) return;
  const { programs, data, as, signal } = options;
  const args = ["stop", "--pgdata", data, "--mode=fast", "--wait", `--timeout=${stopSeconds}`];
  await runProgram({ programs, program: "pg_ctl", args, signal, ...(as && { as }) });
}

/** Stops a server that `postgresqlPointInTime` has started (`directory` of its output), if it runs. */
export async function stopRecoveredServer(options: {
  readonly data: string;
  readonly programs?: string;
  readonly as?: ProgramUser;
  readonly signal?: AbortSignal;
}): Promise<void> {
  const { data, programs, as, signal = new AbortController().signal } = options;
  await stopServer({ data, programs, as, signal });
}

/** For the server's user alone; one that is there is left as it is. */
export async function makeServerDirectory(directory: string, as: ProgramUser | undefined): Promise<void> {
  const made = await mkdir(directory, { recursive: true, mode: 0o700 });
  if (made !== undefined && as !== undefined) await chown(directory, as.uid, as.gid);
}
