import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "../..");
const preload = join(root, "packages/holdfast/src/adapters/system-faults/preload.ts");

/** A process that answers questions, and has agreed to faults or not. */
export interface StruckProcess {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly exited: Promise<readonly [code: number | null, signal: NodeJS.Signals | null]>;
  ask<T = unknown>(ask: string, details?: { readonly path?: string; readonly ms?: number }): Promise<T>;
  end(): Promise<void>;
}

/** Starts `struck-service.ts`. */
export async function startStruck(
  agreement: string | undefined,
  options: { readonly hasPreload?: boolean; readonly environment?: Readonly<Record<string, string>> } = {},
): Promise<StruckProcess> {
  const { HOLDFAST_FAULTS: _, ...inherited } = process.env;
  const env = {
    ...inherited,
    ...options.environment,
    ...(agreement === undefined ? {} : { HOLDFAST_FAULTS: agreement }),
  };
  const line = options.hasPreload === true ? ["--import", preload] : [];
  const service = join(import.meta.dirname, "struck-service.ts");
  const shell = `ulimit -Sn 4096; exec "$0" "$@"`;
  const command = [shell, process.execPath, "--conditions=source", ...line, service];
  const child = spawn("/bin/sh", ["-c", ...command], { env, stdio: ["ignore", "ignore", "inherit", "ipc"] });
  const exited = once(child, "exit") as Promise<[number | null, NodeJS.Signals | null]>;
  const waiting = new Map<number, (answer: unknown) => void>();
  let last = 0;
  await once(child, "message");
  child.on("message", ({ id, answer }: { id: number; answer: unknown }) => waiting.get(id)?.(answer));
  return {
    child,
    pid: child.pid!,
    exited,
    ask: <T>(ask: string, details = {}) =>
      new Promise<T>((resolve) => {
        waiting.set(++last, resolve as (answer: unknown) => void);
        child.send({ id: last, ask, ...details });
      }),
    async end() {
      if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
      await exited;
    },
  };
}

/** Running, sleeping (both `R` or `S`), stopped (`T`), or gone. */
export function stateOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return stat.slice(stat.lastIndexOf(")") + 2, stat.lastIndexOf(")") + 3);
  } catch {
    return "gone";
  }
}
