import { checkInteger, checkOneOf, checkOptionNames } from "../../errors/base.ts";

/** How much history is kept where it is compacted by itself. */
export type AutoCompactionOptions =
  | {
      readonly mode: "periodic";
      /** Whatever was the state at a moment in this time can still be read, and watched on from. At least 1 000. */
      readonly retentionMs: number;
    }
  | {
      readonly mode: "revision";
      /** So many revisions before the current one. At least 1. */
      readonly retention: number;
    };

/** @throws InvalidArgumentError naming the option that breaks its rule */
export function checkAutoCompaction(given: AutoCompactionOptions | undefined): AutoCompactionOptions | undefined {
  if (given === undefined) return undefined;
  checkOptionNames("autoCompaction", given, ["mode", "retentionMs", "retention"]);
  const mode = checkOneOf("autoCompaction.mode", given.mode, ["periodic", "revision"]);
  checkOptionNames("autoCompaction", given, ["mode", mode === "periodic" ? "retentionMs" : "retention"]);
  if (given.mode === "periodic") checkInteger("autoCompaction.retentionMs", given.retentionMs, 1_000);
  else checkInteger("autoCompaction.retention", given.retention, 1);
  return given;
}
