import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, statSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Client } from "pg";
import {
  archiveSettings,
  findPostgresqlPrograms,
  type ConnectPostgresql,
  type PostgresqlServer,
  type ProgramUser,
} from "holdfast/adapters/postgresql";
import { environmentError } from "../../cli/exit.ts";

/** A PostgreSQL server of the drill's own, which archives its log. */
export interface BankServer {
  readonly server: PostgresqlServer;
  readonly programs: string;
  readonly as: ProgramUser | undefined;
  readonly connect: (place: Parameters<ConnectPostgresql>[0]) => Promise<Client>;
  /** Of backups, archive and recovered servers. */
  readonly backups: string;
  readonly archive: string;
  readonly recovered: string;
  stop(): Promise<void>;
}

const startMs = 30_000;

/** What the drill needs of the machine. @throws ExitError (environment) saying what is missing */
export async function bankNeeds(): Promise<Pick<BankServer, "programs" | "as" | "connect">> {
  const programs = findPostgresqlPrograms();
  if (programs === undefined) {
    throw environmentError("this drill needs a PostgreSQL server's programs (Debian: apt-get install postgresql)");
  }
  const { Client: Driver } = await import("pg").catch((error: unknown) => {
    throw environmentError("this drill needs the package pg: npm install pg", error);
  });
  const connect: BankServer["connect"] = async (place) => {
    const client = new Driver({ ...place, connectionTimeoutMillis: 5_000 });
    // A connection that breaks while nobody asks: the next question tells.
    client.on("error", () => undefined);
    await client.connect();
    return client;
  };
  return { programs, as: databaseUser(), connect };
}

/** PostgreSQL refuses to be root's; Debian's user for it is the one that root has. @throws ExitError (environment) */
function databaseUser(): ProgramUser | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string): number => {
    const { status, stdout } = spawnSync("id", [flag, "postgres"], { encoding: "utf8" });
    if (status !== 0) throw environmentError("this drill runs PostgreSQL as user postgres, who is not there");
    return Number(stdout.trim());
  };
  return { uid: id("-u"), gid: id("-g") };
}

/** Starts one with files below `directory`. */
export async function startBankServer(directory: string, signal: AbortSignal): Promise<BankServer> {
  const needs = await bankNeeds();
  const { programs, as, connect } = needs;
  const places = ["archive", "backups", "recovered"].map((name) => join(directory, name));
  const [archive = "", backups = "", recovered = ""] = places;
  for (const place of [directory, ...places]) {
    mkdirSync(place, { recursive: true, mode: 0o700 });
    if (as !== undefined) chownSync(place, as.uid, as.gid);
  }
  // The drill's own directory is nobody else's; its user must come through.
  const parent = join(directory, "..");
  if (as !== undefined) chmodSync(parent, statSync(parent).mode | 0o011);
  const data = join(directory, "data");
  const args = ["-D", data, "-A", "trust", "-N", "-U", "postgres", "-E", "UTF8", "--locale=C", "--wal-segsize=1"];
  const made = spawnSync(join(programs, "initdb"), args, { encoding: "utf8", cwd: "/", ...as });
  if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}`);
  const port = await freePort();
  const settings = { ...archiveSettings(archive), unix_socket_directories: "", listen_addresses: "127.0.0.1" };
  const child = spawn(
    join(programs, "postgres"),
    [
      "-D",
      data,
      "-p",
      String(port),
      ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
    ],
    { stdio: "ignore", cwd: "/", ...as },
  );
  const server: PostgresqlServer = { host: "127.0.0.1", port, user: "postgres" };
  const bank = { ...needs, server, backups, archive, recovered, stop: () => stopChild(child) };
  try {
    await untilAnswers(child, () => connect({ ...server, database: "postgres" }), signal);
  } catch (error) {
    await bank.stop();
    throw error;
  }
  return bank;
}

async function untilAnswers(child: ChildProcess, connect: () => Promise<Client>, signal: AbortSignal): Promise<void> {
  const giveUpAt = performance.now() + startMs;
  for (;;) {
    signal.throwIfAborted();
    if (child.exitCode !== null) throw new Error(`postgres ended with exit code ${child.exitCode} instead of starting`);
    try {
      return await (await connect()).end();
    } catch (error) {
      if (performance.now() > giveUpAt) throw error;
    }
    await delay(20, undefined, { signal });
  }
}

/** Fast: it ends its sessions and leaves its files in order. */
async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGINT");
  const timer = setTimeout(() => child.kill("SIGQUIT"), 10_000);
  await ended;
  clearTimeout(timer);
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once("error", reject);
    probe.listen({ host: "127.0.0.1", port: 0 }, () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}
