import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** An orchestrator of one execution, in a process of its own: `holdfast plan run`. */
export interface OrchestratorProcess {
  readonly pid: number | undefined;
  /** Resolves when it has the execution recorded, or has found it. Rejects when it ends before. */
  readonly standsBy: Promise<void>;
  readonly exited: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  kill(): void;
}

const entry = fileURLToPath(new URL("../../../bin/holdfast.js", import.meta.url));

/** How long a dead one is waited for. */
const ttlSeconds = 2;

export function startOrchestrator(options: {
  readonly planFile: string;
  readonly execution: string;
  readonly endpoints: readonly string[];
  /** Options of client commands, by name. */
  readonly identity: Readonly<Record<string, string>>;
}): OrchestratorProcess {
  const { planFile, execution, endpoints, identity } = options;
  const named = { id: execution, "ttl-seconds": String(ttlSeconds), endpoints: endpoints.join(","), ...identity };
  const line = Object.entries(named).map(([name, value]) => `--${name}=${value}`);
  const child = spawn(process.execPath, [entry, "plan", "run", planFile, ...line, "--json"], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const standsBy = Promise.withResolvers<void>();
  const exited = Promise.withResolvers<{ code: number | null; signal: NodeJS.Signals | null }>();
  let lastWords = "";
  createInterface({ input: child.stderr }).on("line", (text) => {
    lastWords = text;
    if (text === `execution ${execution}`) standsBy.resolve();
  });
  const end = (code: number | null, signal: NodeJS.Signals | null): void => {
    standsBy.reject(new Error(`the orchestrator ended: ${signal ?? code}: ${lastWords}`));
    exited.resolve({ code, signal });
  };
  child.once("exit", end);
  child.once("error", (error) => {
    lastWords = error.message;
    if (child.pid === undefined) end(null, null);
  });
  // Whoever waits for it hears of it.
  standsBy.promise.catch(() => undefined);
  return {
    pid: child.pid,
    standsBy: standsBy.promise,
    exited: exited.promise,
    kill: () => void child.kill("SIGKILL"),
  };
}
