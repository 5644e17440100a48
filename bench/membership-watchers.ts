import { spawn, type ChildProcess } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";

interface Failure {
  readonly of: string;
  readonly atMs: number;
}

/** One member, in a process of its own, and what it has said. */
export interface Watcher {
  readonly name: string;
  readonly port: number;
  readonly child: ChildProcess;
  readonly failures: readonly Failure[];
  /** Whether it believes this member alive. */
  sees(name: string): boolean;
  stop(): Promise<void>;
}

/** A system whose members watch each other. */
export interface WatchSystem {
  readonly name: string;
  /** Starts a member that joins through these ports; resolves when it is one. */
  start(name: string, port: number, controlPort: number, joinPorts: readonly number[]): Promise<Watcher>;
}

const program = join(import.meta.dirname, "..", "test", "process", "membership-process.ts");
const running = new Set<ChildProcess>();

// However this process ends, short of SIGKILL, the members end with it.
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

export const holdfastMember: WatchSystem = {
  name: "holdfast",
  start(name, port, _controlPort, joinPorts) {
    const seeds = joinPorts.map((each) => ({ host: "127.0.0.1", port: each }));
    const plan = JSON.stringify({ name, host: "127.0.0.1", port, profile: "local", seeds });
    return watch(name, port, process.execPath, ["--conditions=source", program, plan], (line) => {
      if (line.startsWith('{"ready"')) return { type: "ready" };
      const { event, of } = JSON.parse(line) as { event?: string; of?: string };
      if (event === "failed") return { type: "failed", of: of! };
      return event === "join" || event === "return" ? { type: "alive", of: of! } : undefined;
    });
  },
};

export const serfAgent: WatchSystem = {
  name: "serf",
  start(name, port, controlPort, joinPorts) {
    const args = ["agent", "-node", name, "-bind", `127.0.0.1:${port}`, "-rpc-addr", `127.0.0.1:${controlPort}`];
    const joins = joinPorts.flatMap((each) => ["-join", `127.0.0.1:${each}`]);
    return watch(name, port, "serf", [...args, "-profile", "local", ...joins], (line) => {
      const [, event, of = ""] = /serf: EventMember(\w+): (\S+)/.exec(line) ?? [];
      if (event === "Failed") return { type: "failed", of };
      if (event === "Join") return { type: "alive", of };
      return line.includes("Serf agent running!") ? { type: "ready" } : undefined;
    });
  },
};

type Said = { readonly type: "ready" } | { readonly type: "alive" | "failed"; readonly of: string } | undefined;

function watch(
  name: string,
  port: number,
  command: string,
  args: readonly string[],
  read: (line: string) => Said,
): Promise<Watcher> {
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
  running.add(child);
  const failures: Failure[] = [];
  const seen = new Set([name]);
  const gone = new Promise<void>((resolve) => {
    child.once("exit", () => {
      running.delete(child);
      resolve();
    });
  });
  const watcher: Watcher = {
    name,
    port,
    child,
    failures,
    sees: (other) => seen.has(other),
    async stop() {
      child.kill("SIGKILL");
      await gone;
    },
  };
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    void gone.then(() => reject(new Error(`${command} ${name} ended before it was ready`)));
    createInterface({ input: child.stdout }).on("line", (line) => {
      const said = read(line);
      if (said === undefined) return;
      if (said.type === "ready") {
        resolve(watcher);
      } else if (said.type === "alive") {
        seen.add(said.of);
      } else {
        seen.delete(said.of);
        failures.push({ of: said.of, atMs: performance.now() });
      }
    });
  });
}
