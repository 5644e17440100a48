/**
 * `failed`: a promise was broken. `timeout`: something that should have come did not come in time. `inconclusive`: nothing
 * was proven: a fault did not happen, the system was not well at the start, a check did not end, somebody interrupted.
 */
export type DrillVerdict = "passed" | "failed" | "timeout" | "inconclusive";

/** Why a drill did not simply pass. */
export interface DrillFinding {
  /** `broken`: an invariant does not hold, which no fault excuses. */
  readonly kind: "broken" | "failed" | "timeout" | "inconclusive";
  readonly message: string;
}

const verdictOf = {
  broken: "failed",
  failed: "failed",
  timeout: "timeout",
  inconclusive: "inconclusive",
} as const satisfies Readonly<Record<DrillFinding["kind"], DrillVerdict>>;

/**
 * One verdict of everything found, and its reason. A broken invariant outranks all. Then what proves nothing: whatever
 * else was expected, was expected of a run in which the faults happened. Then what failed, and what did not come in time.
 */
export function judgeFindings(findings: readonly DrillFinding[]): {
  readonly verdict: DrillVerdict;
  readonly reason: string;
} {
  for (const kind of ["broken", "inconclusive", "failed", "timeout"] as const) {
    const found = findings.find((finding) => finding.kind === kind);
    if (found !== undefined) return { verdict: verdictOf[kind], reason: found.message };
  }
  return { verdict: "passed", reason: "" };
}

/** Of several drills together: the gravest. */
export function worstVerdict(verdicts: readonly DrillVerdict[]): DrillVerdict {
  return (["failed", "timeout", "inconclusive"] as const).find((verdict) => verdicts.includes(verdict)) ?? "passed";
}
