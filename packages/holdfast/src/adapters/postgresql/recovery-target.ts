import { StepFailure, type JsonValue } from "../../recovery/index.ts";
import { listBaseBackups, type BaseBackup } from "./base-backup.ts";
import { archivedLog, readLog, readLsn, type ArchivedLog } from "./wal-archive.ts";

/** Up to where a server's past is to be gone through again. Exactly one. */
export interface RecoveryTarget {
  /** ISO 8601: with all that was committed at this time or before. */
  readonly time?: string;
  /** What `pg_create_restore_point` was told. */
  readonly name?: string;
  /** A place in the log: with the record that begins there. */
  readonly lsn?: string;
  /** What `pg_relation_filepath` told of a table: just before the commit that dropped it. */
  readonly dropOf?: string;
}

/** From which backup, and with which settings, a target is reached. */
export interface FoundTarget {
  readonly backup: BaseBackup;
  readonly settings: Readonly<Record<string, string>>;
}

const targetNames = ["time", "name", "lsn", "dropOf"] as const;

/** What is wrong with a step's parameters as a target, or undefined. */
export function checkTarget(parameters: { readonly [name: string]: JsonValue }): string | undefined {
  const given = targetNames.filter((name) => parameters[name] !== undefined);
  return given.length === 1
    ? undefined
    : `must have exactly one of ${targetNames.join(", ")} (got ${given.join(" and ") || "none"})`;
}

export function checkTime(time: JsonValue): string | undefined {
  return typeof time === "string" &&
    /^\d{4}-\d\d-\d\dT.*(?:Z|[+-]\d\d:\d\d)$/.test(time) &&
    !Number.isNaN(Date.parse(time))
    ? undefined
    : "must be a time like 2026-11-21T10:00:00Z";
}

/**
 * Looks whether archive and backups reach the target, by reading the log. Touches nothing.
 *
 * @throws StepFailure saying what is missing
 */
export async function findTarget(
  target: RecoveryTarget,
  places: { readonly backups: string; readonly archive: string; readonly programs: string | undefined },
  signal: AbortSignal,
): Promise<FoundTarget> {
  const backups = await listBaseBackups(places.backups);
  const [newest] = backups;
  if (newest === undefined) {
    throw new StepFailure("database", `there is no base backup in ${places.backups}`, { retryable: false });
  }
  let reason = "";
  // The newest one that ended before the target has the shortest way to go.
  for (const backup of backups) {
    try {
      const log = await archivedLog(places.archive, backup.timeline, readLsn(backup.startLsn));
      const found = await look(target, backup, log, { programs: places.programs, signal });
      if (typeof found !== "string") return { backup, settings: found };
      reason ||= found;
    } catch (error) {
      signal.throwIfAborted();
      // Of one that was taken just now, nothing is archived; an older one may do.
      if (backup === backups.at(-1) && reason === "") throw error;
      reason ||= (error as Error).message;
    }
  }
  throw new StepFailure("database", reason, { retryable: false });
}

type Look = Readonly<Record<string, string>> | string;

async function look(
  target: RecoveryTarget,
  backup: BaseBackup,
  log: ArchivedLog,
  run: { readonly programs: string | undefined; readonly signal: AbortSignal },
): Promise<Look> {
  const end = readLsn(backup.endLsn);
  if (target.lsn !== undefined) {
    const lsn = readLsn(target.lsn);
    if (lsn <= end) return `${target.lsn} is before every base backup`;
    if (lsn >= log.end) return `the archive does not reach ${target.lsn}: it ends with ${log.last}`;
    return { recovery_target_lsn: target.lsn };
  }
  if (target.time !== undefined) {
    const ms = Date.parse(target.time);
    if (ms < backup.endedAt) return `${target.time} is before every base backup`;
    let reached: number | undefined;
    await readLog(log, ["Transaction"], run, ({ text }) => {
      const at = commitTime(text);
      if (at !== undefined && (reached === undefined || at > reached)) reached = at;
    });
    // Only a later commit tells the server that the time has come.
    if (reached === undefined || reached <= ms) {
      const last =
        reached === undefined ? "it holds no commit" : `its last commit is of ${new Date(reached).toISOString()}`;
      return `the archive does not reach ${target.time}: ${last}`;
    }
    return { recovery_target_time: `${new Date(ms).toISOString().replace("T", " ").slice(0, -1)}+00` };
  }
  if (target.name !== undefined) {
    let found = false;
    await readLog(log, ["XLOG"], run, ({ lsn, text }) => {
      found ||= lsn > end && text.trim() === `RESTORE_POINT ${target.name}`;
    });
    return found ? { recovery_target_name: target.name } : `the archive has no restore point ${target.name}`;
  }
  let dropped: bigint | undefined;
  await readLog(log, ["Transaction"], run, ({ lsn, text }) => {
    if (lsn > end && dropsRelation(text, target.dropOf ?? "")) dropped = lsn;
  });
  if (dropped === undefined) return `the archive tells of no drop of ${target.dropOf}`;
  return { recovery_target_lsn: writeLsn(dropped), recovery_target_inclusive: "off" };
}

/** Milliseconds, rounded up: the log has microseconds. */
function commitTime(text: string): number | undefined {
  const [, day, time, micro] =
    /^(?:COMMIT|COMMIT_PREPARED)\S* .*?(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d\.\d{3})(\d{3}) UTC/.exec(text) ?? [];
  return day === undefined ? undefined : Date.parse(`${day}T${time}Z`) + (micro === "000" ? 0 : 1);
}

function dropsRelation(text: string, path: string): boolean {
  if (!text.startsWith("COMMIT")) return false;
  const [, paths = ""] = /; rels: ([^;]*)/.exec(text) ?? [];
  return paths.split(" ").includes(path);
}

function writeLsn(lsn: bigint): string {
  return `${(lsn >> 32n).toString(16)}/${(lsn & 0xffff_ffffn).toString(16)}`.toUpperCase();
}
