import type { Command } from "./command.ts";
import { ExitError, exitCodes, usageError, type ExitCode } from "./exit.ts";
import { nearest, parseLine } from "./parse-line.ts";
import { renderHelp, renderOverview } from "./render-help.ts";
import type { Terminal } from "./terminal.ts";
import { packageVersion } from "./version.ts";

/** Where to find a command: it loads only when it runs, or help needs it. */
export interface CommandEntry {
  readonly name: string;
  readonly load: () => Promise<Command>;
}

/** Reads the line, runs the command, says what went wrong, and gives the exit code. */
export async function runCommandLine(
  line: readonly string[],
  commands: readonly CommandEntry[],
  terminal: Terminal,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<ExitCode> {
  const [name, ...rest] = line;
  try {
    if (name === undefined || name === "--help" || name === "-h" || (name === "help" && rest.length === 0)) {
      const all = await Promise.all(commands.map((entry) => entry.load()));
      terminal.out(renderOverview(all, (text) => terminal.style("bold", text)));
      return name === undefined ? exitCodes.usage : exitCodes.ok;
    }
    if (name === "--version" || name === "-v") {
      terminal.out(packageVersion());
      return exitCodes.ok;
    }
    const entry = find(name === "help" ? (rest[0] ?? "") : name, commands);
    const command = await entry.load();
    const parsed = parseLine(command, name === "help" ? ["--help"] : rest, environment);
    if (parsed.help) {
      terminal.out(renderHelp(command, (text) => terminal.style("bold", text)));
      return exitCodes.ok;
    }
    return await command.run({ options: parsed.options, positionals: parsed.positionals, terminal });
  } catch (error) {
    return report(error, line, commands, terminal);
  }
}

function find(name: string, commands: readonly CommandEntry[]): CommandEntry {
  const entry = commands.find((candidate) => candidate.name === name);
  if (entry !== undefined) return entry;
  const names = commands.map((candidate) => candidate.name);
  const hint = nearest(name, names);
  throw usageError(
    `unknown ${name.startsWith("-") ? "option" : "command"} ${JSON.stringify(name)}; ` +
      (hint === undefined ? `there are ${names.join(", ")}` : `did you mean ${hint}?`),
  );
}

function report(
  error: unknown,
  line: readonly string[],
  commands: readonly CommandEntry[],
  terminal: Terminal,
): ExitCode {
  const known = error instanceof ExitError ? error : undefined;
  // A defect of ours: what helps to find it is the stack.
  const message = known?.message ?? (error instanceof Error ? (error.stack ?? error.message) : String(error));
  if (line.includes("--json")) {
    const text = known?.message ?? (error instanceof Error ? error.message : String(error));
    terminal.document({ error: { code: known?.code ?? "INTERNAL", message: text } });
  }
  terminal.err(`${terminal.styleErr("red", "holdfast:")} ${message}`);
  if (known?.exitCode === exitCodes.usage) {
    terminal.err(
      `See \`holdfast ${commands.some((command) => command.name === line[0]) ? `${line[0]} ` : ""}--help\`.`,
    );
  }
  return known?.exitCode ?? exitCodes.failed;
}
