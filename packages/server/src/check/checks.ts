import { models, type ModelName } from "holdfast/proof";
import { linearizable, type HistoryCheck } from "./history-check.ts";
import { bank, session, setFull, transactions } from "./transaction-checks.ts";

export type CheckName = ModelName | "list-append" | "rw-register" | "bank" | "session" | "set-full";

const modelChecks = Object.fromEntries(
  (Object.keys(models) as ModelName[]).map((name) => [name, linearizable(name)]),
) as Record<ModelName, HistoryCheck>;

/** All checks, by the name that `--model` gives them. */
export const checks: Readonly<Record<CheckName, HistoryCheck>> = {
  ...modelChecks,
  "list-append": transactions("list-append"),
  "rw-register": transactions("rw-register"),
  bank,
  session,
  "set-full": setFull,
};
