import {
  checkFunction,
  checkInteger,
  checkNumber,
  checkOneOf,
  checkOptionNames,
  InvalidArgumentError,
} from "../../errors/base.ts";
import { systemClock, type Clock } from "../../runtime/system.ts";
import { gravityOf, logLevels, type LogEntry, type LogLevel } from "./log-entry.ts";
import type { LogSink } from "./log-sink.ts";
import { createRedaction, readOf, type Redaction, type RedactionOptions } from "./redaction.ts";
import { RepeatFilter } from "./repeat-filter.ts";

export interface LoggerOptions {
  /** In every line; 1 to 128 characters. */
  readonly service: string;
  readonly sinks: readonly LogSink[];
  /** Less grave lines cost a comparison and nothing else. Default `info`. */
  readonly level?: LogLevel;
  /** In every line; a field of the line's own of the same name wins. */
  readonly context?: object;
  readonly redact?: RedactionOptions;
  /**
   * Of lines alike (logger, level and message) so many within a window, and the others are counted into the next one that
   * goes out. Default: no limit.
   */
  readonly repeats?: { readonly most: number; readonly windowMs: number };
  /** The span that is under way, for the ids in the line: a tracer's `current`. */
  readonly span?: () => { readonly traceId: string; readonly spanId: string } | undefined;
  readonly clock?: Pick<Clock, "wallTime" | "now">;
}

/** How often what happened since the start. */
export interface LoggerMetrics {
  readonly written: number;
  /** Held back as repetitions. */
  readonly suppressed: number;
  /** Exceptions of sinks: their lines are lost, the other sinks' are not. */
  readonly sinkFailures: number;
}

/** Writes lines. The last argument is fields; an `error` among them is told with its causes. */
export interface Logger extends AsyncDisposable {
  readonly level: LogLevel;
  trace(message: string, fields?: object): void;
  debug(message: string, fields?: object): void;
  info(message: string, fields?: object): void;
  warn(message: string, fields?: object): void;
  error(message: string, fields?: object): void;
  /** The process is about to end: sinks are told to flush. */
  fatal(message: string, fields?: object): void;
  log(level: LogLevel, message: string, fields?: object): void;
  /** Whether a line of this level would go anywhere: ask before making fields that are dear. */
  wants(level: LogLevel): boolean;
  /** Another logger onto the same sinks, with more context, or another level. This one stays as it is. */
  child(context: object, options?: { readonly level?: LogLevel }): Logger;
  /** Resolves when all sinks have what was written before, or cannot. Never rejects. */
  flush(options?: { readonly signal?: AbortSignal }): Promise<void>;
  /** Flushes and closes all sinks: of the children too. */
  close(): Promise<void>;
  readonly metrics: LoggerMetrics;
}

/**
 * A structured logger. Fields are redacted, bounded and made plain before any sink sees them; nothing that is logged can
 * make it throw.
 *
 * @throws InvalidArgumentError naming the option, its rule and its value
 * @example
 * const logger = createLogger({ service: "orders", sinks: [consoleSink()], context: { version: "1.2.3" } });
 * logger.child({ requestId }).warn("payment declined", { orderId, error });
 */
export function createLogger(options: LoggerOptions): Logger {
  checkOptionNames("logger", options, ["service", "sinks", "level", "context", "redact", "repeats", "span", "clock"]);
  const { service, sinks, level = "info", context = {}, redact, repeats, span, clock = systemClock } = options;
  if (typeof service !== "string" || service === "" || service.length > 128) {
    throw new InvalidArgumentError("logger.service", "must be 1 to 128 characters", service);
  }
  if (!Array.isArray(sinks)) throw new InvalidArgumentError("logger.sinks", "must be a list", sinks);
  for (const [at, sink] of (sinks as readonly LogSink[]).entries()) {
    checkFunction(`logger.sinks[${at}].write`, typeof sink?.write === "function" ? sink.write.bind(sink) : null);
    if (sink.level !== undefined) checkOneOf(`logger.sinks[${at}].level`, sink.level, logLevels);
  }
  checkFunction("logger.span", span);
  if (repeats !== undefined) {
    checkOptionNames("logger.repeats", repeats, ["most", "windowMs"]);
    checkInteger("logger.repeats.most", repeats.most, 1, 1_000_000);
    checkNumber("logger.repeats.windowMs", repeats.windowMs, 1, 24 * 3_600_000);
  }
  const redaction = createRedaction(redact);
  const filter = repeats && new RepeatFilter(repeats.most, repeats.windowMs, clock);
  const outlet = new Outlet(service, sinks, redaction, filter, span, clock);
  return new SinkLogger(outlet, checkOneOf("logger.level", level, logLevels), redaction.fields(checkContext(context)));
}

/** What all children of a logger share. */
class Outlet {
  readonly redaction: Redaction;
  readonly #service: string;
  readonly #sinks: readonly { readonly sink: LogSink; readonly least: number }[];
  readonly #repeats: RepeatFilter | undefined;
  readonly #span: LoggerOptions["span"];
  readonly #clock: Pick<Clock, "wallTime">;
  readonly least: number;
  #written = 0;
  #sinkFailures = 0;

  constructor(
    service: string,
    sinks: readonly LogSink[],
    redaction: Redaction,
    repeats: RepeatFilter | undefined,
    span: LoggerOptions["span"],
    clock: Pick<Clock, "wallTime">,
  ) {
    this.#service = service;
    this.#sinks = sinks.map((sink) => ({ sink, least: gravityOf(sink.level ?? "trace") }));
    this.least = Math.min(Infinity, ...this.#sinks.map(({ least }) => least));
    this.redaction = redaction;
    this.#repeats = repeats;
    this.#span = span;
    this.#clock = clock;
  }

  get metrics(): LoggerMetrics {
    return { written: this.#written, suppressed: this.#repeats?.suppressed ?? 0, sinkFailures: this.#sinkFailures };
  }

  write(level: LogLevel, message: string, context: LogEntry["fields"], given: object | undefined): void {
    const text = this.redaction.text(message);
    const suppressed = this.#repeats?.pass(`${level} ${text}`) ?? 0;
    if (suppressed < 0) return;
    const isGiven = typeof given === "object" && given !== null;
    const error = isGiven ? readOf(given, "error") : undefined;
    const { error: _told, ...own } = isGiven ? this.redaction.fields(given) : {};
    const fields = { ...context, ...own };
    const span = this.#currentSpan();
    const entry: LogEntry = {
      at: this.#clock.wallTime(),
      level,
      service: this.#service,
      message: text,
      ...(span === undefined ? {} : { traceId: span.traceId, spanId: span.spanId }),
      ...(error === undefined ? {} : { error: this.redaction.error(error) }),
      fields,
      ...(suppressed > 0 ? { suppressed } : {}),
    };
    this.#written++;
    const gravity = gravityOf(level);
    for (const { sink, least } of this.#sinks) {
      if (gravity < least) continue;
      try {
        sink.write(entry);
        if (level === "fatal") void sink.flush?.().catch(() => this.#sinkFailures++);
      } catch {
        this.#sinkFailures++;
      }
    }
  }

  async all(work: (sink: LogSink) => Promise<void> | undefined): Promise<void> {
    await Promise.all(
      this.#sinks.map(async ({ sink }) => {
        try {
          await work(sink);
        } catch {
          this.#sinkFailures++;
        }
      }),
    );
  }

  #currentSpan(): { readonly traceId: string; readonly spanId: string } | undefined {
    try {
      return this.#span?.();
    } catch {
      return undefined;
    }
  }
}

class SinkLogger implements Logger {
  readonly level: LogLevel;
  readonly #outlet: Outlet;
  readonly #context: LogEntry["fields"];
  readonly #least: number;

  constructor(outlet: Outlet, level: LogLevel, context: LogEntry["fields"]) {
    this.#outlet = outlet;
    this.level = level;
    this.#context = context;
    this.#least = Math.max(gravityOf(level), outlet.least);
  }

  get metrics(): LoggerMetrics {
    return this.#outlet.metrics;
  }

  trace(message: string, fields?: object): void {
    if (this.#least <= 10) this.log("trace", message, fields);
  }

  debug(message: string, fields?: object): void {
    if (this.#least <= 20) this.log("debug", message, fields);
  }

  info(message: string, fields?: object): void {
    if (this.#least <= 30) this.log("info", message, fields);
  }

  warn(message: string, fields?: object): void {
    this.log("warn", message, fields);
  }

  error(message: string, fields?: object): void {
    this.log("error", message, fields);
  }

  fatal(message: string, fields?: object): void {
    this.log("fatal", message, fields);
  }

  log(level: LogLevel, message: string, fields?: object): void {
    if (gravityOf(level) >= this.#least) this.#outlet.write(level, message, this.#context, fields);
  }

  wants(level: LogLevel): boolean {
    return gravityOf(level) >= this.#least;
  }

  child(context: object, options: { readonly level?: LogLevel } = {}): Logger {
    const level = checkOneOf("logger.level", options.level ?? this.level, logLevels);
    const own = this.#outlet.redaction.fields(checkContext(context));
    return new SinkLogger(this.#outlet, level, { ...this.#context, ...own });
  }

  flush(options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    return this.#outlet.all((sink) => sink.flush?.(options));
  }

  close(): Promise<void> {
    return this.#outlet.all((sink) => (sink.close === undefined ? sink.flush?.() : sink.close()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

function checkContext(context: object): object {
  if (typeof context === "object" && context !== null) return context;
  throw new InvalidArgumentError("logger.context", "must be an object", context);
}
