import { createTracer, type FinishedSpan, type SinkTracer } from "../../../telemetry/index.ts";

/** A tracer, and the spans that have ended. */
export interface SpanRecord {
  readonly tracer: SinkTracer;
  readonly spans: readonly FinishedSpan[];
  readonly named: (name: string) => FinishedSpan[];
  /** Resolves when so many have ended. */
  readonly ended: (count: number) => Promise<void>;
}

export function recordSpans(): SpanRecord {
  const spans: FinishedSpan[] = [];
  let wake = Promise.withResolvers<void>();
  const write = (span: FinishedSpan): void => {
    spans.push(span);
    wake.resolve();
    wake = Promise.withResolvers<void>();
  };
  return {
    tracer: createTracer({ sinks: [{ write }] }),
    spans,
    named: (name) => spans.filter((span) => span.name === name),
    ended: async (count) => {
      while (spans.length < count) await wake.promise;
    },
  };
}
