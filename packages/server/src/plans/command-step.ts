import { spawn } from "node:child_process";
import { StepFailure, type StepExecutor } from "holdfast/recovery";

/** As much of what a command writes is kept, from its end. */
const keptBytes = 4_096;

/**
 * Steps of the type `command`: run a program with its arguments, without a shell, and fail unless it ends with 0. The
 * environment has `HOLDFAST_IDEMPOTENCY_KEY` and `HOLDFAST_FENCING_TOKEN`. Output: `exitCode`, and the ends of `stdout` and
 * `stderr`. A program that is told to end gets SIGTERM, and SIGKILL when it has
 * not ended `killAfterMs` later.
 */
export function commandStep({ killAfterMs = 2_000 }: { readonly killAfterMs?: number } = {}): StepExecutor {
  return {
    type: "command",
    parameters: {
      command: {
        type: "list",
        required: true,
        check: (value) =>
          isTexts(value) && value.length > 0 && value[0] !== ""
            ? undefined
            : "must be a list of texts, the program first",
      },
      directory: { type: "text" },
      environment: {
        type: "object",
        check: (value) => (isTexts(Object.values(value as object)) ? undefined : "must be texts by name"),
      },
    },
    outputs: ["exitCode", "stdout", "stderr"],
    errorKind: "service",
    run: ({ parameters, signal, idempotencyKey, fencingToken }) =>
      new Promise((resolve, reject) => {
        signal.throwIfAborted();
        const [program = "", ...given] = parameters["command"] as readonly string[];
        const { directory, environment } = parameters;
        const child = spawn(program, given, {
          ...(typeof directory === "string" ? { cwd: directory } : {}),
          env: {
            ...process.env,
            ...(environment as Record<string, string> | undefined),
            HOLDFAST_IDEMPOTENCY_KEY: idempotencyKey,
            HOLDFAST_FENCING_TOKEN: String(fencingToken),
          },
          stdio: ["ignore", "pipe", "pipe"],
        });
        const stdout = tailOf(child.stdout);
        const stderr = tailOf(child.stderr);
        let killTimer: NodeJS.Timeout | undefined;
        const stop = (): void => {
          child.kill("SIGTERM");
          killTimer = setTimeout(() => child.kill("SIGKILL"), killAfterMs);
        };
        signal.addEventListener("abort", stop, { once: true });
        const over = (): void => {
          signal.removeEventListener("abort", stop);
          clearTimeout(killTimer);
        };
        child.on("error", (cause) => {
          over();
          const retryable = (cause as NodeJS.ErrnoException).code !== "ENOENT";
          reject(new StepFailure("configuration", `${program} cannot be run: ${cause.message}`, { retryable, cause }));
        });
        child.on("close", (exitCode, killedBy) => {
          over();
          if (exitCode === 0) {
            resolve({ exitCode, stdout: stdout(), stderr: stderr() });
            return;
          }
          const how = killedBy === null ? `exit code ${exitCode}` : killedBy;
          const last = stderr().trimEnd().split("\n").at(-1) ?? "";
          reject(new StepFailure("service", `${program} ended with ${how}${last === "" ? "" : `: ${last}`}`));
        });
      }),
  };
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === "string");
}

/** The end of what a stream says. */
function tailOf(stream: NodeJS.ReadableStream): () => string {
  let kept = Buffer.alloc(0);
  stream.on("data", (chunk: Buffer) => {
    kept = Buffer.concat([kept, chunk]);
    if (kept.length > keptBytes) kept = kept.subarray(kept.length - keptBytes);
  });
  return () => kept.toString("utf8");
}
