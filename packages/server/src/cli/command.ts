import type { OptionTable, OptionValues } from "./option.ts";
import type { ExitCode } from "./exit.ts";
import type { Terminal } from "./terminal.ts";

/** A positional argument, in order; optional ones come last. */
export interface Positional {
  readonly name: string;
  readonly help: string;
  readonly optional?: boolean;
}

/** One command as the frame sees it: what help shows, what the line may hold, and what runs. */
export interface Command {
  readonly name: string;
  /** One line, lower case, no full stop. */
  readonly summary: string;
  readonly examples: readonly string[];
  readonly positionals: readonly Positional[];
  readonly options: OptionTable;
  readonly run: (input: CommandInput<OptionTable>) => Promise<ExitCode>;
}

export interface CommandInput<T extends OptionTable> {
  readonly options: OptionValues<T>;
  /** As many as were given; the required ones are there. */
  readonly positionals: readonly string[];
  readonly terminal: Terminal;
}

interface TypedCommand<T extends OptionTable> extends Omit<Command, "options" | "run" | "positionals"> {
  readonly positionals?: readonly Positional[];
  readonly options: T;
  readonly run: (input: CommandInput<T>) => Promise<ExitCode>;
}

/** Ties a command's `run` to the types of its option table. */
export function defineCommand<T extends OptionTable>(command: TypedCommand<T>): Command {
  return { positionals: [], ...command, run: (input) => command.run(input as CommandInput<T>) };
}
