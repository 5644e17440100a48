import { writeFileSync } from "node:fs";
import { InvalidArgumentError } from "holdfast/errors/base";
import {
  HistoryError,
  historyFormats,
  isolationLevels,
  parseEdn,
  type HistoryFile,
  type IsolationLevel,
} from "holdfast/proof";
import { nodeRuntime } from "holdfast/runtime";
import { checks, type CheckName } from "../check/checks.ts";
import type { HistoryCheckResult } from "../check/history-check.ts";
import { defaultMaxMemoryMib, readHistoryFile } from "../check/read-history-file.ts";
import { defineCommand, type Command } from "./command.ts";
import { environmentError, exitCodes, failure, usageError } from "./exit.ts";
import { choice, flag, integer, text, type Option } from "./option.ts";
import { printable, type Terminal } from "./terminal.ts";

const level: Option<IsolationLevel | undefined> = {
  ...choice({
    choices: isolationLevels,
    default: "serializable",
    help: `list-append and rw-register: what is promised, ${isolationLevels.join(", ")}`,
  }),
  // Absent is not the same: to other models an isolation level means nothing.
  default: undefined,
  defaultText: "serializable",
};

const names = Object.keys(checks) as CheckName[];

export const checkCommand: Command = defineCommand({
  name: "check",
  summary: "decide whether what clients saw was possible",
  examples: [
    "holdfast check history.jsonl",
    "holdfast check history.edn --model cas-register --init 0",
    "holdfast check jepsen.log --model register --html history.html",
  ],
  positionals: [{ name: "FILE", help: "the history: JSON lines, Jepsen's EDN, or Jepsen's log" }],
  options: {
    model: choice({ choices: names, default: "kv", help: `what the history is of: ${names.join(", ")}` }),
    format: choice({
      choices: ["auto", ...historyFormats],
      default: "auto",
      help: `how it is written: ${historyFormats.join(", ")}, or auto, by its name and beginning`,
    }),
    level,
    init: text({ placeholder: "VALUE", help: "what the object held at first, as JSON or EDN" }),
    keyed: choice({
      choices: ["auto", "yes", "no"],
      default: "auto",
      placeholder: "WHEN",
      help: "whether values are Jepsen's [key value]: auto, yes or no",
    }),
    timeout: integer({
      placeholder: "SECONDS",
      min: 1,
      max: 86_400,
      default: 60,
      help: "give up undecided after so many seconds",
    }),
    maxMemoryMib: integer({
      placeholder: "MIB",
      min: 1,
      max: 1_048_576,
      help: "refuse a history that takes more memory; three quarters of Node's heap when absent",
    }),
    html: text({ placeholder: "OUT", help: "write a page that shows the history, with the violation marked" }),
    json: flag("print one JSON document"),
  },
  async run({ options, positionals: [file = ""], terminal }) {
    const { model, format, keyed } = options;
    const initial = readInitial(options.init);
    const maxMemoryMib = options.maxMemoryMib ?? defaultMaxMemoryMib();
    const bounds = { model, maxMemoryMib };
    const history = await read(file, bounds, () =>
      readHistoryFile(file, {
        ...(format === "auto" ? {} : { format }),
        keyed: keyed === "auto" ? keyed : keyed === "yes",
        maxBytes: maxMemoryMib * 1024 ** 2,
      }),
    );
    const { clock } = nodeRuntime();
    const result = await read(file, bounds, () =>
      checks[model](history.events, { initial, level: options.level, timeoutMs: options.timeout * 1000, clock }),
    );
    if (options.html !== undefined) await writePage(options.html, file, model, history, result);
    const { verdict, operations, explanation, more } = result;
    const { ignored } = history;
    if (options.json) {
      terminal.document({ verdict, operations, explanation, model, format: history.format, ignored, ...more });
    } else print(terminal, result, history);
    if (options.html !== undefined) terminal.err(`Page: ${options.html}`);
    return verdict === "ok" ? exitCodes.ok : exitCodes.failed;
  },
});

function readInitial(given: string | undefined): unknown {
  if (given === undefined) return undefined;
  try {
    return JSON.parse(given) as unknown;
  } catch {
    // EDN then: nil, :keywords, vectors without commas.
  }
  try {
    return parseEdn(given);
  } catch (error) {
    throw usageError(`--init must be JSON or EDN: ${(error as Error).message} (got ${JSON.stringify(given)})`);
  }
}

/** Reads or checks, and says of what fails which file and line it was. */
async function read<T>(
  file: string,
  { model, maxMemoryMib }: { readonly model: string; readonly maxMemoryMib: number },
  work: () => T | Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof HistoryError) {
      const place = error.line === undefined ? file : `${file}:${error.line}`;
      throw failure(`${place}: ${printable(error.reason)}${hintFor(error.reason, model, maxMemoryMib)}`, error);
    }
    if (error instanceof InvalidArgumentError) throw usageError(`--init: ${printable(error.message)}`);
    if ((error as NodeJS.ErrnoException).syscall !== undefined) {
      throw environmentError(`${file} cannot be read: ${(error as Error).message}`, error);
    }
    throw error;
  }
}

/** Which option helps. */
function hintFor(reason: string, model: string, maxMemoryMib: number): string {
  if (reason.includes("outgrows maxBytes")) return ` (--max-memory-mib ${maxMemoryMib})`;
  return reason.startsWith(`${model} `) ? "; --model says what the history is of" : "";
}

async function writePage(
  path: string,
  name: string,
  model: string,
  { events }: HistoryFile,
  { verdict, explanation, violationLine, highlights }: HistoryCheckResult,
): Promise<void> {
  const { checkPage } = await import("../check/check-page.ts");
  const place = violationLine === undefined ? {} : { violationLine };
  try {
    writeFileSync(path, checkPage(events, { name, model, verdict, explanation, highlights, ...place }));
  } catch (error) {
    throw environmentError(`the page ${path} cannot be written: ${(error as Error).message}`, error);
  }
}

const verdictStyle = { ok: "green", violation: "red", unknown: "yellow" } as const;

function print(
  terminal: Terminal,
  { verdict, operations, explanation }: HistoryCheckResult,
  history: HistoryFile,
): void {
  const { events, lines } = history.ignored;
  if (events + lines > 0) terminal.err(`Passed over: ${events} events of no client, ${lines} lines that are no events`);
  terminal.out(`${terminal.style(verdictStyle[verdict], verdict)}: ${operations} operations`);
  for (const line of explanation.split("\n")) terminal.out(printable(line));
}
