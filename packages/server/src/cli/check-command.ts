import { readFileSync } from "node:fs";
import { checkLinearizable, HistoryError, models, parseHistory, type LinearizabilityResult } from "holdfast/proof";
import { nodeRuntime } from "holdfast/runtime";
import { defineCommand, type Command } from "./command.ts";
import { environmentError, exitCodes, failure } from "./exit.ts";
import { choice, flag, integer } from "./option.ts";

export const checkCommand: Command = defineCommand({
  name: "check",
  summary: "check a recorded history for linearizability",
  examples: ["holdfast check history.jsonl", "holdfast check history.jsonl --json"],
  positionals: [{ name: "FILE", help: "the history as JSON lines, one event a line" }],
  options: {
    model: choice({
      choices: Object.keys(models) as (keyof typeof models)[],
      default: "kv",
      help: "what the history is of: kv, register or cas-register",
    }),
    timeoutMs: integer({
      min: 1,
      max: 86_400_000,
      default: 60_000,
      help: "give up undecided after so many milliseconds",
    }),
    json: flag("print one JSON document"),
  },
  async run({ options, positionals: [file = ""], terminal }) {
    const { verdict, operations, explanation } = await check(file, options.model, options.timeoutMs);
    if (options.json) terminal.document({ verdict, operations, explanation });
    else terminal.out(`${verdict}: ${operations} operations\n${explanation}`);
    return verdict === "ok" ? exitCodes.ok : exitCodes.failed;
  },
});

async function check(file: string, model: keyof typeof models, timeoutMs: number): Promise<LinearizabilityResult> {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw environmentError(`${file} cannot be read: ${(error as Error).message}`, error);
  }
  try {
    return checkLinearizable(models[model](), parseHistory(text), { timeoutMs, clock: nodeRuntime().clock });
  } catch (error) {
    if (error instanceof HistoryError) throw failure(`${file}: ${error.message}`, error);
    throw error;
  }
}
