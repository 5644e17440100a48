import type * as OpenTelemetry from "@opentelemetry/api";
import { InvalidArgumentError } from "../../errors/base.ts";
import { runInSpan, type Span, type SpanOptions, type TraceContext, type Tracer } from "../../telemetry/index.ts";
import { OpenTelemetrySpan } from "./open-telemetry-span.ts";

/** The part of `@opentelemetry/api` that is used. */
export type OpenTelemetryApi = Pick<
  typeof OpenTelemetry,
  "trace" | "context" | "createTraceState" | "isSpanContextValid" | "SpanKind" | "SpanStatusCode"
>;

export interface OpenTelemetryTracerOptions {
  /** The instrumentation's. Default `holdfast`. */
  readonly name?: string;
  readonly version?: string;
}

/**
 * A tracer whose spans are OpenTelemetry's, made by the provider that the program has registered, and whose current span is
 * that of OpenTelemetry's active context: the spans of policies and adapters stand among the program's own. Without a
 * context manager nothing is current, as everywhere in OpenTelemetry.
 *
 * @throws InvalidArgumentError for what is not the module
 * @example
 * import * as api from "@opentelemetry/api";
 * const stock = pipeline(traced({ tracer: openTelemetryTracer(api), name: "stock" }), retry());
 */
export function openTelemetryTracer(api: OpenTelemetryApi, options: OpenTelemetryTracerOptions = {}): Tracer {
  if (typeof api?.trace?.getTracer !== "function" || typeof api.context?.active !== "function") {
    throw new InvalidArgumentError("openTelemetryTracer.api", "must be the module @opentelemetry/api", api);
  }
  const { name = "holdfast", version } = options;
  return new ApiTracer(api, api.trace.getTracer(name, version));
}

const kindNames = {
  internal: "INTERNAL",
  server: "SERVER",
  client: "CLIENT",
  producer: "PRODUCER",
  consumer: "CONSUMER",
} as const;

class ApiTracer implements Tracer {
  readonly #api: OpenTelemetryApi;
  readonly #tracer: OpenTelemetry.Tracer;
  /** One of ours for each of theirs. */
  readonly #spans = new WeakMap<OpenTelemetry.Span, OpenTelemetrySpan>();

  constructor(api: OpenTelemetryApi, tracer: OpenTelemetry.Tracer) {
    this.#api = api;
    this.#tracer = tracer;
  }

  startSpan(name: string, options: SpanOptions = {}): Span {
    const { kind = "internal", parent, attributes = {}, links = [], startedAt } = options;
    const inner = this.#tracer.startSpan(
      name,
      {
        kind: this.#api.SpanKind[kindNames[kind]],
        attributes,
        links: links.map((link) => ({
          context: this.#contextOf(link.context),
          attributes: link.attributes ?? {},
        })),
        ...(startedAt === undefined ? {} : { startTime: startedAt }),
      },
      this.#around(parent),
    );
    return this.#ours(inner);
  }

  inSpan<R>(name: string, work: (span: Span) => R, options?: SpanOptions): R {
    return runInSpan(this, name, work, options);
  }

  run<R>(span: Span | undefined, work: () => R): R {
    const { context, trace } = this.#api;
    return context.with(span === undefined ? trace.deleteSpan(context.active()) : this.#around(span), work);
  }

  current(): Span | undefined {
    const span = this.#api.trace.getSpan(this.#api.context.active());
    if (span === undefined || !this.#api.isSpanContextValid(span.spanContext())) return undefined;
    return this.#ours(span);
  }

  #ours(inner: OpenTelemetry.Span): OpenTelemetrySpan {
    let span = this.#spans.get(inner);
    if (span === undefined) this.#spans.set(inner, (span = new OpenTelemetrySpan(inner, this.#api.SpanStatusCode)));
    return span;
  }

  /** The active context, with everything else that it holds, and `parent` as its span. */
  #around(parent: TraceContext | null | undefined): OpenTelemetry.Context {
    const { context, trace } = this.#api;
    const active = context.active();
    if (parent === undefined) return active;
    if (parent === null) return trace.deleteSpan(active);
    if (parent instanceof OpenTelemetrySpan) return trace.setSpan(active, parent.inner);
    return trace.setSpanContext(active, this.#contextOf(parent));
  }

  #contextOf({ traceId, spanId, sampled, random, traceState, isRemote }: TraceContext): OpenTelemetry.SpanContext {
    return {
      traceId,
      spanId,
      traceFlags: (sampled ? 1 : 0) | (random === true ? 2 : 0),
      ...(traceState === undefined ? {} : { traceState: this.#api.createTraceState(traceState) }),
      ...(isRemote === undefined ? {} : { isRemote }),
    };
  }
}
