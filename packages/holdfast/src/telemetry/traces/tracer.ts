import { checkFunction, checkInteger, checkOneOf, checkOptionNames, InvalidArgumentError } from "../../errors/base.ts";
import { asyncContext, type AsyncContext, systemClock, systemRandom } from "../../runtime/system.ts";
import type { Clock, RandomSource } from "../../runtime/system.ts";
import { RecordingSpan, TimeAnchor, UnrecordedSpan } from "./recording-span.ts";
import { sampleByParent, type Sampler } from "./sampler.ts";
import {
  spanKinds,
  type Attributes,
  type FinishedSpan,
  type Span,
  type SpanKind,
  type SpanLimits,
  type SpanLink,
} from "./span.ts";
import type { SpanSink } from "./span-sink.ts";
import type { TraceContext } from "./trace-context.ts";

export interface SpanOptions {
  /** Default `internal`. */
  readonly kind?: SpanKind;
  /** Default the current span; null begins a trace. */
  readonly parent?: TraceContext | null | undefined;
  readonly attributes?: Attributes;
  readonly links?: readonly SpanLink[];
  /** Milliseconds since 1970, with fractions. Default now. */
  readonly startedAt?: number;
}

/** Makes spans, and knows which one is under way. */
export interface Tracer {
  /** Whoever begins a span ends it. It is nobody's current span until `run` makes it one. */
  startSpan(name: string, options?: SpanOptions): Span;
  /** Runs `work` in a span of its own, that ends with what `work` gives or throws, or with the promise that it gives. */
  inSpan<R>(name: string, work: (span: Span) => R, options?: SpanOptions): R;
  /** Runs `work`, with all that it begins, while `span` is the current one. */
  run<R>(span: Span | undefined, work: () => R): R;
  /** The span under way here; fits a logger's `span`. */
  current(): Span | undefined;
}

export interface TracerOptions {
  /** Where spans that have ended go. */
  readonly sinks?: readonly SpanSink[];
  /** Default as the parent, and all traces that begin here. */
  readonly sampler?: Sampler;
  readonly limits?: Partial<SpanLimits>;
  readonly clock?: Pick<Clock, "now" | "wallTime">;
  /** Where ids come from. */
  readonly random?: RandomSource;
  /** What keeps the current span. Default Node's, one for each tracer. */
  readonly context?: AsyncContext<Span>;
}

/** How often what happened since the start. */
export interface TracerMetrics {
  /** Spans that are, or were, recorded. */
  readonly started: number;
  readonly ended: number;
  readonly unsampled: number;
  /** Exceptions of sinks and samplers: of a sink, the span is lost there. */
  readonly failures: number;
}

/** A tracer whose spans go to sinks. */
export interface SinkTracer extends Tracer, AsyncDisposable {
  /** Resolves when all sinks have what ended before, or cannot. Never rejects. */
  flush(options?: { readonly signal?: AbortSignal }): Promise<void>;
  /** Flushes and closes the sinks. */
  close(): Promise<void>;
  readonly metrics: TracerMetrics;
}

export const tracerDefaults: { readonly limits: SpanLimits } = {
  limits: { maxAttributes: 128, maxEvents: 128, maxLinks: 128, maxText: 8_192 },
};

/**
 * A tracer: spans with W3C ids, sampled, bounded, and given to sinks when they end.
 *
 * @throws InvalidArgumentError naming the option, its rule and its value
 * @example
 * const tracer = createTracer({ sinks: [otlpSpanSink({ url: "http://127.0.0.1:4318/v1/traces", service: "shop", fetch })] });
 * await tracer.inSpan("checkout", async (span) => span.setAttribute("items", 3));
 * await tracer.close();
 */
export function createTracer(options: TracerOptions = {}): SinkTracer {
  checkOptionNames("tracer", options, ["sinks", "sampler", "limits", "clock", "random", "context"]);
  const { sinks = [], sampler = sampleByParent(), limits = {}, clock = systemClock, random = systemRandom } = options;
  if (!Array.isArray(sinks)) throw new InvalidArgumentError("tracer.sinks", "must be a list", sinks);
  for (const [at, sink] of (sinks as readonly SpanSink[]).entries()) {
    if (typeof sink?.write !== "function") {
      throw new InvalidArgumentError(`tracer.sinks[${at}]`, "must have a function write", sink);
    }
  }
  checkFunction("tracer.sampler", sampler);
  checkOptionNames("tracer.limits", limits, Object.keys(tracerDefaults.limits));
  const bounds = { ...tracerDefaults.limits, ...limits };
  for (const name of Object.keys(bounds) as (keyof SpanLimits)[]) {
    checkInteger(`tracer.limits.${name}`, bounds[name], 0, 1_000_000);
  }
  return new SpanTracer(sinks, sampler, bounds, clock, random, options.context ?? asyncContext<Span>());
}

class SpanTracer implements SinkTracer {
  readonly #sinks: readonly SpanSink[];
  readonly #sampler: Sampler;
  readonly #limits: SpanLimits;
  readonly #clock: Pick<Clock, "now" | "wallTime">;
  readonly #random: RandomSource;
  readonly #context: AsyncContext<Span>;
  readonly #metrics = { started: 0, ended: 0, unsampled: 0, failures: 0 };
  readonly #onEnd = (span: FinishedSpan): void => this.#give(span);

  constructor(
    sinks: readonly SpanSink[],
    sampler: Sampler,
    limits: SpanLimits,
    clock: Pick<Clock, "now" | "wallTime">,
    random: RandomSource,
    context: AsyncContext<Span>,
  ) {
    this.#sinks = sinks;
    this.#sampler = sampler;
    this.#limits = limits;
    this.#clock = clock;
    this.#random = random;
    this.#context = context;
  }

  get metrics(): TracerMetrics {
    return { ...this.#metrics };
  }

  startSpan(name: string, options: SpanOptions = {}): Span {
    const { kind = "internal", parent: given = this.current(), attributes, links, startedAt } = options;
    checkOneOf("span.kind", kind, spanKinds);
    const parent = given ?? undefined;
    const traceId = parent?.traceId ?? this.#id(32);
    const sampled = this.#isSampled({ traceId, parent, name, kind });
    const context: TraceContext = {
      traceId,
      spanId: this.#id(16),
      sampled,
      // Of an id that somebody else has drawn, they know.
      random: parent === undefined || parent.random === true,
      ...(parent?.traceState !== undefined && { traceState: parent.traceState }),
    };
    if (!sampled) {
      this.#metrics.unsampled++;
      return new UnrecordedSpan(context);
    }
    this.#metrics.started++;
    const anchor = parent instanceof RecordingSpan ? parent.anchor : new TimeAnchor(this.#clock);
    const beginning = { context, parent, name, kind, startedAt, attributes, links };
    return new RecordingSpan(beginning, anchor, this.#limits, this.#onEnd);
  }

  inSpan<R>(name: string, work: (span: Span) => R, options?: SpanOptions): R {
    return runInSpan(this, name, work, options);
  }

  run<R>(span: Span | undefined, work: () => R): R {
    return this.#context.run(span, work);
  }

  current(): Span | undefined {
    return this.#context.current();
  }

  flush(options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    return this.#all((sink) => sink.flush?.(options));
  }

  close(): Promise<void> {
    return this.#all((sink) => (sink.close === undefined ? sink.flush?.() : sink.close()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #isSampled(request: Parameters<Sampler>[0]): boolean {
    try {
      return this.#sampler(request);
    } catch {
      this.#metrics.failures++;
      return false;
    }
  }

  #give(span: FinishedSpan): void {
    this.#metrics.ended++;
    if (this.#sinks.length === 0) return;
    // Outside of all spans: what a sink begins here, sending for instance, is none of this trace's.
    this.#context.run(undefined, () => {
      for (const sink of this.#sinks) {
        try {
          sink.write(span);
        } catch {
          this.#metrics.failures++;
        }
      }
    });
  }

  async #all(work: (sink: SpanSink) => Promise<void> | undefined): Promise<void> {
    await Promise.all(
      this.#sinks.map(async (sink) => {
        try {
          await work(sink);
        } catch {
          this.#metrics.failures++;
        }
      }),
    );
  }

  /** Random hexadecimal digits, eight from each number. All zero would be no id. */
  #id(digits: 16 | 32): string {
    let id = "";
    let isZero = true;
    while (id.length < digits) {
      const bits = Math.floor(this.#random.next() * 2 ** 32);
      if (bits !== 0) isZero = false;
      id += hexOf(bits >>> 24) + hexOf((bits >>> 16) & 255) + hexOf((bits >>> 8) & 255) + hexOf(bits & 255);
    }
    return isZero ? `${id.slice(0, -1)}1` : id;
  }
}

const bytesInHex: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

function hexOf(byte: number): string {
  return bytesInHex[byte] ?? "";
}

/** @throws InvalidArgumentError for what is no tracer */
export function checkTracer(name: string, tracer: Tracer): Tracer {
  if (typeof tracer?.startSpan === "function" && typeof tracer.run === "function") return tracer;
  throw new InvalidArgumentError(name, "must be a tracer", tracer);
}

/** What `inSpan` does, for any tracer. */
export function runInSpan<R>(tracer: Tracer, name: string, work: (span: Span) => R, options?: SpanOptions): R {
  const span = tracer.startSpan(name, options);
  const failed = (error: unknown): never => {
    span.fail(error);
    span.end();
    throw error;
  };
  let result: R;
  try {
    result = tracer.run(span, () => work(span));
  } catch (error) {
    return failed(error);
  }
  if (result instanceof Promise) {
    return result.then((value: unknown) => {
      span.end();
      return value;
    }, failed) as R;
  }
  span.end();
  return result;
}
