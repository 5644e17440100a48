import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";

/** How a member's process ended. */
export interface MemberExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** What it said last on stderr; empty when it said nothing. */
  readonly lastWords: string;
  /** Monotonic milliseconds. */
  readonly atMs: number;
  readonly ranMs: number;
}

/** One life of one member as a process of its own. */
export interface MemberProcess {
  readonly pid: number | undefined;
  /** Resolves with true when the member says that it is ready, with false when it dies before. */
  readonly ready: Promise<boolean>;
  readonly exited: Promise<MemberExit>;
  signal(signal: NodeJS.Signals): boolean;
}

/** What a member is started with besides its line. */
export interface MemberSurroundings {
  /** Files that Node loads before the member's own. */
  readonly preloads?: readonly string[];
  /** On top of this process's. */
  readonly environment?: Readonly<Record<string, string>>;
}

const entry = fileURLToPath(new URL("../../bin/holdfast.js", import.meta.url));
const lastWordsBytes = 4096;

/**
 * Starts `holdfast node` as a child. Its stdin is a pipe that nobody writes to: should this process be killed, the pipe
 * closes and the member stops by itself (`--supervised`), so that no orphan keeps the ports. What it says on stderr is
 * passed on line by line.
 */
export function startMemberProcess(
  line: readonly string[],
  onSaid?: (line: string) => void,
  surroundings: MemberSurroundings = {},
): MemberProcess {
  const startedAtMs = performance.now();
  const child = spawnMember([entry, ...line, "--supervised", "--json"], surroundings);
  const ready = Promise.withResolvers<boolean>();
  const exited = Promise.withResolvers<MemberExit>();
  let lastWords = "";
  child.stdin.on("error", () => {});
  // Its one document, a single line: that it is ready, or why it could not start.
  createInterface({ input: child.stdout }).once("line", (line) => {
    if (saysReady(line)) ready.resolve(true);
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    lastWords = (lastWords + text).slice(-lastWordsBytes);
  });
  if (onSaid !== undefined) createInterface({ input: child.stderr }).on("line", onSaid);
  // After `exit` the pipes may still hold the last words, but a grandchild could keep them open for ever: do not wait.
  child.once("exit", (code, signal) => {
    const atMs = performance.now();
    ready.resolve(false);
    setImmediate(() => exited.resolve({ code, signal, lastWords: lastWords.trim(), atMs, ranMs: atMs - startedAtMs }));
  });
  child.once("error", (error) => {
    if (child.pid !== undefined) return;
    ready.resolve(false);
    exited.resolve({ code: null, signal: null, lastWords: error.message, atMs: performance.now(), ranMs: 0 });
  });
  return {
    pid: child.pid,
    ready: ready.promise,
    exited: exited.promise,
    signal: (signal) => send(child, signal),
  };
}

type Piped = ChildProcess & { readonly stdin: Writable; readonly stdout: Readable; readonly stderr: Readable };

function spawnMember(line: readonly string[], { preloads = [], environment = {} }: MemberSurroundings): Piped {
  const imports = preloads.map((file) => `--import=${file}`);
  return spawn(process.execPath, [...imports, ...line], {
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...process.env, ...environment },
  });
}

function saysReady(line: string): boolean {
  try {
    return (JSON.parse(line) as { readonly ready?: unknown }).ready === true;
  } catch {
    return false;
  }
}

function send(child: ChildProcess, signal: NodeJS.Signals): boolean {
  return child.exitCode === null && child.signalCode === null && child.kill(signal);
}

/** `killed by SIGKILL`, `stopped with exit code 3`, with the last words' last line. */
export function describeExit(exit: MemberExit): string {
  const how =
    exit.signal !== null
      ? `killed by ${exit.signal}`
      : exit.code === null
        ? "could not be started"
        : `stopped with exit code ${exit.code}`;
  const words = exit.lastWords.split("\n").findLast((line) => line.trim() !== "");
  return words === undefined || exit.signal !== null ? how : `${how}: ${words}`;
}
