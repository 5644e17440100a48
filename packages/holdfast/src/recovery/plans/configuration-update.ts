import type { Coordination, KeyValue, TxnResponse } from "../../coordination/index.ts";
import { checkOptionNames } from "../../errors/base.ts";
import { decodeJson, encodeJson } from "./execution-record.ts";
import type { ConfigurationFiles } from "./configuration-files.ts";
import { defaultPlanPrefix } from "./execution-keys.ts";
import { restoreFile, updateFile } from "./file-update.ts";
import { inLine } from "./in-line.ts";
import { pointerRule } from "./json-pointer.ts";
import { exactlyOne } from "./parameter-rule.ts";
import type { StepContext, StepExecutor } from "./step-executor.ts";
import { StepFailure } from "./step-failure.ts";
import { markKey } from "./step-mark.ts";

export interface ConfigurationUpdateOptions {
  /** Where the configuration lies, and what was changed is remembered. */
  readonly coordination: Pick<Coordination, "range" | "txn">;
  /** As the orchestrator's, so that what is remembered goes with the execution. Default `recovery/`. */
  readonly prefix?: string;
  /** For steps with a `file`: those of `holdfast/adapters/configuration-file`. Without them there are none. */
  readonly files?: ConfigurationFiles;
}

/** What is remembered of a step's change, beside the execution: the key's value before it, or that it is undone. */
type Mark = { readonly previous: string | null } | { readonly undone: true };

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * Steps of the type `configuration-update`: change the configuration once, however often the step is tried; the rollback
 * puts back what was there, unless somebody else has written since.
 *
 * - `key`: put the text `value` there, in the store
 * - `file`: put the text `value` in the place of its whole text; with `pointer`, put any `value` at that JSON pointer
 */
export function configurationUpdate(options: ConfigurationUpdateOptions): StepExecutor {
  checkOptionNames("configurationUpdate", options, ["coordination", "prefix", "files"]);
  const { coordination, prefix = defaultPlanPrefix, files } = options;
  const oneHome = exactlyOne({ key: [], ...(files && { file: ["pointer"] }) });
  const place = files && { files, coordination, prefix };
  const markOf = (context: StepContext): Uint8Array => markKey(prefix, context);

  async function read(key: Uint8Array, signal: AbortSignal): Promise<KeyValue | undefined> {
    return (await coordination.range({ key }, { signal })).pairs[0];
  }

  return {
    type: "configuration-update",
    parameters: {
      key: { type: "text" },
      ...(files && {
        file: { type: "text", check: (path) => files.refuses?.(path as string) },
        pointer: { type: "text", check: pointerRule },
      }),
      value: { type: "any", required: true },
    },
    check(given) {
      const { value, pointer } = given;
      const wrong = oneHome(given);
      if (wrong !== undefined || pointer !== undefined || value === undefined || typeof value === "string")
        return wrong;
      return "must have a text as value, unless there is a pointer";
    },
    outputs: ["previous"],
    errorKind: "configuration",
    async run(context) {
      const { parameters, signal } = context;
      // What two steps do to one file must not come between each other.
      if (place !== undefined && parameters["file"] !== undefined)
        return await inLine(place.files, () => updateFile(place, context));
      const key = encoder.encode(parameters["key"] as string);
      const mark = markOf(context);
      for (;;) {
        signal.throwIfAborted();
        const before = await read(key, signal);
        const previous = before === undefined ? null : decoder.decode(before.value);
        const { succeeded, responses } = await coordination.txn(
          {
            compare: [
              { key: mark, target: "create", result: "equal", operand: 0 },
              { key, target: "mod", result: "equal", operand: before?.modRevision ?? 0 },
            ],
            success: [
              { type: "put", request: { key, value: encoder.encode(parameters["value"] as string) } },
              { type: "put", request: { key: mark, value: encodeJson({ previous } satisfies Mark) } },
            ],
            failure: [{ type: "range", request: { key: mark } }],
          },
          { signal },
        );
        if (succeeded) return { previous };
        const done = firstOf(responses);
        // Somebody else wrote between the look and the change.
        if (done === undefined) continue;
        const told = decodeJson(done.value) as Mark;
        if ("undone" in told) throw new StepFailure("configuration", "the change has been undone meanwhile");
        return { previous: told.previous };
      }
    },
    async rollback(context) {
      const { parameters, signal } = context;
      if (place !== undefined && parameters["file"] !== undefined)
        return await inLine(place.files, () => restoreFile(place, context));
      const key = encoder.encode(parameters["key"] as string);
      const mark = markOf(context);
      const done = await read(mark, signal);
      const told = done && (decodeJson(done.value) as Mark);
      if (done === undefined || told === undefined || "undone" in told) return;
      const { previous } = told;
      const { succeeded, responses } = await coordination.txn(
        {
          compare: [
            { key: mark, target: "mod", result: "equal", operand: done.modRevision },
            // Both were put in one transaction: the key is as the step left it.
            { key, target: "mod", result: "equal", operand: done.modRevision },
          ],
          success: [
            previous === null
              ? { type: "deleteRange", request: { key } }
              : { type: "put", request: { key, value: encoder.encode(previous) } },
            { type: "put", request: { key: mark, value: encodeJson({ undone: true } satisfies Mark) } },
          ],
          failure: [{ type: "range", request: { key: mark } }],
        },
        { signal },
      );
      const now = firstOf(responses);
      if (succeeded || (now !== undefined && "undone" in (decodeJson(now.value) as object))) return;
      throw new StepFailure("configuration", `somebody else has written ${JSON.stringify(parameters["key"])} since`);
    },
  };
}

function firstOf([response]: TxnResponse["responses"]): KeyValue | undefined {
  return response?.type === "range" ? response.response.pairs[0] : undefined;
}
