import { randomUUID } from "node:crypto";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { InvalidArgumentError } from "../../errors/base.ts";
import type { JsonValue, StepContext, StepExecutor } from "../../recovery/index.ts";
import { publish, stepMark } from "./kept-state.ts";
import { checkAccess, checkTexts, firstRow, inDatabase, type PostgresqlAccess } from "./postgresql-server.ts";
import type { ProgramUser } from "./programs.ts";
import {
  isServerRunning,
  makeServerDirectory,
  prepareServer,
  startServer,
  stopServer,
  type RecoveredServerOptions,
} from "./recovered-server.ts";
import { checkTarget, checkTime, findTarget } from "./recovery-target.ts";
import { flushArchive, readLsn } from "./wal-archive.ts";

export interface PostgresqlPointInTimeOptions extends PostgresqlAccess {
  /** Where `takeBaseBackup` puts them. */
  readonly backups: string;
  /** Where the server archives its log (`archiveSettings`). */
  readonly archive: string;
  /** Where recovered servers have their files, each in a directory of its own. */
  readonly directory: string;
  /** Settings of the recovered server, such as `listen_addresses`, `hba_file`, `shared_buffers`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Who runs it; needed where this process is root's, which PostgreSQL refuses to be. */
  readonly as?: ProgramUser;
  /** To speak to servers from. Default `postgres`. */
  readonly maintenanceDatabase?: string;
}

const pauseMs = 20;
const mine = "recovered.json";
const tryPrefix = "data-";

/**
 * Steps of the type `point-in-time-restore`: the whole server as it was at a `time`, at a restore point (`name`), at a place
 * in its log (`lsn`), or just before a table was dropped (`dropOf`), on a `port` of its own. Whether backups and archive
 * reach that is looked at before anything is done; the server that is there is not touched, and stays for the rollback,
 * which stops and removes the recovered one. `source: true` (the default) has the server archive the rest of its log
 * first; say false where it is gone.
 */
export function postgresqlPointInTime(options: PostgresqlPointInTimeOptions): StepExecutor {
  const name = "postgresqlPointInTime";
  checkAccess(name, options, ["backups", "archive", "directory", "settings", "as", "maintenanceDatabase"]);
  const { backups, archive, directory, type = "point-in-time-restore" } = options;
  checkTexts(name, { backups, archive, directory });
  if (options.as === undefined && process.getuid?.() === 0) {
    throw new InvalidArgumentError(`${name}.as`, "must name another user, as PostgreSQL refuses to be root", undefined);
  }
  return {
    type,
    parameters: {
      time: { type: "text", check: checkTime },
      name: { type: "text" },
      lsn: { type: "text" },
      dropOf: { type: "text" },
      port: { type: "number", required: true },
      source: { type: "flag" },
    },
    check: checkTarget,
    outputs: ["host", "port", "address", "directory", "lsn", "time"],
    errorKind: "database",
    run: (context) => recover(options, context),
    rollback: (context) => removeTries(options, rootOf(options, context), context.signal),
  };
}

function rootOf({ directory }: PostgresqlPointInTimeOptions, context: StepContext): string {
  return join(directory, stepMark(context));
}

function serverOf(
  { programs, as }: PostgresqlPointInTimeOptions,
  data: string,
  signal: AbortSignal,
): RecoveredServerOptions {
  return { programs, as, data, signal };
}

/** Somebody may still write to it, until what he writes to is gone. */
const patiently = { recursive: true, force: true, maxRetries: 20, retryDelay: 20 } as const;

/** Of this step, with their servers. Programs of one whose process died may still be at work in its directory. */
async function removeTries(options: PostgresqlPointInTimeOptions, root: string, signal: AbortSignal): Promise<void> {
  for (const name of await readdir(root).catch(() => [])) {
    if (!name.startsWith(tryPrefix)) continue;
    await stopServer(serverOf(options, join(root, name), signal));
    await rm(join(root, name), patiently);
  }
  await rm(root, patiently);
}

async function recover(options: PostgresqlPointInTimeOptions, context: StepContext): Promise<JsonValue> {
  const { signal, parameters } = context;
  const root = rootOf(options, context);
  const port = parameters["port"] as number;
  const settings = { ...options.settings, port: String(port) };
  const known = await readFile(join(root, mine), "utf8").catch(() => undefined);
  if (known !== undefined) {
    const output = JSON.parse(known) as { readonly directory: string };
    const recovered = serverOf(options, output.directory, signal);
    // It went well the first time; all it may lack is a start after the machine's.
    if (!(await isServerRunning(recovered))) await startServer(recovered, settings);
    return { ...output };
  }
  if (parameters["source"] !== false) {
    await inDatabase(options, options.maintenanceDatabase ?? "postgres", signal, (session) =>
      flushArchive(session, signal),
    );
  }
  const { backups, archive, programs, as } = options;
  const found = await findTarget(parameters, { backups, archive, programs }, signal);

  await removeTries(options, root, signal);
  await makeServerDirectory(options.directory, as);
  await makeServerDirectory(root, as);
  const server = serverOf(options, join(root, `${tryPrefix}${randomUUID()}`), signal);
  try {
    await prepareServer(server, found.backup.directory, archive, found.settings);
    await startServer(server, settings);
    const reached = await untilRecovered(options, port, signal);
    const { host } = options.server;
    const output = { host, port, address: `${host}:${port}`, directory: server.data, ...reached };
    const draft = join(root, `${mine}.part`);
    await writeFile(draft, JSON.stringify(output));
    await publish(draft, join(root, mine));
    return output;
  } catch (error) {
    // Also when the try was told to end; what fails here is what the next try begins with.
    await removeTries(options, root, new AbortController().signal).catch(() => undefined);
    throw error;
  }
}

/** It answers while it is still going through its log. */
async function untilRecovered(
  options: PostgresqlPointInTimeOptions,
  port: number,
  signal: AbortSignal,
): Promise<{ readonly lsn: string; readonly time: string | null }> {
  const place = { ...options, server: { ...options.server, port } };
  for (;;) {
    const row = await inDatabase(place, options.maintenanceDatabase ?? "postgres", signal, (session) =>
      firstRow(
        session,
        `select pg_is_in_recovery() as recovering, pg_last_wal_replay_lsn()::text as lsn,
                to_char(pg_last_xact_replay_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as time`,
      ),
    );
    if (row?.["recovering"] === false) {
      const lsn = String(row["lsn"]);
      readLsn(lsn);
      return { lsn, time: (row["time"] as string | null) ?? null };
    }
    await delay(pauseMs, undefined, { signal });
  }
}
