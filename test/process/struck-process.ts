import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { FaultParameters, FaultRegistry } from "holdfast/proof";
import { until } from "./holdfast-command.ts";

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

/** Begins a fault that lasts until it is taken back, which tells how often it had an effect. */
export async function strike(
  faults: FaultRegistry,
  target: string,
  kind: string,
  parameters: FaultParameters = {},
): Promise<() => Promise<number>> {
  const { id } = await faults.inject({ target, kind, parameters, durationMs: 60_000 });
  return async () => (await faults.remove(id)).struck ?? 0;
}

/** Asks until so many answers have taken so long. */
export async function waitsOf(target: StruckProcess, count: number, leastMs: number): Promise<void> {
  let late = 0;
  await until(`${count} late answers`, 5_000, async () => {
    const askedAt = performance.now();
    await target.ask("ticks");
    if (performance.now() - askedAt >= leastMs) late++;
    return late >= count;
  });
}

export interface Clocks {
  readonly wall: number;
  readonly made: number;
  readonly text: number;
  readonly mono: number;
  readonly hr: number;
  readonly old: number;
  readonly isDate: boolean;
}

/** How far the clocks of a service are from this process's. */
export async function clocksOf(target: StruckProcess): Promise<Clocks & { readonly offMs: number }> {
  const before = Date.now();
  const clocks = await target.ask<Clocks>("clocks");
  const after = Date.now();
  // Within the time of the question nobody knows better.
  const offMs = clocks.wall < before ? clocks.wall - before : Math.max(0, clocks.wall - after);
  return { ...clocks, offMs };
}
