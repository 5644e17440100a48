import { spanKinds, type AttributeValue, type FinishedSpan, type KeptAttributes } from "./span.ts";
import type { TraceContext } from "./trace-context.ts";

/** Of whom a document tells. */
export interface OtlpSource {
  /** Attributes of the process: `service.name` and others. */
  readonly resource: KeptAttributes;
  /** What made the spans. */
  readonly scope: string;
}

const statusNumbers = { unset: 0, ok: 1, error: 2 } as const;
/** Bits 8 and 9 of a span's flags say whether its parent is known to be remote (OTLP, `SpanFlags`). */
const knowsRemote = 0x100;
const isRemote = 0x200;

/** Spans as a request of OTLP in JSON: `ExportTraceServiceRequest`, with ids in hexadecimal and long integers as text. */
export function otlpDocument(spans: readonly FinishedSpan[], { resource, scope }: OtlpSource): string {
  return JSON.stringify({
    resourceSpans: [
      {
        resource: { attributes: attributesOf(resource) },
        scopeSpans: [{ scope: { name: scope }, spans: spans.map(otlpSpan) }],
      },
    ],
  });
}

function otlpSpan(span: FinishedSpan): object {
  const { startedAt, durationMs, parentSpanId, traceState, status, dropped } = span;
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    ...(parentSpanId === undefined ? {} : { parentSpanId }),
    ...(traceState === undefined ? {} : { traceState }),
    flags: (span.sampled ? 1 : 0) | knowsRemote | (span.isParentRemote === true ? isRemote : 0),
    name: span.name,
    kind: spanKinds.indexOf(span.kind) + 1,
    startTimeUnixNano: nanoseconds(startedAt),
    endTimeUnixNano: nanoseconds(startedAt + durationMs),
    attributes: attributesOf(span.attributes),
    droppedAttributesCount: dropped.attributes,
    events: span.events.map(({ name, at, attributes }) => ({
      timeUnixNano: nanoseconds(at),
      name,
      attributes: attributesOf(attributes),
    })),
    droppedEventsCount: dropped.events,
    links: span.links.map(({ context, attributes }) => ({ ...linked(context), attributes: attributesOf(attributes) })),
    droppedLinksCount: dropped.links,
    status: { code: statusNumbers[status.code], ...(status.code === "error" ? { message: status.message ?? "" } : {}) },
  };
}

function linked({ traceId, spanId, traceState }: TraceContext): object {
  return { traceId, spanId, ...(traceState === undefined ? {} : { traceState }) };
}

function attributesOf(attributes: KeptAttributes): object[] {
  return Object.entries(attributes).map(([key, value]) => ({ key, value: otlpValue(value) }));
}

function otlpValue(value: AttributeValue): object {
  if (typeof value === "string") return { stringValue: value };
  if (typeof value === "boolean") return { boolValue: value };
  if (typeof value !== "number") return { arrayValue: { values: value.map(otlpValue) } };
  if (Number.isSafeInteger(value)) return { intValue: String(value) };
  // What JSON has no number for.
  return { doubleValue: Number.isFinite(value) ? value : String(value) };
}

/** A number of milliseconds keeps microseconds, no more: the rest would be made up. */
function nanoseconds(ms: number): string {
  return `${Math.round(ms * 1_000)}000`;
}
