import type { Command } from "./command.ts";
import { optionName } from "./parse-line.ts";

type Emphasis = (text: string) => string;

const lineWidth = 80;

/** The overview: what there is, the first things to try first. */
export function renderOverview(commands: readonly Command[], bold: Emphasis): string {
  return [
    `${bold("holdfast")} runs, asks and tests a fault-tolerant cluster that speaks etcd v3.`,
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
    "`holdfast COMMAND --help` tells more.",
    "Exit codes: 0 ok, 1 failed or violated, 2 usage, 3 environment.",
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
  // Wrapped before it is made bold, so that what makes it bold takes no room.
  const headline = wrap(`${usage}: ${command.summary}`, lineWidth).join("\n");
  return [
    headline.replace(usage, bold),
    "",
    bold("Examples"),
    ...joined(command.examples).flatMap(exampleLines),
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

/** Each whole on one line, also those that are written on several. */
function joined(examples: readonly string[]): string[] {
  return examples
    .join("\n")
    .replaceAll(/ \\\n\s*/g, " ")
    .split("\n");
}

/** As one would paste it: a remark that does not fit stands above, and a long line is continued before an option. */
function exampleLines(example: string): string[] {
  if (example.length + 2 <= lineWidth) return [`  ${example}`];
  const [, line = example, remark] = /^(.*?) {2,}(# .*)$/.exec(example) ?? [];
  const lines: string[] = [];
  let rest = line;
  while (rest.length + 2 > lineWidth) {
    const at = rest.lastIndexOf(" --", lineWidth - 4);
    if (at <= 0 || rest.slice(0, at).trim() === "") break;
    lines.push(`  ${rest.slice(0, at)} \\`);
    rest = `  ${rest.slice(at + 1)}`;
  }
  return [...(remark === undefined ? [] : [`  ${remark}`]), ...lines, `  ${rest}`];
}

/** Two columns; help text wraps below itself so that a line stays within the width where it can. */
export function columns(rows: readonly (readonly [string, string])[], within: number = lineWidth): string[] {
  const width = Math.max(...rows.map(([name]) => name.length)) + 4;
  return rows.flatMap(([name, help]) => {
    const [first = "", ...rest] = wrap(help, Math.max(within - width, 30));
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
