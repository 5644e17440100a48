import { ResilienceError } from "./resilience-error.ts";

/** Why a hedged attempt was aborted: another attempt's outcome was taken. Only the losing operation ever sees it. */
export class HedgeLostError extends ResilienceError {
  static override readonly brand: string = "HedgeLostError";

  constructor() {
    super("another attempt was faster", { name: "HedgeLostError", code: "HEDGE_LOST", kind: "business" });
  }
}
