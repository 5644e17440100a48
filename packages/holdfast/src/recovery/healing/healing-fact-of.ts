import type { HealingFact } from "../../telemetry/index.ts";
import type { HealingDecision } from "./healing-decision.ts";

/** A decision as telemetry tells it: with names in place of ids, in words. */
export function healingFactOf(decision: HealingDecision): HealingFact {
  const { text } = decision;
  switch (decision.type) {
    case "started":
      return { type: "healingStarted", action: decision.action.type, text, because: decision.because };
    case "ended": {
      const { action, outcome, reason, tookMs } = decision;
      return { type: "healingEnded", action: action.type, text, outcome, reason, tookMs };
    }
    case "withheld": {
      const { action, because, guard, reason } = decision;
      return { type: "healingWithheld", action: action.type, text, because, guard, reason };
    }
    case "personWanted":
      return { type: "healingPersonWanted", reason: decision.reason };
    case "weakened":
      return { type: "clusterWeakened", reason: decision.reason };
    default:
      return { type: "clusterRestored", tookMs: decision.tookMs };
  }
}
