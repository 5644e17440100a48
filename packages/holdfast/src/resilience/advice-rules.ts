import type { OperationMetrics } from "./operation-metrics.ts";

/** From which values on advice is given; shares are 0..1. */
export interface AdviceThresholds {
  /** A 99th percentile from this on is slow: milliseconds. Default 1 000. */
  readonly slowMs: number;
  /** So many calls for what was asked before make a cache worth it. Default 0.5. */
  readonly repeatShare: number;
  /** Tries beyond the first, by calls, that are load of their own. Default 0.2. */
  readonly retryRatio: number;
  /** Failures that are too many. Default 0.1. */
  readonly failureShare: number;
  /** Failures that may go away, among all, for which a retry is worth it. Default 0.8. */
  readonly transientShare: number;
  /** The 99th percentile over the median, from which on few calls are much slower than most. Default 10. */
  readonly tailRatio: number;
  /** Calls turned away that are too many. Default 0.05. */
  readonly rejectedShare: number;
  /** Failures of what failed before that are too many. Default 0.05. */
  readonly repeatedFailureShare: number;
  /** Calls at once that ought to have a limit. Default 100. */
  readonly inFlight: number;
}

export const adviceThresholds: AdviceThresholds = {
  slowMs: 1_000,
  repeatShare: 0.5,
  retryRatio: 0.2,
  failureShare: 0.1,
  transientShare: 0.8,
  tailRatio: 10,
  rejectedShare: 0.05,
  repeatedFailureShare: 0.05,
  inFlight: 100,
};

/** A policy to put around the operation, or the one whose limit to look at. */
export type AdviceAction =
  | "cache"
  | "timeout"
  | "circuitBreaker"
  | "retry"
  | "hedge"
  | "bulkhead"
  | "negativeCache"
  | "capacity";

/** A number that was measured, and the one from which on it counts. */
export interface Evidence {
  readonly metric: keyof OperationMetrics | "tailRatio";
  readonly value: number;
  readonly threshold: number;
}

export interface AdviceRule {
  readonly action: AdviceAction;
  readonly reason: string;
  /** What must hold, all of it. */
  readonly needs: (metrics: OperationMetrics, thresholds: AdviceThresholds) => readonly Evidence[];
  /** What must not hold, for the advice to be the right one. */
  readonly unless?: (metrics: OperationMetrics, thresholds: AdviceThresholds) => boolean;
}

/** In the order of urgency. */
export const adviceRules: readonly AdviceRule[] = [
  {
    action: "circuitBreaker",
    reason: "retries add load to what fails already: stop calling it for a while",
    needs: (m, t) => [{ metric: "retryRatio", value: m.retryRatio, threshold: t.retryRatio }],
  },
  {
    action: "retry",
    reason: "most failures may go away, and nobody tries again: retry with backoff and a budget",
    needs: (m, t) => [
      { metric: "failureShare", value: m.failureShare, threshold: t.failureShare },
      { metric: "transientShare", value: m.transientShare, threshold: t.transientShare },
    ],
    unless: (m) => m.retryRatio > 0,
  },
  {
    action: "negativeCache",
    reason: "what failed is asked for again and fails again: remember the failure",
    needs: (m, t) => [
      { metric: "repeatedFailureShare", value: m.repeatedFailureShare, threshold: t.repeatedFailureShare },
    ],
    // What may go away would be remembered too long.
    unless: (m, t) => m.transientShare >= t.transientShare,
  },
  {
    action: "cache",
    reason: "slow, and the same is asked for again: keep the results",
    needs: (m, t) => [
      { metric: "p99Ms", value: m.p99Ms, threshold: t.slowMs },
      { metric: "repeatShare", value: m.repeatShare, threshold: t.repeatShare },
    ],
  },
  {
    action: "timeout",
    reason: "slow calls hold what others wait for: limit their time",
    needs: (m, t) => [{ metric: "p99Ms", value: m.p99Ms, threshold: t.slowMs }],
  },
  {
    action: "hedge",
    reason:
      "few calls are much slower than most: ask a second time when the first is late, if a repetition does no harm",
    needs: (m, t) => [{ metric: "tailRatio", value: m.p50Ms > 0 ? m.p99Ms / m.p50Ms : 0, threshold: t.tailRatio }],
    unless: (m, t) => m.failureShare >= t.failureShare,
  },
  {
    action: "bulkhead",
    reason: "many calls at once while it is slow: limit how many, so that others keep their share",
    needs: (m, t) => [
      { metric: "maxInFlight", value: m.maxInFlight, threshold: t.inFlight },
      { metric: "p99Ms", value: m.p99Ms, threshold: t.slowMs },
    ],
  },
  {
    action: "capacity",
    reason: "many calls are turned away: raise the limit if what is behind it can bear that, else add capacity",
    needs: (m, t) => [{ metric: "rejectedShare", value: m.rejectedShare, threshold: t.rejectedShare }],
  },
];
