import type { Span as ApiSpan, SpanStatusCode } from "@opentelemetry/api";
import type { Attributes, AttributeValue, Span, SpanLink, SpanStatus } from "../../telemetry/index.ts";

const statusNames = { unset: "UNSET", ok: "OK", error: "ERROR" } as const;

/** A span of OpenTelemetry's, by our interface. */
export class OpenTelemetrySpan implements Span {
  readonly inner: ApiSpan;
  readonly traceId: string;
  readonly spanId: string;
  readonly sampled: boolean;
  readonly random: boolean;
  declare readonly traceState?: string;

  readonly #codes: typeof SpanStatusCode;

  constructor(inner: ApiSpan, codes: typeof SpanStatusCode) {
    this.inner = inner;
    this.#codes = codes;
    const { traceId, spanId, traceFlags, traceState } = inner.spanContext();
    this.traceId = traceId;
    this.spanId = spanId;
    this.sampled = (traceFlags & 1) !== 0;
    this.random = (traceFlags & 2) !== 0;
    const state = traceState?.serialize();
    if (state !== undefined && state !== "") this.traceState = state;
  }

  get isRecording(): boolean {
    return this.inner.isRecording();
  }

  setAttribute(name: string, value: AttributeValue | undefined): void {
    if (value !== undefined) this.inner.setAttributes({ [name]: value });
  }

  setAttributes(attributes: Attributes): void {
    this.inner.setAttributes(attributes);
  }

  rename(name: string): void {
    this.inner.updateName(name);
  }

  addEvent(name: string, attributes: Attributes = {}, at?: number): void {
    this.inner.addEvent(name, attributes, at);
  }

  addLink({ context, attributes = {} }: SpanLink): void {
    const { traceId, spanId, sampled, isRemote } = context;
    const linked = { traceId, spanId, traceFlags: sampled ? 1 : 0, ...(isRemote === undefined ? {} : { isRemote }) };
    this.inner.addLink({ context: linked, attributes: attributes });
  }

  setStatus(status: SpanStatus): void {
    const message = status.code === "error" ? status.message : undefined;
    this.inner.setStatus({
      code: this.#codes[statusNames[status.code]],
      ...(message === undefined ? {} : { message }),
    });
  }

  fail(error: unknown): void {
    const exception = error instanceof Error ? error : new Error(String(error));
    const { code } = exception as { readonly code?: unknown };
    this.setAttribute("error.type", typeof code === "string" ? code : exception.name);
    this.setStatus({ code: "error", message: exception.message });
    this.inner.recordException(exception);
  }

  end(at?: number): void {
    this.inner.end(at);
  }
}
