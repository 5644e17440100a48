import { existsSync } from "node:fs";
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

/**
 * Runs a program to its end, without a shell. When the signal fires, it is told to end with all that it has started, and
 * still tells how it has ended: it may have done its work.
 *
 * @throws StepFailure (configuration) when it cannot be run; the signal's reason when that has fired before
 */
export async function runCommand(line: readonly string[], options: RunOptions): Promise<RunResult> {
  const { directory, environment, input, maxOutputBytes, graceMs, signal } = options;
  signal.throwIfAborted();
  const start = { directory, environment, input: input === undefined ? "ignore" : "pipe" } as const;
  const group = startGroup(line, start);
  const stdout = new KeptOutput(maxOutputBytes, group.stdout);
  const stderr = new KeptOutput(maxOutputBytes, group.stderr);
  // It may end before it has read everything.
  group.stdin?.on("error", () => undefined);
  group.stdin?.end(input);
  let ending: Promise<void> | undefined;
  const onAbort = (): void => void (ending ??= group.end(graceMs));
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    const exit = await group.exited.catch((cause: unknown) => {
      throw notRun(line, directory, cause);
    });
    await ending;
    await Promise.all([stdout.ended(), stderr.ended()]);
    const droppedBytes = stdout.droppedBytes + stderr.droppedBytes;
    return { ...exit, stdout: stdout.text, stderr: stderr.text, droppedBytes, lastWords: stderr.lastLine };
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
    throw notRun(line, options.directory, cause);
  }
}

function notRun([program = ""]: readonly string[], directory: string | undefined, cause: unknown): StepFailure {
  const { code, message } = cause as NodeJS.ErrnoException;
  // The system says ENOENT of both.
  if (directory !== undefined && !existsSync(directory)) {
    return new StepFailure("configuration", `there is no directory ${directory}`, { cause });
  }
  // Too many processes or files now may be fewer soon.
  const retryable = code === "EAGAIN" || code === "EMFILE" || code === "ENFILE" || code === "ENOMEM";
  return new StepFailure("configuration", `${program} cannot be run: ${message}`, { retryable, cause });
}
