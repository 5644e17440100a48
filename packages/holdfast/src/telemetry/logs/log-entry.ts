import { utcText } from "../../runtime/system.ts";

/** From the least to the gravest. */
export const logLevels = ["trace", "debug", "info", "warn", "error", "fatal"] as const;

export type LogLevel = (typeof logLevels)[number];

/** How grave: 10 for `trace`, then ten more for each, as most log systems number them. */
export function gravityOf(level: LogLevel): number {
  return (logLevels.indexOf(level) + 1) * 10;
}

/** What JSON can say; what a log holds after redaction. */
export type LogValue = string | number | boolean | null | readonly LogValue[] | { readonly [name: string]: LogValue };

/** One line of a log, as sinks get it: plain, redacted, bounded. */
export interface LogEntry {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly level: LogLevel;
  readonly service: string;
  readonly message: string;
  /** W3C Trace Context: 32 and 16 hexadecimal digits, where the line was written inside a span. */
  readonly traceId?: string;
  readonly spanId?: string;
  readonly error?: LoggedError;
  /** Apart from the above, so that no name of a field can be taken for one of those. */
  readonly fields: { readonly [name: string]: LogValue };
  /** How many lines alike were held back before this one. */
  readonly suppressed?: number;
}

export interface LoggedError {
  readonly name: string;
  readonly message: string;
  readonly code?: string;
  readonly stack?: string;
  readonly cause?: LoggedError;
  /** Of an `AggregateError`, at most eight. */
  readonly errors?: readonly LoggedError[];
}

/** An entry as one line of JSON: `time` in ISO 8601, the trace's ids under their OpenTelemetry names. */
export function logLine(entry: LogEntry): string {
  const { at, level, service, message, traceId, spanId, error, fields, suppressed } = entry;
  return JSON.stringify({
    time: utcText(at, { withMs: true }),
    level,
    service,
    message,
    ...(traceId === undefined ? {} : { trace_id: traceId }),
    ...(spanId === undefined ? {} : { span_id: spanId }),
    ...(error === undefined ? {} : { error }),
    ...(Object.keys(fields).length === 0 ? {} : { fields }),
    ...(suppressed === undefined ? {} : { suppressed }),
  });
}
