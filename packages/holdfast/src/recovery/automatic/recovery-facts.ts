import type { RecoveryFact } from "../../telemetry/index.ts";
import type { RecoveryEffect } from "./recovery-input.ts";

/** What telemetry is told of a decision, or of a call for a person. */
export function recoveryFacts(
  effect: Extract<RecoveryEffect, { readonly type: "decided" | "callPerson" }>,
): readonly RecoveryFact[] {
  if (effect.type === "callPerson") {
    const { target, wanted, tasks } = effect.call;
    const record = tasks.flatMap((task) => task.record);
    const failures = tasks.map(({ type }) => type);
    return [{ type: "personWanted", target, because: wanted.because, failures, record }];
  }
  const { entry, task } = effect;
  const { target, decision, because } = entry;
  const own = { task: task.id, target, failure: task.type, priority: task.priority };
  const decided: RecoveryFact = { type: "recoveryDecided", ...own, decision, because, attempt: task.attemptCount };
  if (decision !== "recovered") return [decided];
  const durationMs = entry.at - task.reportedAt;
  return [decided, { type: "targetRecovered", target, failure: task.type, attempts: task.attemptCount, durationMs }];
}
