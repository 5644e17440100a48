import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { existsSync, globSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { freePortRange } from "../process/free-ports.ts";

/** A server of somebody else, started for one test file. */
export interface RealServer {
  readonly port: number;
  readonly directory: string;
  readonly process: ChildProcess;
  /** Kills it and removes its files. */
  close(): Promise<void>;
}

interface Start {
  readonly program: string;
  readonly debianPackage: string;
  /** Given a free port (the one above is free too), its directory, and another free port. */
  readonly args: (port: number, directory: string, other: number) => readonly string[];
  readonly env?: (port: number, directory: string, other: number) => NodeJS.ProcessEnv;
  /** Made ready before the start. */
  readonly prepare?: (directory: string) => Promise<void> | void;
  readonly user?: { readonly uid: number; readonly gid: number };
}

async function start({ program, debianPackage, args, env, prepare, user }: Start): Promise<RealServer> {
  const known = program.startsWith("/") ? existsSync(program) : spawnSync(program, ["--version"]).error === undefined;
  if (!known) throw new Error(`${program} is not installed (Debian: apt-get install ${debianPackage})`);
  const directory = await mkdtemp(join(tmpdir(), "holdfast-server-"));
  await chmod(directory, 0o777);
  const port = await freePortRange(3);
  const other = port + 2;
  await prepare?.(directory);
  const child = spawn(program, args(port, directory, other), {
    stdio: "ignore",
    cwd: directory,
    env: { ...process.env, ...env?.(port, directory, other) },
    ...user,
  });
  const server: RealServer = {
    port,
    directory,
    process: child,
    async close() {
      await stop(child);
      await rm(directory, { recursive: true, force: true });
    },
  };
  try {
    await untilListening(port, child, program);
  } catch (error) {
    await server.close();
    throw error;
  }
  return server;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGCONT");
  child.kill("SIGKILL");
  await ended;
}

async function untilListening(port: number, child: ChildProcess, program: string): Promise<void> {
  const giveUpAt = performance.now() + 60_000;
  while (performance.now() < giveUpAt) {
    if (child.exitCode !== null)
      throw new Error(`${program} ended with exit code ${child.exitCode} instead of starting`);
    const open = await new Promise((resolve) => {
      const socket = connect(port, "127.0.0.1", () => resolve(true)).on("error", () => resolve(false));
      socket.once("connect", () => socket.destroy());
    });
    if (open === true) return;
    await delay(30);
  }
  throw new Error(`${program} did not listen on port ${port} within 60 s`);
}

export function startRedis(...args: readonly string[]): Promise<RealServer> {
  return start({
    program: "redis-server",
    debianPackage: "redis-server",
    args: (port, directory) => ["--bind", "127.0.0.1", "--port", `${port}`, "--save", "", "--dir", directory, ...args],
  });
}

export function startNats(configuration = ""): Promise<RealServer> {
  return start({
    program: "nats-server",
    debianPackage: "nats-server",
    prepare: (directory) => writeFile(join(directory, "nats.conf"), configuration),
    args: (port, directory) => ["-a", "127.0.0.1", "-p", `${port}`, "-c", join(directory, "nats.conf")],
  });
}

/** initdb and the server refuse root, so root runs them as Debian's user `postgres`. */
export function startPostgresql(
  settings: Readonly<Record<string, string | number>> = {},
  initdb: readonly string[] = [],
): Promise<RealServer> {
  const [program = "/usr/lib/postgresql/15/bin/postgres"] = globSync("/usr/lib/postgresql/*/bin/postgres");
  const user = postgresUser();
  return start({
    program,
    debianPackage: "postgresql",
    ...(user === undefined ? {} : { user }),
    prepare(directory) {
      const made = spawnSync(
        program.replace(/postgres$/, "initdb"),
        ["-D", join(directory, "data"), "-A", "trust", "-N", ...initdb],
        {
          encoding: "utf8",
          cwd: directory,
          ...user,
        },
      );
      if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}`);
    },
    args: (port, directory) => [
      "-D",
      join(directory, "data"),
      "-p",
      `${port}`,
      "-h",
      "127.0.0.1",
      "-k",
      directory,
      ...Object.entries({ fsync: "off", ...settings }).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
    ],
  });
}

function postgresUser(): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string): number => Number(spawnSync("id", [flag, "postgres"], { encoding: "utf8" }).stdout.trim());
  return { uid: id("-u"), gid: id("-g") };
}

export async function startRabbit(): Promise<RealServer> {
  const server = await start({
    program: "/usr/lib/rabbitmq/bin/rabbitmq-server",
    debianPackage: "rabbitmq-server",
    async prepare(directory) {
      await mkdir(join(directory, "home"));
    },
    args: () => [],
    env: (port, directory, other) => ({
      RABBITMQ_NODENAME: `holdfast${port}@localhost`,
      RABBITMQ_NODE_IP_ADDRESS: "127.0.0.1",
      RABBITMQ_NODE_PORT: `${port}`,
      RABBITMQ_DIST_PORT: `${other}`,
      RABBITMQ_CONFIG_FILE: join(directory, "none.conf"),
      RABBITMQ_MNESIA_BASE: join(directory, "data"),
      RABBITMQ_LOG_BASE: join(directory, "log"),
      RABBITMQ_ENABLED_PLUGINS_FILE: join(directory, "plugins"),
      RABBITMQ_PID_FILE: join(directory, "pid"),
      ERL_EPMD_PORT: `${port + 1}`,
      ERL_EPMD_ADDRESS: "127.0.0.1",
      HOME: join(directory, "home"),
    }),
  });
  return {
    ...server,
    async close() {
      // The program is a script around the Erlang machine, which started a port mapper besides.
      await killHoldersOf(server.directory, server.port);
      await server.close();
    },
  };
}

/** Ends the processes whose environment names this server's directory. */
async function killHoldersOf(directory: string, port: number): Promise<void> {
  for (const path of globSync("/proc/[0-9]*/environ")) {
    const pid = Number(path.split("/")[2]);
    const environment = await readFile(path, "utf8").catch(() => "");
    if (pid !== process.pid && environment.includes(`${directory}/home`) && environment.includes(`${port}`)) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // It is gone already.
      }
    }
  }
}
