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
import { Outlet, type LoggerMetrics } from "./log-outlet.ts";
import type { LogSink } from "./log-sink.ts";
import { createRedaction, type RedactionOptions } from "./redaction.ts";
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

export type { LoggerMetrics } from "./log-outlet.ts";

/** Writes lines. The last argument is fields; an `error` among them is told with its causes. */
export interface Logger extends AsyncDisposable {
  readonly level: LogLevel;
  /** From now on, also of the children that have theirs from this one. @throws InvalidArgumentError */
  setLevel(level: LogLevel): void;
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
  /** Another logger onto the same sinks, with more context, or a level of its own. This one stays as it is. */
  child(context: object, options?: { readonly level?: LogLevel }): Logger;
  /** Resolves when all sinks have what was written before, or cannot, or the signal fires. Never rejects. */
  flush(options?: { readonly signal?: AbortSignal }): Promise<void>;
  /** Flushes and closes all sinks: of the children too. The signal ends the wait for them. */
  close(options?: { readonly signal?: AbortSignal }): Promise<void>;
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
  return new SinkLogger(outlet, redaction.fields(checkContext(context)), level);
}

/** What a logger and those that have their level from it look at. */
interface LevelCell {
  level: LogLevel;
  /** The least grave that goes anywhere. */
  least: number;
}

class SinkLogger implements Logger {
  readonly #outlet: Outlet;
  readonly #context: LogEntry["fields"];
  #cell: LevelCell;
  #ownsCell: boolean;

  constructor(outlet: Outlet, context: LogEntry["fields"], own: LogLevel | undefined, above?: LevelCell) {
    this.#outlet = outlet;
    this.#context = context;
    this.#ownsCell = own !== undefined || above === undefined;
    this.#cell = own === undefined && above !== undefined ? above : { level: "info", least: 0 };
    if (own !== undefined) this.setLevel(own);
  }

  get level(): LogLevel {
    return this.#cell.level;
  }

  get metrics(): LoggerMetrics {
    return this.#outlet.metrics;
  }

  setLevel(level: LogLevel): void {
    checkOneOf("logger.level", level, logLevels);
    if (!this.#ownsCell) this.#cell = { ...this.#cell };
    this.#ownsCell = true;
    this.#cell.level = level;
    this.#cell.least = Math.max(gravityOf(level), this.#outlet.least);
  }

  trace(message: string, fields?: object): void {
    if (this.#cell.least <= 10) this.log("trace", message, fields);
  }

  debug(message: string, fields?: object): void {
    if (this.#cell.least <= 20) this.log("debug", message, fields);
  }

  info(message: string, fields?: object): void {
    if (this.#cell.least <= 30) this.log("info", message, fields);
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
    if (gravityOf(level) >= this.#cell.least) this.#outlet.write(level, message, this.#context, fields);
  }

  wants(level: LogLevel): boolean {
    return gravityOf(level) >= this.#cell.least;
  }

  child(context: object, options: { readonly level?: LogLevel } = {}): Logger {
    const own = this.#outlet.redaction.fields(checkContext(context));
    return new SinkLogger(this.#outlet, { ...this.#context, ...own }, options.level, this.#cell);
  }

  flush({ signal }: { readonly signal?: AbortSignal } = {}): Promise<void> {
    const options = signal === undefined ? {} : { signal };
    return this.#outlet.all((sink) => sink.flush?.(options), signal);
  }

  close({ signal }: { readonly signal?: AbortSignal } = {}): Promise<void> {
    this.#outlet.writeHeld();
    return this.#outlet.all((sink) => (sink.close === undefined ? sink.flush?.() : sink.close()), signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

function checkContext(context: object): object {
  if (typeof context === "object" && context !== null) return context;
  throw new InvalidArgumentError("logger.context", "must be an object", context);
}
