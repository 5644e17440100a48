import { resolve } from "node:path";
import { checkInteger, checkOptionNames, InvalidArgumentError } from "../../errors/base.ts";
import { StepFailure, type JsonValue, type ParametersTogether, type StepExecutor } from "../../recovery/index.ts";
import { checkStringList } from "./check-list.ts";
import { EnvironmentNames, passedEnvironment } from "./command-environment.ts";
import { runCommand } from "./run-command.ts";

export interface CommandExecutorOptions {
  /**
   * The programs that steps may run: a name, looked up in `PATH`, or a path, which only that file is. `any` lets every
   * plan do whatever this process may.
   */
  readonly allow: readonly string[] | "any";
  /** Whether steps may give a line for `/bin/sh` instead of a list: `allow` does not see what is in it. Default false. */
  readonly shell?: boolean;
  /** What programs get of this process's environment; `A_*` is all that begin so. Default `commandDefaults.pass`. */
  readonly pass?: readonly string[];
  /** What steps may set in it. Default: nothing, or anything where `allow` is `any`. */
  readonly set?: readonly string[];
  /** Kept of each output, from its end. Default 4 096. */
  readonly maxOutputBytes?: number;
  /** Between SIGTERM and SIGKILL for a program that must end. Default 2 000. */
  readonly graceMs?: number;
}

export const commandDefaults: {
  readonly pass: readonly string[];
  readonly shell: boolean;
  readonly maxOutputBytes: number;
  readonly graceMs: number;
} = { pass: passedEnvironment, shell: false, maxOutputBytes: 4_096, graceMs: 2_000 };

/**
 * Steps of the type `command`: run a program with its arguments, and fail unless it ends with 0 (or one of `succeedsWith`).
 * The environment has `HOLDFAST_IDEMPOTENCY_KEY` and `HOLDFAST_FENCING_TOKEN`. A step that is stopped ends the program and
 * what that has started: SIGTERM, and SIGKILL after the grace.
 *
 * @throws InvalidArgumentError for options out of range
 * @example
 * createOrchestrator({ coordination, executors: [commandExecutor({ allow: ["pg_dump", "/opt/site/switch.sh"] })] });
 */
export function commandExecutor(options: CommandExecutorOptions): StepExecutor {
  checkOptionNames("commandExecutor", options, ["allow", "set", ...Object.keys(commandDefaults)]);
  const { allow, shell = false } = options;
  const allowed = allow === "any" ? undefined : checkPrograms(allow);
  if (typeof shell !== "boolean")
    throw new InvalidArgumentError("commandExecutor.shell", "must be true or false", shell);
  const passed = new EnvironmentNames("commandExecutor.pass", options.pass ?? commandDefaults.pass);
  const settable = new EnvironmentNames("commandExecutor.set", options.set ?? (allowed === undefined ? ["*"] : []));
  const { maxOutputBytes = commandDefaults.maxOutputBytes, graceMs = commandDefaults.graceMs } = options;
  checkInteger("commandExecutor.maxOutputBytes", maxOutputBytes, 0, 128 * 1024);
  checkInteger("commandExecutor.graceMs", graceMs, 0, 3_600_000);

  return {
    type: "command",
    parameters: {
      command: { type: "list", check: lineRule },
      ...(shell ? { shell: { type: "text", check: (line) => (line === "" ? "must not be empty" : undefined) } } : {}),
      directory: { type: "text" },
      environment: { type: "object", check: (value) => environmentRule(value, settable) },
      input: { type: "text" },
      succeedsWith: { type: "list", check: exitCodesRule },
    },
    check: together(shell, allowed),
    outputs: ["exitCode", "stdout", "stderr"],
    errorKind: "service",
    async run({ parameters, signal, idempotencyKey, fencingToken }) {
      const { directory, environment, input, succeedsWith = [0] } = parameters;
      const line = lineOf(parameters);
      const [program = ""] = line;
      // Once more, and of what is run: when the plan was checked, references may have stood in it.
      if (parameters["shell"] === undefined && allowed?.has(program) === false) {
        throw new StepFailure("validation", refusal(program, allowed));
      }
      const result = await runCommand(line, {
        directory: directory as string | undefined,
        environment: {
          ...passed.of(process.env),
          ...(environment as Record<string, string> | undefined),
          HOLDFAST_IDEMPOTENCY_KEY: idempotencyKey,
          HOLDFAST_FENCING_TOKEN: String(fencingToken),
        },
        input: input as string | undefined,
        maxOutputBytes,
        graceMs,
        signal,
      });
      const { exitCode, stdout, stderr, lastWords } = result;
      if (exitCode !== null && (succeedsWith as readonly JsonValue[]).includes(exitCode)) {
        return { exitCode, stdout, stderr };
      }
      signal.throwIfAborted();
      const how = exitCode === null ? result.signal : `exit code ${exitCode}`;
      throw new StepFailure("service", `${program} ended with ${how}${lastWords === "" ? "" : `: ${lastWords}`}`);
    },
  };
}

function checkPrograms(allow: unknown): ReadonlySet<string> {
  const rule = "must be any, or a list of programs: names, or paths";
  return new Set(checkStringList("commandExecutor.allow", allow, (program) => program !== "", rule).map(placeOf));
}

/** A path is the same file wherever it is said; a name is looked up. */
function placeOf(program: string, directory?: JsonValue): string {
  return program.includes("/") ? resolve(typeof directory === "string" ? directory : ".", program) : program;
}

function lineOf({ command, shell, directory }: { readonly [name: string]: JsonValue }): readonly string[] {
  if (typeof shell === "string") return ["/bin/sh", "-c", shell];
  const [program = "", ...given] = command as readonly string[];
  return [placeOf(program, directory), ...given];
}

function together(shell: boolean, allowed: ReadonlySet<string> | undefined): ParametersTogether {
  return (given) => {
    const { command, shell: line, directory } = given;
    if ((command === undefined) === (line === undefined)) {
      return shell ? "must have exactly one of command, shell" : "must have a command";
    }
    if (!Array.isArray(command) || allowed === undefined) return undefined;
    const [program] = command as readonly JsonValue[];
    // What is known only later is judged then.
    if (
      typeof program !== "string" ||
      program.includes("${") ||
      (typeof directory === "string" && directory.includes("${"))
    )
      return undefined;
    if (allowed.has(placeOf(program, directory))) return undefined;
    return refusal(program, allowed);
  };
}

function refusal(program: string, allowed: ReadonlySet<string>): string {
  return `must run one of ${[...allowed].join(", ") || "no programs"} (got ${JSON.stringify(program)})`;
}

function lineRule(value: JsonValue): string | undefined {
  return isTexts(value) && value.length > 0 && value[0] !== "" && !value.some(hasNul)
    ? undefined
    : "must be a list of texts, the program first";
}

function environmentRule(value: JsonValue, settable: EnvironmentNames): string | undefined {
  const entries = Object.entries(value as { readonly [name: string]: JsonValue });
  if (!isTexts(entries.map(([, each]) => each)) || entries.some((pair) => pair.some(hasNul))) {
    return "must be texts by name";
  }
  const [refused] = entries.find(([name]) => !settable.has(name)) ?? [];
  return refused === undefined ? undefined : `must not set ${refused}`;
}

function exitCodesRule(value: JsonValue): string | undefined {
  const fits = Array.isArray(value) && value.every((code) => Number.isInteger(code) && code >= 0 && code <= 255);
  return fits ? undefined : "must be a list of exit codes 0 to 255";
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === "string");
}

function hasNul(value: JsonValue): boolean {
  return typeof value === "string" && value.includes("\0");
}
