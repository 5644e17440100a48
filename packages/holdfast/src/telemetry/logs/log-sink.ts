import type { LogEntry, LogLevel } from "./log-entry.ts";

/** Where lines go. */
export interface LogSink {
  /** The least grave it wants. Default: all that the logger lets through. */
  readonly level?: LogLevel;
  /** Takes one, at once: never waits, and never throws for lines that it cannot keep, but counts them. */
  write(entry: LogEntry): void;
  /** Resolves when everything written before has arrived, or cannot. */
  flush?(options?: { readonly signal?: AbortSignal }): Promise<void>;
  /** Flushes, and takes no more. */
  close?(): Promise<void>;
}
