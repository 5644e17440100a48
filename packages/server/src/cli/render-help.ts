import type { Command } from "./command.ts";
import { optionName } from "./parse-line.ts";

type Emphasis = (text: string) => string;

/** The overview: what there is, the first things to try first. */
export function renderOverview(commands: readonly Command[], bold: Emphasis): string {
  return [
    `${bold("holdfast")} runs, asks and tests a fault-tolerant cluster that speaks the etcd v3 protocol.`,
    "",
    bold("Examples"),
    "  holdfast up                      three members on this machine",
    "  holdfast put greeting hello      write a key",
    "  holdfast get greeting            read it back",
    "  holdfast drill leader-kill       kill the leader under load; is anything lost?",
    "",
    bold("Commands"),
    ...columns(commands.map((command) => [command.name, command.summary])),
    "",
    "`holdfast COMMAND --help` tells more. Exit codes: 0 ok, 1 failed or violated, 2 usage, 3 environment.",
  ].join("\n");
}

/** One command's help, examples first. */
export function renderHelp(command: Command, bold: Emphasis): string {
  const usage = [
    "holdfast",
    command.name,
    ...command.positionals.map((positional) => (positional.optional ? `[${positional.name}]` : positional.name)),
    "[options]",
  ].join(" ");
  const options = Object.entries(command.options)
    .filter(([, option]) => !option.hidden)
    .map(([key, option]): [string, string] => {
      const shown = option.defaultText ?? (typeof option.default === "boolean" ? undefined : option.default);
      const notes = [
        ...(option.required ? ["required"] : []),
        ...(shown === undefined ? [] : [`default ${describe(shown)}`]),
        ...(option.environment === undefined ? [] : [`or ${option.environment}`]),
      ];
      const name = option.placeholder === undefined ? optionName(key) : `${optionName(key)} ${option.placeholder}`;
      return [name, notes.length === 0 ? option.help : `${option.help} (${notes.join(", ")})`];
    });
  return [
    `${bold(usage)}: ${command.summary}`,
    "",
    bold("Examples"),
    ...command.examples.map((example) => `  ${example}`),
    ...(command.positionals.length === 0
      ? []
      : ["", bold("Arguments"), ...columns(command.positionals.map(({ name, help }) => [name, help]))]),
    "",
    bold("Options"),
    ...columns([...options, ["--help", "this text"]]),
  ].join("\n");
}

function describe(value: unknown): string {
  if (typeof value === "object" && value !== null && "host" in value && "port" in value) {
    return `${String(value.host)}:${String(value.port)}`;
  }
  return String(value);
}

/** Two columns; help text wraps below itself so that a line stays within 80 columns where it can. */
function columns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([name]) => name.length)) + 4;
  return rows.flatMap(([name, help]) => {
    const [first = "", ...rest] = wrap(help, Math.max(80 - width, 30));
    return [`  ${name.padEnd(width - 2)}${first}`, ...rest.map((line) => " ".repeat(width) + line)];
  });
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
