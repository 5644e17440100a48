import { spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { StepFailure } from "../../recovery/index.ts";
import type { PostgresqlServer } from "./postgresql-server.ts";

export interface ProgramRun {
  /** Its directory; none: what the path finds. */
  readonly programs: string | undefined;
  readonly program: string;
  readonly args: readonly string[];
  /** Whose host, port, user and password stand in the environment. */
  readonly server?: PostgresqlServer;
  readonly environment?: Readonly<Record<string, string>>;
  /** Who runs it: servers refuse to be root's. */
  readonly as?: ProgramUser;
  readonly signal: AbortSignal;
  /** Gets each line of its output, which is then not kept. */
  readonly onLine?: (line: string) => void;
  /** Whether other exit codes than 0 are no failure. */
  readonly mayFail?: boolean;
}

export interface ProgramUser {
  readonly uid: number;
  readonly gid: number;
}

const maxKept = 64 * 1024 * 1024;
const killAfterMs = 5_000;

/**
 * The directory of the newest server's programs where Debian, Fedora and their kin put them; undefined where there are
 * none.
 */
export function findPostgresqlPrograms(): string | undefined {
  const found: { readonly version: number; readonly directory: string }[] = [];
  for (const [parent, pattern] of [
    ["/usr/lib/postgresql", /^(\d+)$/],
    ["/usr", /^pgsql-(\d+)$/],
  ] as const) {
    if (!existsSync(parent)) continue;
    for (const name of readdirSync(parent)) {
      const version = Number(pattern.exec(name)?.[1]);
      const directory = join(parent, name, "bin");
      if (version > 0 && existsSync(join(directory, "pg_ctl"))) found.push({ version, directory });
    }
  }
  return found.sort((left, right) => right.version - left.version)[0]?.directory;
}

/** Runs one to its end, without a shell; passwords go by its environment. @throws StepFailure */
export function runProgram(run: ProgramRun): Promise<{ readonly stdout: string }> {
  const { program, args, server, as, signal, onLine } = run;
  const programs = run.programs ?? findPostgresqlPrograms();
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const child = spawn(programs === undefined ? program : join(programs, program), args, {
      cwd: "/",
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, LC_ALL: "C", TZ: "UTC", ...environmentOf(server), ...run.environment },
      ...(as === undefined ? {} : { uid: as.uid, gid: as.gid }),
    });
    let stdout = "";
    let stderr = "";
    let killTimer: NodeJS.Timeout | undefined;
    child.stdout.setEncoding("utf8");
    if (onLine !== undefined) createInterface(child.stdout).on("line", onLine);
    else child.stdout.on("data", (chunk: string) => (stdout = (stdout + chunk).slice(-maxKept)));
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => (stderr = (stderr + chunk).slice(-4_096)));
    const stop = (): void => {
      child.kill("SIGTERM");
      killTimer = setTimeout(() => child.kill("SIGKILL"), killAfterMs);
    };
    signal.addEventListener("abort", stop, { once: true });
    const over = (): void => {
      signal.removeEventListener("abort", stop);
      clearTimeout(killTimer);
    };
    child.on("error", (cause) => {
      over();
      const retryable = (cause as NodeJS.ErrnoException).code !== "ENOENT";
      reject(new StepFailure("configuration", `${program} cannot be run: ${cause.message}`, { retryable, cause }));
    });
    child.on("close", (exitCode, killedBy) => {
      over();
      if (exitCode === 0 || (run.mayFail === true && exitCode !== null && !signal.aborted)) return resolve({ stdout });
      const how = exitCode === null ? String(killedBy) : `exit code ${exitCode}`;
      reject(new StepFailure("database", `${program} ended with ${how}${lastOf(stderr)}`));
    });
  });
}

function environmentOf(server: PostgresqlServer | undefined): Record<string, string> {
  if (server === undefined) return {};
  const { host, port, user, password, passwordFile } = server;
  return {
    PGHOST: host,
    PGPORT: String(port),
    PGUSER: user,
    ...(password === undefined ? {} : { PGPASSWORD: password }),
    ...(passwordFile === undefined ? {} : { PGPASSFILE: passwordFile }),
  };
}

/** Where errors are told, else the last line. */
function lastOf(stderr: string): string {
  const lines = stderr.trimEnd().split("\n");
  const told = lines.findLast((line) => /(?:error|fatal|panic):/i.test(line)) ?? lines.at(-1) ?? "";
  return told === "" ? "" : `: ${told.trim().slice(0, 300)}`;
}
