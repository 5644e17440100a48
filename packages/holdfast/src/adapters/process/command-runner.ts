import { checkInteger, checkOptionNames } from "../../errors/base.ts";
import { EnvironmentNames, passedEnvironment } from "./command-environment.ts";
import { runCommand, type RunResult } from "./run-command.ts";

export interface CommandRunnerOptions {
  readonly directory?: string;
  /** What programs get of this process's environment. Default `commandDefaults.pass`. */
  readonly pass?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Kept of each output, from its end. Default 64 KiB. */
  readonly maxOutputBytes?: number;
  /** Default 2 000. */
  readonly graceMs?: number;
}

/**
 * Runs a program with its arguments, without a shell, and tells how it ended, whatever its exit code.
 *
 * Rejects with the signal's reason once nothing of it runs any more.
 */
export type CommandRunner = (
  line: readonly string[],
  options: { readonly signal: AbortSignal; readonly input?: string },
) => Promise<RunResult>;

/**
 * For executors of your own that work by programs.
 *
 * @throws InvalidArgumentError for options out of range
 */
export function commandRunner(options: CommandRunnerOptions = {}): CommandRunner {
  checkOptionNames("commandRunner", options, ["directory", "pass", "environment", "maxOutputBytes", "graceMs"]);
  const {
    directory,
    pass = passedEnvironment,
    environment = {},
    maxOutputBytes = 64 * 1024,
    graceMs = 2_000,
  } = options;
  checkInteger("commandRunner.maxOutputBytes", maxOutputBytes, 0, 64 * 1024 * 1024);
  checkInteger("commandRunner.graceMs", graceMs, 0, 3_600_000);
  const passed = new EnvironmentNames("commandRunner.pass", pass);
  return async (line, { signal, input }) => {
    const all = { ...passed.of(process.env), ...environment };
    const result = await runCommand(line, { directory, environment: all, input, maxOutputBytes, graceMs, signal });
    signal.throwIfAborted();
    return result;
  };
}
