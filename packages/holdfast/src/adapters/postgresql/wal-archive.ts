import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { StepFailure } from "../../recovery/index.ts";
import { firstRow, quoteText, type PostgresqlSession } from "./postgresql-server.ts";
import { runProgram } from "./programs.ts";

const segmentPattern = /^[0-9A-F]{24}$/;
const pauseMs = 20;

/**
 * Settings with which a server keeps every segment of its log in a directory of this machine, whole and durable, and
 * never replaces one. `archiveTimeoutSeconds` bounds what is lost with the server's disk.
 */
export function archiveSettings(
  directory: string,
  { archiveTimeoutSeconds = 60 }: { readonly archiveTimeoutSeconds?: number } = {},
): Readonly<Record<string, string>> {
  // Of a shell that the server starts, which puts %p and %f in.
  const [target, draft] = ["%f", ".%f.part"].map((name) => quoteWord(join(directory, name)));
  const keep = `cp %p ${draft} && sync ${draft} && mv ${draft} ${target}`;
  return {
    wal_level: "replica",
    archive_mode: "on",
    archive_command: `test -f ${target} && cmp -s %p ${target} || { test ! -f ${target} && ${keep}; }`,
    archive_timeout: String(archiveTimeoutSeconds),
  };
}

/** Where in the log: `0/3013960` as a number. */
export function readLsn(text: string): bigint {
  const [, high = "", low = ""] = /^([0-9A-Fa-f]{1,8})\/([0-9A-Fa-f]{1,8})$/.exec(text) ?? [];
  if (high === "")
    throw new StepFailure("configuration", `${JSON.stringify(text)} is no place in the log like 0/3013960`);
  return (BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`);
}

/** Of one server's history: from its timeline's segments, those without a gap from a place on. */
export interface ArchivedLog {
  readonly directory: string;
  readonly first: string;
  readonly last: string;
  /** Where it ends. */
  readonly end: bigint;
}

/** What is archived from `start` on. @throws StepFailure when nothing is, or the archive cannot be read */
export async function archivedLog(directory: string, timeline: number, start: bigint): Promise<ArchivedLog> {
  const prefix = hex(BigInt(timeline));
  const names = (
    await readdir(directory).catch((cause: unknown) => {
      throw new StepFailure("database", `the archive ${directory} cannot be read: ${(cause as Error).message}`, {
        cause,
      });
    })
  ).filter((name) => segmentPattern.test(name) && name.startsWith(prefix));
  const [any] = names;
  if (any === undefined) {
    throw new StepFailure("database", `the archive ${directory} has nothing of timeline ${timeline}`, {
      retryable: false,
    });
  }
  const { size } = await stat(join(directory, any));
  const bytes = BigInt(size);
  const there = new Set(names);
  const first = segmentName(prefix, start / bytes, bytes);
  let at = start / bytes;
  while (there.has(segmentName(prefix, at, bytes))) at++;
  if (at === start / bytes) {
    throw new StepFailure("database", `the archive ${directory} lacks ${first}, with which the backup begins`, {
      retryable: false,
    });
  }
  return { directory, first, last: segmentName(prefix, at - 1n, bytes), end: at * bytes };
}

function segmentName(prefix: string, number: bigint, bytes: bigint): string {
  const each = 0x1_0000_0000n / bytes;
  return `${prefix}${hex(number / each)}${hex(number % each)}`;
}

const hex = (value: bigint): string => value.toString(16).toUpperCase().padStart(8, "0");

/** What a record of the log says of a target. */
export interface LogRecord {
  readonly lsn: bigint;
  readonly text: string;
}

/** Reads the records of some kinds, in order. */
export async function readLog(
  log: ArchivedLog,
  kinds: readonly string[],
  { programs, signal }: { readonly programs: string | undefined; readonly signal: AbortSignal },
  onRecord: (record: LogRecord) => void,
): Promise<void> {
  let records = 0;
  const onLine = (line: string): void => {
    const [, lsn, text] = / lsn: ([0-9A-F]+\/[0-9A-F]+), prev \S+, desc: (.*)$/.exec(line) ?? [];
    if (lsn === undefined || text === undefined) return;
    records++;
    onRecord({ lsn: readLsn(lsn), text });
  };
  const rmgrs = kinds.map((kind) => `--rmgr=${kind}`);
  const args = [...rmgrs, "--path", log.directory, log.first, log.last];
  // It complains where the log ends in the middle of a segment.
  await runProgram({ programs, program: "pg_waldump", args, signal, onLine, mayFail: true });
  if (records === 0) throw new StepFailure("database", `${log.directory} cannot be read from ${log.first} on`);
}

/** Ends the segment that is written to, and waits until it is archived. */
export async function flushArchive(session: PostgresqlSession, signal: AbortSignal): Promise<string> {
  // Without a record in it, a segment is not ended: what came before would be, and the target may be just after that.
  await session.query("select pg_create_restore_point('holdfast')");
  const row = await firstRow(session, "select pg_walfile_name(pg_switch_wal()) as name");
  const name = String(row?.["name"]);
  for (;;) {
    signal.throwIfAborted();
    const state = await firstRow(
      session,
      `select last_archived_wal as archived, failed_count::int as failed, current_setting('archive_mode') as mode,
              last_failed_time > coalesce(last_archived_time, '-infinity') as failing from pg_stat_archiver`,
    );
    if (state?.["mode"] === "off") throw new StepFailure("configuration", "the server does not archive its log");
    if (state?.["failing"] === true) throw new StepFailure("database", "the server cannot archive its log");
    const archived = state?.["archived"];
    if (typeof archived === "string" && archived.slice(0, 24) >= name) return name;
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}

/** A word of a shell's, whatever is in it: of those that PostgreSQL starts by itself. */
export function quoteWord(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** As lines of a configuration file. */
export function settingLines(settings: Readonly<Record<string, string>>): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name} = ${quoteText(value)}\n`)
    .join("");
}
