import { severityOf, type Severity } from "./severity.ts";
import { boundedContext, commonValues, type CommonValue } from "./context-log.ts";
import type { ErrorContext } from "./failure.ts";
import type { ErrorKind } from "./holdfast-error.ts";
import { checkInteger, checkNumber, checkOptionNames } from "./check-options.ts";
import { findPeriod, type Period } from "./periodicity.ts";

/** One error of a history. */
export interface ErrorRecord {
  /** Monotonic milliseconds. */
  readonly at: number;
  readonly kind: ErrorKind;
  readonly context?: ErrorContext;
}

/** What errors of one kind have in common, in the history that is remembered. */
export interface ErrorPattern {
  readonly kind: ErrorKind;
  readonly severity: Severity;
  readonly count: number;
  /** Over the span of the whole history; 0 when all came at once. */
  readonly ratePerSecond: number;
  /** Errors that come in one go count as one burst. */
  readonly bursts: number;
  /** Between the starts of bursts; undefined with fewer than two. */
  readonly meanIntervalMs: number | undefined;
  /** Standard deviation of the intervals over their mean: 0 as a clock, 1 as by chance; undefined with fewer than two. */
  readonly variation: number | undefined;
  /** Undefined when the bursts keep to no period, or are too few to tell. */
  readonly period: Period | undefined;
  /** The commonest value of every field of their contexts. */
  readonly commonest: readonly CommonValue[];
}

export interface ErrorHistoryOptions {
  /** How many errors are remembered, the last ones: 3 up to 100 000. Default 1 000. */
  readonly maxRecords?: number;
  /** Errors closer than this belong to one burst: milliseconds >= 0. Default 1 000. */
  readonly burstGapMs?: number;
}

export const errorHistoryDefaults: Required<ErrorHistoryOptions> = { maxRecords: 1_000, burstGapMs: 1_000 };

/** Fewer errors of a kind are no pattern. */
export const minPatternErrors = 3;

export interface ErrorHistory {
  readonly size: number;
  /** Remembers an error; the oldest leaves when there is no room. Times must not go back. */
  record(record: ErrorRecord): void;
  /** One for each kind with at least 3 errors, the most frequent first. */
  patterns(): ErrorPattern[];
}

/**
 * Remembers the last errors and finds what kinds come how often, at which intervals, and after which period.
 *
 * @throws InvalidArgumentError
 */
export function createErrorHistory(options: ErrorHistoryOptions = {}): ErrorHistory {
  checkOptionNames("errorHistory", options, Object.keys(errorHistoryDefaults));
  const { maxRecords, burstGapMs } = { ...errorHistoryDefaults, ...options };
  checkInteger("errorHistory.maxRecords", maxRecords, minPatternErrors, 100_000);
  checkNumber("errorHistory.burstGapMs", burstGapMs, 0);
  const records: ErrorRecord[] = [];
  let next = 0;
  const inOrder = (): ErrorRecord[] => [...records.slice(next), ...records.slice(0, next)];
  return {
    get size() {
      return records.length;
    },
    record(record) {
      const before = records[(next + records.length - 1) % Math.max(1, records.length)]?.at ?? -Infinity;
      const at = Math.max(before, checkNumber("errorHistory.at", record.at, -Number.MAX_VALUE));
      const { kind, context } = record;
      const kept = context === undefined ? { at, kind } : { at, kind, context: boundedContext(context) };
      if (records.length < maxRecords) records.push(kept);
      else {
        records[next] = kept;
        next = (next + 1) % maxRecords;
      }
    },
    patterns: () => patternsOf(inOrder(), burstGapMs),
  };
}

function patternsOf(records: readonly ErrorRecord[], burstGapMs: number): ErrorPattern[] {
  const spanMs = (records.at(-1)?.at ?? 0) - (records[0]?.at ?? 0);
  const byKind = Map.groupBy(records, ({ kind }) => kind);
  const patterns: ErrorPattern[] = [];
  for (const [kind, own] of byKind) {
    if (own.length < minPatternErrors) continue;
    const starts = burstStarts(own, burstGapMs);
    const intervals = starts.slice(1).map((start, at) => start - (starts[at] as number));
    const mean = intervals.reduce((sum, each) => sum + each, 0) / intervals.length;
    const variance = intervals.reduce((sum, each) => sum + (each - mean) ** 2, 0) / intervals.length;
    patterns.push({
      kind,
      severity: severityOf({ kind }),
      count: own.length,
      ratePerSecond: spanMs === 0 ? 0 : (own.length * 1000) / spanMs,
      bursts: starts.length,
      meanIntervalMs: intervals.length === 0 ? undefined : mean,
      variation: intervals.length < 2 ? undefined : Math.sqrt(variance) / mean,
      period: findPeriod(starts),
      commonest: commonValues(own.flatMap(({ context }) => (context === undefined ? [] : [context]))),
    });
  }
  return patterns.sort((one, two) => two.count - one.count);
}

function burstStarts(records: readonly ErrorRecord[], gapMs: number): number[] {
  const starts: number[] = [];
  let last = -Infinity;
  for (const { at } of records) {
    if (at - last > gapMs) starts.push(at);
    last = at;
  }
  return starts;
}
