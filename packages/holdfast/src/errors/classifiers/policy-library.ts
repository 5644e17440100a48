import type { Classifier } from "../classifier.ts";
import type { ErrorShape } from "../error-shape.ts";

/** Rejections of other fault tolerance libraries: cockatiel marks them, opossum gives codes, p-timeout a name. */
export const policyLibraryClassifier: Classifier = {
  system: "policy",
  rules: {
    isBrokenCircuitError: "CIRCUIT_OPEN",
    isIsolatedCircuitError: "CIRCUIT_OPEN",
    isBulkheadRejectedError: "BULKHEAD_FULL",
    isTaskCancelledError: "OPERATION_TIMED_OUT",
    EOPENBREAKER: "CIRCUIT_OPEN",
    ESEMLOCKED: "BULKHEAD_FULL",
    ESHUTDOWN: "CLIENT_CLOSED",
    "ETIMEDOUT breaker": "OPERATION_TIMED_OUT",
    "Promise timed out": "OPERATION_TIMED_OUT",
  },
  keys,
};

const marks = ["isIsolatedCircuitError", "isBrokenCircuitError", "isBulkheadRejectedError", "isTaskCancelledError"];

function keys(error: ErrorShape): readonly string[] {
  const mark = marks.find((name) => error.flag(name));
  if (mark !== undefined) return [mark];
  const code = error.text("code");
  // The platform's ESHUTDOWN has a system call, and so has its ETIMEDOUT.
  if (code !== undefined && error.get("syscall") === undefined) {
    if (code === "ETIMEDOUT" && error.message.startsWith("Timed out after ")) return ["ETIMEDOUT breaker"];
    if (["EOPENBREAKER", "ESEMLOCKED", "ESHUTDOWN"].includes(code)) return [code];
  }
  const isTimeout = error.name === "TimeoutError" && error.message.startsWith("Promise timed out after ");
  return isTimeout ? ["Promise timed out"] : [];
}
