/** One thing that policies do, measured of every system that does it. */
export interface ResilienceCase {
  readonly title: string;
  /** Whether what is called fails: never, seven times in eight, or not called at all. */
  readonly operation: "succeeds" | "fails 7 in 8";
  /** Whether the memory taken by a call is of interest too. */
  readonly bytes: boolean;
}

export type CaseName = "retry" | "breaker" | "timeout" | "bulkhead" | "fallback" | "pipeline" | "open" | "window";

const success = { operation: "succeeds", bytes: true } as const;

export const resilienceCases: Readonly<Record<CaseName, ResilienceCase>> = {
  retry: { ...success, title: "retry, success" },
  breaker: { ...success, title: "circuit breaker, success" },
  timeout: { ...success, title: "timeout, success" },
  bulkhead: { ...success, title: "bulkhead, success" },
  fallback: { ...success, title: "fallback, success" },
  pipeline: { ...success, title: "retry + breaker + timeout + bulkhead, success" },
  open: { operation: "succeeds", bytes: false, title: "rejection by an open breaker" },
  window: { operation: "fails 7 in 8", bytes: false, title: "breaker, a window of 100 000 calls, 7 in 8 fail" },
};

/** Protects an operation: what it gives is called again and again. */
export type Protect = (operation: () => Promise<number>) => () => Promise<unknown>;

/** What a system can do of the cases. */
export type System = Readonly<Partial<Record<CaseName, Protect>>>;

export const windowSize = 100_000;
