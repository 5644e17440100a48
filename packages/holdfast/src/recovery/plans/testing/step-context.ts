import type { StepContext } from "../step-executor.ts";

/** What one try of a step is told, for tests that call an executor themselves. */
export function stepContext(parameters: StepContext["parameters"], more: Partial<StepContext> = {}): StepContext {
  const { signal } = new AbortController();
  const names = { planId: "p", executionId: "e", stepId: "s", idempotencyKey: "e/s" };
  return { ...names, attempt: 1, fencingToken: 1, outputs: new Map(), parameters, signal, ...more };
}
