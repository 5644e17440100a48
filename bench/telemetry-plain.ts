import type { System } from "./resilience-cases.ts";
import { watchedSystem } from "./telemetry-system.ts";

/** The same policies, watched by nobody. */
export const system: System = watchedSystem(() => ({ onEvent: undefined, onPolicy: () => {} }));
