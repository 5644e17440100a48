import { readFileSync } from "node:fs";
import { compilePlan, executorTable, PlanError, type CompiledPlan, type StepExecutor } from "holdfast/recovery";
import { readPlan } from "../plans/read-plan.ts";
import { environmentError, failure } from "./exit.ts";
import type { Terminal } from "./terminal.ts";

/** A file's plan; undefined when it is not valid, and everything that is wrong was told with its line. */
export function readPlanFile(
  file: string,
  executors: readonly StepExecutor[],
  terminal: Terminal,
  json: boolean,
): CompiledPlan | undefined {
  let content: string;
  try {
    content = readFileSync(file === "-" ? 0 : file, "utf8");
  } catch (error) {
    throw environmentError(`${file} cannot be read: ${(error as Error).message}`, error);
  }
  const read = readPlan(content);
  const refuse = (problems: readonly { readonly place: string; readonly path: string; readonly message: string }[]) => {
    if (json) terminal.document({ valid: false, problems });
    for (const { place, path, message } of problems) {
      terminal.err(`${file}:${place}: ${path === "" ? "" : `${path}: `}${message}`);
    }
    terminal.err(terminal.styleErr("red", `${file} is not a valid plan`));
    return undefined;
  };
  if ("length" in read) return refuse(read.map(({ place, message }) => ({ place, path: "", message })));
  try {
    return compilePlan(read.document, executorTable(executors));
  } catch (error) {
    if (!PlanError.is(error) || error.problems.length === 0) throw failure((error as Error).message, error);
    return refuse(error.problems.map(({ path, message }) => ({ place: read.placeOf(path), path, message })));
  }
}
