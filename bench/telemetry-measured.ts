import { measure, pipeline } from "holdfast/resilience";
import { callMetrics, createMetrics } from "holdfast/telemetry";
import type { System } from "./resilience-cases.ts";
import { watchedSystem } from "./telemetry-system.ts";

/** Policies inside `measure`, which times every single call. */
export const system: System = watchedSystem(() => {
  const observer = callMetrics(createMetrics(), { name: "bench" });
  return { onEvent: undefined, around: (policy) => pipeline(measure({ observer }), policy), onPolicy: () => {} };
});
