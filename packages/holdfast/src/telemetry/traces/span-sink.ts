import type { FinishedSpan } from "./span.ts";

/** Where spans go. */
export interface SpanSink {
  /** Takes one, at once: never waits, and never throws for spans that it cannot keep, but counts them. */
  write(span: FinishedSpan): void;
  /** Resolves when everything written before has arrived, or cannot. */
  flush?(options?: { readonly signal?: AbortSignal }): Promise<void>;
  /** Flushes, and takes no more. */
  close?(): Promise<void>;
}
