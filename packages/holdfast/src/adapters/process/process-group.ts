import { spawn, type ChildProcess } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { groupIsAlive } from "./group-members.ts";

export interface GroupOptions {
  readonly directory?: string | undefined;
  readonly environment: Readonly<Record<string, string>>;
  readonly input: "ignore" | "pipe";
}

/** How a program ended. */
export interface GroupExit {
  readonly exitCode: number | null;
  /** What killed it; null for one that ended by itself. */
  readonly signal: NodeJS.Signals | null;
}

/** Those that run: they must not outlive this process when it ends in order. */
const running = new Set<ProcessGroup>();
/** At first; twice as long each time, up to the second. */
const lookAfterMs: readonly [number, number] = [5, 100];
const stuckMs = 5_000;

function killAll(): void {
  for (const group of running) group.signal("SIGKILL");
}

/**
 * A program and everything that it starts: a process group of its own, so that all of it can be told to end. What leaves
 * the group by itself (`setsid`) is not found again. Killed with SIGKILL when this process ends in order.
 */
export class ProcessGroup {
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly stdin: Writable | null;
  /** Rejects when it could not be started. */
  readonly exited: Promise<GroupExit>;
  readonly #child: ChildProcess;

  constructor(line: readonly string[], { directory, environment, input }: GroupOptions) {
    const [program = "", ...given] = line;
    const child = spawn(program, given, {
      ...(directory === undefined ? {} : { cwd: directory }),
      env: environment,
      stdio: [input, "pipe", "pipe"],
      detached: true,
    });
    this.#child = child;
    this.stdout = child.stdout as Readable;
    this.stderr = child.stderr as Readable;
    this.stdin = child.stdin;
    if (running.size === 0) process.on("exit", killAll);
    running.add(this);
    const { promise, resolve, reject } = Promise.withResolvers<GroupExit>();
    this.exited = promise;
    promise.catch(() => undefined);
    child.on("error", (error) => {
      if (child.pid !== undefined) return;
      this.#forget();
      reject(error);
    });
    child.once("exit", (exitCode, signal) => resolve({ exitCode, signal }));
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Whether anything of it runs. */
  get isAlive(): boolean {
    const { pid, exitCode, signalCode } = this.#child;
    if (pid === undefined || !this.signal(0)) return false;
    return (exitCode === null && signalCode === null) || groupIsAlive(pid);
  }

  /** To all of it; false when nothing is left. */
  signal(signal: NodeJS.Signals | 0): boolean {
    // Without a number it was not started; 0 and 1 would be somebody else.
    const { pid = 0 } = this.#child;
    if (pid <= 1) return false;
    try {
      return process.kill(-pid, signal);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "EPERM") return true;
      return false;
    }
  }

  /** SIGTERM to all of it, SIGKILL to what is left after the grace; resolves when nothing is. */
  async end(graceMs: number): Promise<void> {
    this.signal("SIGTERM");
    const endMs = performance.now() + graceMs;
    let isKilled = false;
    let [waitMs] = lookAfterMs;
    while (this.isAlive) {
      const nowMs = performance.now();
      if (!isKilled && nowMs >= endMs) {
        this.signal("SIGKILL");
        isKilled = true;
      }
      // Stuck in the kernel: nothing else can be done about it.
      if (nowMs >= endMs + stuckMs) break;
      await new Promise((resolve) => setTimeout(resolve, waitMs));
      waitMs = Math.min(lookAfterMs[1], 2 * waitMs);
    }
    this.#forget();
  }

  /** What it has started and left behind may go on, also when this process ends. */
  leave(): void {
    this.#forget();
  }

  #forget(): void {
    running.delete(this);
    if (running.size === 0) process.off("exit", killAll);
  }
}
