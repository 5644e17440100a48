import type { CompiledAction, CompiledPlan } from "./compile-plan.ts";

/** Whether it is a step that is run, or what undoes it. */
export type Side = "forward" | "undo";

export function actionOf(plan: CompiledPlan, side: Side, id: string): CompiledAction {
  const step = plan.steps.get(id)!;
  return side === "forward" ? step : step.undo!;
}
