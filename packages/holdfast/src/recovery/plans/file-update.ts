import type { ConfigurationFiles } from "./configuration-files.ts";
import { valueAt, withValueAt } from "./json-pointer.ts";
import type { JsonValue } from "./plan.ts";
import type { StepContext } from "./step-executor.ts";
import { StepFailure } from "./step-failure.ts";
import { StepMark, type MarkStore } from "./step-mark.ts";

/** Put down before the file is written: its text before and after; or that it is undone. */
type Mark = { readonly before: string | null; readonly after: string } | { readonly undone: true };

export interface FilePlace {
  readonly files: ConfigurationFiles;
  readonly coordination: MarkStore;
  readonly prefix: string;
}

/** Changes a file, once; gives the text, or the value at the pointer, that was there. */
export async function updateFile(place: FilePlace, context: StepContext): Promise<{ readonly previous: JsonValue }> {
  const { files, coordination, prefix } = place;
  const { parameters, signal } = context;
  const path = parameters["file"] as string;
  const mark = new StepMark<Mark>(coordination, prefix, context);
  let told = await mark.read();
  const now = await files.read(path, { signal });
  if (told === undefined) {
    told = { before: now, after: textAfter(now, context.parameters) };
    if (!(await mark.write(told))) throw new StepFailure("service", "another orchestrator has begun to change it");
  }
  if ("undone" in told) throw new StepFailure("configuration", "the change has been undone meanwhile");
  if (now !== told.after) {
    if (now !== told.before) throw someoneElse(path);
    signal.throwIfAborted();
    await files.replace(path, told.after, { signal });
  }
  return { previous: previousIn(told.before, parameters) };
}

/** Puts back what was there, unless somebody else has written since. */
export async function restoreFile(place: FilePlace, context: StepContext): Promise<void> {
  const { files, coordination, prefix } = place;
  const { parameters, signal } = context;
  const path = parameters["file"] as string;
  const mark = new StepMark<Mark>(coordination, prefix, context);
  const told = await mark.read();
  if (told === undefined || "undone" in told) return;
  const now = await files.read(path, { signal });
  if (now !== told.before) {
    if (now !== told.after) throw someoneElse(path);
    signal.throwIfAborted();
    await files.replace(path, told.before, { signal });
  }
  await mark.write({ undone: true });
}

function textAfter(before: string | null, { pointer, value }: StepContext["parameters"]): string {
  if (pointer === undefined) return value as string;
  const text = before ?? "{}";
  try {
    const changed = withValueAt(JSON.parse(text) as JsonValue, pointer as string, value as JsonValue);
    const [, indent = "  "] = /^[{[]\r?\n([ \t]+)\S/.exec(text) ?? [];
    return `${JSON.stringify(changed, null, indent)}\n`;
  } catch (cause) {
    throw new StepFailure("configuration", `the file cannot be changed: ${(cause as Error).message}`, { cause });
  }
}

function previousIn(before: string | null, { pointer }: StepContext["parameters"]): JsonValue {
  if (pointer === undefined || before === null) return before;
  return valueAt(JSON.parse(before) as JsonValue, pointer as string) ?? null;
}

function someoneElse(path: string): StepFailure {
  return new StepFailure("configuration", `somebody else has written ${JSON.stringify(path)} since`);
}
