import { setTimeout as delay } from "node:timers/promises";
import { StepFailure } from "../../recovery/index.ts";
import { KeptOutput } from "./kept-output.ts";
import { ProcessGroup, type GroupExit } from "./process-group.ts";

export interface RunOptions {
  readonly directory?: string | undefined;
  /** All of it: nothing of this process's own is passed on. */
  readonly environment: Readonly<Record<string, string>>;
  /** What it reads; default nothing. */
  readonly input?: string | undefined;
  /** Kept of each of its outputs, from the end. */
  readonly maxOutputBytes: number;
  /** Between SIGTERM and SIGKILL, when the signal has fired. */
  readonly graceMs: number;
  readonly signal: AbortSignal;
}

export interface RunResult extends GroupExit {
  readonly stdout: string;
  readonly stderr: string;
  /** Bytes that were not kept. */
  readonly droppedBytes: number;
  /** The last line on stderr that is not empty. */
  readonly lastWords: string;
}

/** What a program left behind may hold its pipes open for ever; what it said itself is there at once. */
const pipesMs = 200;

/**
 * Runs a program to its end, without a shell.
 *
 * @throws StepFailure (configuration) when it cannot be run; the signal's reason, once nothing of it runs any more
 */
export async function runCommand(line: readonly string[], options: RunOptions): Promise<RunResult> {
  const { directory, environment, input, maxOutputBytes, graceMs, signal } = options;
  signal.throwIfAborted();
  const start = { directory, environment, input: input === undefined ? "ignore" : "pipe" } as const;
  const group = startGroup(line, start);
  const stdout = new KeptOutput(maxOutputBytes, group.stdout);
  const stderr = new KeptOutput(maxOutputBytes, group.stderr);
  const closed = Promise.all([ended(group.stdout), ended(group.stderr)]);
  // It may end before it has read everything.
  group.stdin?.on("error", () => undefined);
  group.stdin?.end(input);
  let ending: Promise<void> | undefined;
  const onAbort = (): void => void (ending ??= group.end(graceMs));
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    const exit = await group.exited.catch((cause: unknown) => {
      throw notRun(line, cause);
    });
    await Promise.race([closed, delay(pipesMs, undefined, { ref: false }), ending ?? new Promise(() => undefined)]);
    const { text } = stderr;
    const droppedBytes = stdout.droppedBytes + stderr.droppedBytes;
    const result = { ...exit, stdout: stdout.text, stderr: text, droppedBytes, lastWords: stderr.lastLine };
    await ending;
    signal.throwIfAborted();
    return result;
  } finally {
    signal.removeEventListener("abort", onAbort);
    await ending;
    group.leave();
    group.stdout.destroy();
    group.stderr.destroy();
  }
}

/** Some mistakes are told at once, others later. */
function startGroup(line: readonly string[], options: ConstructorParameters<typeof ProcessGroup>[1]): ProcessGroup {
  try {
    return new ProcessGroup(line, options);
  } catch (cause) {
    throw notRun(line, cause);
  }
}

function notRun([program = ""]: readonly string[], cause: unknown): StepFailure {
  const { code, message } = cause as NodeJS.ErrnoException;
  // Too many processes or files now may be fewer soon.
  const retryable = code === "EAGAIN" || code === "EMFILE" || code === "ENFILE" || code === "ENOMEM";
  return new StepFailure("configuration", `${program} cannot be run: ${message}`, { retryable, cause });
}

function ended(stream: NodeJS.ReadableStream): Promise<void> {
  return new Promise((resolve) => stream.once("close", () => resolve()));
}
