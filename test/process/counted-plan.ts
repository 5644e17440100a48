import type { Coordination } from "holdfast/coordination";
import { customExecutor, type Plan, type StepExecutor } from "holdfast/recovery";

/** Three steps of which the last fails, and what undoes the others. */
export const countedPlan: Plan = {
  id: "counted",
  steps: [
    { id: "a", type: "count" },
    { id: "b", type: "count", dependsOn: ["a"] },
    { id: "c", type: "count", dependsOn: ["b"], parameters: { fails: true } },
  ],
};

/** What a step did, and how often: each time is a version of the key. */
export const effectKey = (execution: string, what: string): Uint8Array =>
  new TextEncoder().encode(`effects/${execution}/${what}`);

/** Counts in the store what it does and undoes. */
export function countedExecutor(coordination: Coordination): StepExecutor {
  const count = async (execution: string, what: string): Promise<void> => {
    await coordination.put({ key: effectKey(execution, what), value: new Uint8Array(0) }, { timeoutMs: 20_000 });
  };
  return customExecutor(
    "count",
    async ({ executionId, stepId, parameters }) => {
      if (parameters["fails"] === true) throw new Error("this one fails");
      await count(executionId, stepId);
    },
    { rollback: ({ executionId, stepId }) => count(executionId, `undo ${stepId}`) },
  );
}
