import type { ErrorKind, HoldfastError } from "./holdfast-error.ts";

export type Severity = "low" | "medium" | "high" | "critical";

const severities: Readonly<Record<ErrorKind, Severity>> = {
  network: "medium",
  timeout: "medium",
  consistency: "high",
  resource: "high",
  business: "low",
  system: "critical",
};

/** How bad it is: of the kind, the same for all errors of it. */
export function severityOf(error: Pick<HoldfastError, "kind">): Severity {
  return severities[error.kind];
}
