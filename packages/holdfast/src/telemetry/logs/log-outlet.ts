import type { Clock } from "../../runtime/system.ts";
import { gravityOf, type LogEntry, type LogLevel } from "./log-entry.ts";
import type { LogSink } from "./log-sink.ts";
import { readOf, type Redaction } from "./redaction.ts";
import type { RepeatFilter } from "./repeat-filter.ts";

/** How often what happened since the start. */
export interface LoggerMetrics {
  readonly written: number;
  /** Held back as repetitions. */
  readonly suppressed: number;
  /**
   * Exceptions of sinks, and promises of theirs that were rejected: their lines are lost, the other sinks' are not. Lines
   * that sinks log while they write count here, too, from the fourth inside one another on.
   */
  readonly sinkFailures: number;
}

/** The span that is under way. */
export type SpanSource = (() => { readonly traceId: string; readonly spanId: string } | undefined) | undefined;

/** A sink that logs where it writes to would otherwise do so for ever. */
const maxNested = 4;

/** What all children of a logger share: where their lines go. */
export class Outlet {
  readonly redaction: Redaction;
  readonly #service: string;
  readonly #sinks: readonly { readonly sink: LogSink; readonly least: number }[];
  readonly #repeats: RepeatFilter | undefined;
  readonly #span: SpanSource;
  readonly #clock: Pick<Clock, "wallTime">;
  readonly least: number;
  #written = 0;
  #sinkFailures = 0;
  /** Lines that are being written, inside one another. */
  #depth = 0;

  constructor(
    service: string,
    sinks: readonly LogSink[],
    redaction: Redaction,
    repeats: RepeatFilter | undefined,
    span: SpanSource,
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
    if (this.#depth >= maxNested) {
      this.#sinkFailures++;
      return;
    }
    this.#depth++;
    try {
      this.#write(level, message, context, given);
    } finally {
      this.#depth--;
    }
  }

  /** What was held back and has had no line after it. */
  writeHeld(): void {
    for (const { level, text, held } of this.#repeats?.takeHeld() ?? []) {
      const suppressed = held - 1;
      this.#tell({
        at: this.#clock.wallTime(),
        level,
        service: this.#service,
        message: text,
        fields: {},
        ...(suppressed > 0 ? { suppressed } : {}),
      });
    }
  }

  #write(level: LogLevel, message: string, context: LogEntry["fields"], given: object | undefined): void {
    const text = this.redaction.text(message);
    const suppressed = this.#repeats?.pass(level, text) ?? 0;
    if (suppressed < 0) return;
    const isGiven = typeof given === "object" && given !== null;
    const error = isGiven ? readOf(given, "error") : undefined;
    const fields = isGiven ? { ...context, ...this.redaction.fields(given, "error") } : context;
    const span = this.#currentSpan();
    this.#tell({
      at: this.#clock.wallTime(),
      level,
      service: this.#service,
      message: text,
      ...(span === undefined ? {} : { traceId: span.traceId, spanId: span.spanId }),
      ...(error === undefined ? {} : { error: this.redaction.error(error) }),
      fields,
      ...(suppressed > 0 ? { suppressed } : {}),
    });
  }

  #tell(entry: LogEntry): void {
    this.#written++;
    const gravity = gravityOf(entry.level);
    const onFailure = (): void => void this.#sinkFailures++;
    for (const { sink, least } of this.#sinks) {
      if (gravity < least) continue;
      try {
        // A sink may be an async function, although it should not.
        const outcome: unknown = sink.write(entry);
        if (outcome instanceof Promise) outcome.catch(onFailure);
        if (entry.level === "fatal") sink.flush?.().catch(onFailure);
      } catch {
        onFailure();
      }
    }
  }

  async all(work: (sink: LogSink) => Promise<void> | undefined, signal: AbortSignal | undefined): Promise<void> {
    const done = this.#sinks.map(async ({ sink }) => {
      try {
        await work(sink);
      } catch {
        this.#sinkFailures++;
      }
    });
    const { promise: given, resolve } = Promise.withResolvers<void>();
    const giveUp = (): void => resolve();
    signal?.addEventListener("abort", giveUp, { once: true });
    if (signal?.aborted === true) giveUp();
    // One that never answers is nobody else's affair.
    await Promise.race([Promise.all(done), given]);
    signal?.removeEventListener("abort", giveUp);
  }

  #currentSpan(): { readonly traceId: string; readonly spanId: string } | undefined {
    try {
      return this.#span?.();
    } catch {
      return undefined;
    }
  }
}
