import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const bin = fileURLToPath(new URL("../../packages/server/bin/holdfast.js", import.meta.url));

export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A `holdfast` command under way. */
export interface RunningCommand {
  readonly child: ChildProcess;
  readonly done: Promise<CommandResult>;
  /** Resolves with the first line of stdout that has come whole. @throws when the command ends before */
  firstLine(): Promise<string>;
  /** All that stderr has said so far. */
  stderr(): string;
}

/** Starts the command as a user would, in a directory of its own, off a terminal. */
export function start(line: readonly string[], environment: Readonly<Record<string, string>> = {}): RunningCommand {
  const { HOLDFAST_ENDPOINTS: _, ...inherited } = process.env;
  const child = spawn(process.execPath, [bin, ...line], {
    env: { ...inherited, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output = { stdout: "", stderr: "" };
  const line1 = Promise.withResolvers<string>();
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    output.stdout += text;
    const [first, ...rest] = output.stdout.split("\n");
    if (rest.length > 0) line1.resolve(first ?? "");
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (output.stderr += text));
  const done = new Promise<CommandResult>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => {
      line1.reject(new Error(`ended with code ${code} before it said anything: ${output.stderr}`));
      resolve({ code, ...output });
    });
  });
  line1.promise.catch(() => {});
  return { child, done, firstLine: () => line1.promise, stderr: () => output.stderr };
}

/** Runs the command to its end. */
export function run(
  line: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<CommandResult> {
  return start(line, environment).done;
}

/** A new empty directory, and what removes it. */
export function temporaryDirectory(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), "holdfast-test-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Whether a process is there (a zombie is not). */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** How much longer things may take on a machine that is busy with other work too. */
const patience = 3;

/** Waits until the condition holds. @throws when it does not within the patience for `timeoutMs` */
export async function until(
  what: string,
  timeoutMs: number,
  condition: () => boolean | Promise<boolean>,
): Promise<number> {
  const startedAtMs = performance.now();
  while (!(await condition())) {
    const waitedMs = performance.now() - startedAtMs;
    if (waitedMs > patience * timeoutMs) throw new Error(`${what}: not within ${Math.round(waitedMs)} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return performance.now() - startedAtMs;
}
