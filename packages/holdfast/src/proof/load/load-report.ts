import type { ErrorKind } from "../../errors/base.ts";
import type { HistogramData, LatencySummary } from "./histogram.ts";

/** One stretch of a run. Ends are counted where they happen, which may be long after the operation was due. */
export interface TimelineEntry {
  /** From the beginning of what is measured. */
  readonly atMs: number;
  readonly forMs: number;
  readonly offered: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly dropped: number;
  /** Of the operations that succeeded in it; null without any. */
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  readonly maxMs: number | null;
}

/** Failures of one code, as `classify` finds it. */
export interface LoadFailure {
  readonly kind: ErrorKind;
  readonly code: string;
  readonly count: number;
  /** What the first of them said. */
  readonly message: string;
}

/** The operations of one name. */
export interface NamedLoad {
  readonly succeeded: number;
  readonly failed: number;
  readonly latency: LatencySummary;
}

/** What a run of load found, without the warm-up; JSON as it is. */
export interface LoadReport {
  readonly mode: "open" | "closed";
  /** Milliseconds since 1970 when the measured part began. */
  readonly startedAt: number;
  /** How long operations were offered. */
  readonly durationMs: number;
  /** Until the last of them had ended. */
  readonly elapsedMs: number;
  /** How many were due; `started` and `dropped` together. */
  readonly offered: number;
  readonly started: number;
  readonly succeeded: number;
  readonly failed: number;
  /** Due while `maxInFlight` were under way, and never started. */
  readonly dropped: number;
  /** Still under way when the run gave up on them. */
  readonly unfinished: number;
  /** The share of those offered that did not succeed, for whatever reason; 0 when none was offered. */
  readonly errorRatio: number;
  /** Successes a second of `elapsedMs`. */
  readonly throughputPerSecond: number;
  /** The most frequent first; beyond 100 codes the rest are one of code `OTHER`. */
  readonly failures: readonly LoadFailure[];
  /** Of successes, from when they were due: what a user waits. */
  readonly latency: LatencySummary;
  /** Of successes, from when they were started: what the service took. */
  readonly service: LatencySummary;
  /** Of failures, from when they were due. */
  readonly failedLatency: LatencySummary;
  /** Of all, from when they were due to when they were started: what the generator itself is late by. */
  readonly lateness: LatencySummary;
  readonly operations: Readonly<Record<string, NamedLoad>>;
  readonly timeline: readonly TimelineEntry[];
  readonly histograms: {
    readonly latency: HistogramData;
    readonly service: HistogramData;
    readonly failedLatency: HistogramData;
    readonly lateness: HistogramData;
  };
}
