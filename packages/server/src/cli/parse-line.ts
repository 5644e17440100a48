import { parseArgs } from "node:util";
import type { Command } from "./command.ts";
import { usageError } from "./exit.ts";
import type { Option } from "./option.ts";

/** What a command's line holds once read. */
export interface ParsedLine {
  readonly help: boolean;
  readonly options: Readonly<Record<string, unknown>>;
  readonly positionals: readonly string[];
}

/** `clusterName` in a table is `--cluster-name` on the line. */
export function optionName(key: string): string {
  return `--${key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** Reads a command's line against its tables. @throws ExitError (usage) naming the option, the rule and the value */
export function parseLine(
  command: Command,
  line: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): ParsedLine {
  const byName = new Map(Object.entries(command.options).map(([key, option]) => [optionName(key), { key, option }]));
  const { tokens } = parseArgs({
    args: [...line],
    strict: false,
    tokens: true,
    options: Object.fromEntries(
      [...byName].map(([name, { option }]) => [name.slice(2), { type: isFlag(option) ? "boolean" : "string" }]),
    ),
  });

  const given = new Map<string, unknown>();
  const positionals: string[] = [];
  let help = false;
  for (const token of tokens) {
    if (token.kind === "positional") positionals.push(token.value);
    if (token.kind !== "option") continue;
    if (token.rawName === "--help" || token.rawName === "-h") {
      help = true;
      continue;
    }
    const known = byName.get(token.rawName);
    if (known === undefined) {
      const hint = nearest(
        token.rawName,
        [...byName].filter(([, { option }]) => !option.hidden).map(([name]) => name),
      );
      throw usageError(`unknown option ${token.rawName}${hint === undefined ? "" : `; did you mean ${hint}?`}`);
    }
    given.set(known.key, readGiven(token.rawName, known.option, token.value, token.inlineValue === true));
  }
  if (help) return { help, options: {}, positionals: [] };

  const missing = command.positionals.find((positional, index) => !positional.optional && index >= positionals.length);
  if (missing !== undefined) throw usageError(`${missing.name} is missing: ${missing.help}`);
  const extra = positionals[command.positionals.length];
  if (extra !== undefined) throw usageError(`unexpected argument ${JSON.stringify(extra)}`);

  const options: Record<string, unknown> = {};
  for (const [name, { key, option }] of byName) {
    options[key] = given.has(key) ? given.get(key) : fallback(name, option, environment);
  }
  return { help, options, positionals };
}

function isFlag(option: Option<unknown>): boolean {
  return option.placeholder === undefined;
}

function readGiven(name: string, option: Option<unknown>, value: string | undefined, inline: boolean): unknown {
  if (isFlag(option)) {
    if (value !== undefined) throw usageError(`${name} takes no value (got ${JSON.stringify(value)})`);
    return option.read("", name);
  }
  // `--data --json` is a forgotten value, not a directory named --json; `--data=--json` says so on purpose.
  if (value === undefined || (!inline && value.startsWith("--"))) {
    throw usageError(`${name} needs a value: ${name} ${option.placeholder}`);
  }
  return option.read(value, name);
}

function fallback(
  name: string,
  option: Option<unknown>,
  environment: Readonly<Record<string, string | undefined>>,
): unknown {
  const variable = option.environment;
  const value = variable === undefined ? undefined : environment[variable];
  if (variable !== undefined && value !== undefined && value !== "") return option.read(value, variable);
  if (option.required && option.default === undefined) {
    throw usageError(`${name} is required: ${name} ${option.placeholder ?? ""}`.trimEnd());
  }
  return option.default;
}

/** The candidate at most two edits away, the closest first; undefined when none is. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const ranked = candidates
    .map((candidate) => ({ candidate, distance: editDistance(word, candidate) }))
    .filter(({ distance }) => distance <= 2)
    .sort((left, right) => left.distance - right.distance);
  return ranked[0]?.candidate;
}

function editDistance(left: string, right: string): number {
  let previous = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let row = 1; row <= left.length; row++) {
    const current = [row];
    for (let column = 1; column <= right.length; column++) {
      const substitution = (previous[column - 1] ?? 0) + (left[row - 1] === right[column - 1] ? 0 : 1);
      current.push(Math.min(substitution, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[right.length] ?? 0;
}
