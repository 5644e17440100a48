import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { InvalidArgumentError } from "../../errors/base.ts";
import type { JsonValue, StepContext, StepExecutor } from "../../recovery/index.ts";
import { stepMark } from "./kept-state.ts";
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
    rollback: async (context) => {
      const server = serverOf(options, context);
      await stopServer(server);
      await rm(rootOf(options, context), { recursive: true, force: true });
    },
  };
}

function rootOf({ directory }: PostgresqlPointInTimeOptions, context: StepContext): string {
  return join(directory, stepMark(context));
}

function serverOf(options: PostgresqlPointInTimeOptions, context: StepContext): RecoveredServerOptions {
  const { programs, as } = options;
  return { programs, as, data: join(rootOf(options, context), "data"), signal: context.signal };
}

async function recover(options: PostgresqlPointInTimeOptions, context: StepContext): Promise<JsonValue> {
  const { signal, parameters } = context;
  const root = rootOf(options, context);
  const server = serverOf(options, context);
  const port = parameters["port"] as number;
  const settings = { ...options.settings, port: String(port) };
  const known = await readFile(join(root, mine), "utf8").catch(() => undefined);
  if (known !== undefined) {
    // It went well the first time; all it may lack is a start after the machine's.
    if (!(await isServerRunning(server))) await startServer(server, settings);
    return JSON.parse(known) as JsonValue;
  }
  if (parameters["source"] !== false) {
    await inDatabase(options, options.maintenanceDatabase ?? "postgres", signal, (session) =>
      flushArchive(session, signal),
    );
  }
  const { backups, archive, programs, as } = options;
  const found = await findTarget(parameters, { backups, archive, programs }, signal);

  await stopServer(server);
  await makeServerDirectory(options.directory, as);
  await makeServerDirectory(root, as);
  try {
    await prepareServer(server, found.backup.directory, archive, found.settings);
    await startServer(server, settings);
    const reached = await untilRecovered(options, port, signal);
    const { host } = options.server;
    const output = { host, port, address: `${host}:${port}`, directory: server.data, ...reached };
    await writeFile(join(root, mine), JSON.stringify(output));
    return output;
  } catch (error) {
    await discard(server, root);
    throw error;
  }
}

/** Also when the try was told to end. */
async function discard(server: RecoveredServerOptions, root: string): Promise<void> {
  try {
    await stopServer({ ...server, signal: new AbortController().signal });
    await rm(root, { recursive: true, force: true });
  } catch {
    // The next try begins with the same.
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
