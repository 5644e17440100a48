import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { once } from "node:events";

/** A server of one of the systems measured; what it says goes to a file. */
export interface ServerProcess {
  readonly pid: number;
  /** Throws with the end of its log when it has ended by itself. */
  check(): void;
  /** SIGTERM, and SIGKILL after 5 s; resolves when it is gone. */
  stop(): Promise<void>;
}

const running = new Set<ChildProcess>();

// However this process ends, short of SIGKILL, the servers end with it.
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

export function startServer(command: string, args: readonly string[], logFile: string): ServerProcess {
  const log = openSync(logFile, "a");
  const child = spawn(command, args, { stdio: ["ignore", log, log] });
  closeSync(log);
  running.add(child);
  const exited = new Promise<void>((resolve) => {
    const finish = (): void => {
      running.delete(child);
      resolve();
    };
    child.once("exit", finish);
    child.once("error", finish);
  });
  return {
    pid: child.pid ?? 0,
    check() {
      if (running.has(child)) return;
      throw new Error(`${command} ${args.slice(0, 4).join(" ")} … ended by itself:\n${tail(logFile)}`);
    },
    async stop() {
      if (!running.has(child)) return;
      child.kill("SIGTERM");
      const kill = setTimeout(() => child.kill("SIGKILL"), 5000);
      await exited;
      clearTimeout(kill);
    },
  };
}

/** Ports that were free a moment ago, all different. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => once(server, "listening")));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => once(server.close(), "close")));
  return ports;
}

function tail(file: string): string {
  return readFileSync(file, "utf8").trim().split("\n").slice(-12).join("\n");
}
