import pRetry from "p-retry";
import type { System } from "./resilience-cases.ts";

export const system: System = {
  retry: (operation) => () => pRetry(operation, { retries: 2 }),
};
