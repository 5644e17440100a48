import type { Logger as PinoLogger } from "pino";
import { checkOneOf, checkOptionNames, InvalidArgumentError } from "../../errors/base.ts";
import { logLevels, type LogLevel, type LogSink } from "../../telemetry/index.ts";

/** The part of a pino logger that is used. */
export type PinoLike = Pick<PinoLogger, LogLevel | "flush">;

/**
 * A sink that writes through the program's own pino: its level, transports and redaction apply on top. Trace ids are under
 * their OpenTelemetry names, errors under `error`, told already: `err` is for pino's own serialiser.
 *
 * @throws InvalidArgumentError for what is no pino logger
 * @example
 * const logger = createLogger({ service: "orders", sinks: [pinoSink(pino())] });
 */
export function pinoSink(pino: PinoLike, options: { readonly level?: LogLevel } = {}): LogSink {
  checkOptionNames("pinoSink", options, ["level"]);
  const { level } = options;
  if (level !== undefined) checkOneOf("pinoSink.level", level, logLevels);
  if (logLevels.some((each) => typeof pino?.[each] !== "function")) {
    throw new InvalidArgumentError("pinoSink pino", "must be a pino logger", pino);
  }
  return {
    ...(level === undefined ? {} : { level }),
    write(entry) {
      const { service, message, traceId, spanId, error, fields, suppressed } = entry;
      pino[entry.level](
        {
          ...fields,
          service,
          ...(traceId === undefined ? {} : { trace_id: traceId }),
          ...(spanId === undefined ? {} : { span_id: spanId }),
          ...(error === undefined ? {} : { error }),
          ...(suppressed === undefined ? {} : { suppressed }),
        },
        message,
      );
    },
    flush: () =>
      new Promise<void>((resolve) => {
        pino.flush(() => resolve());
      }),
  };
}

/**
 * A `mixin` for pino: its lines carry the ids of the span they are written in.
 *
 * @example
 * const logger = pino({ mixin: traceMixin(() => tracer.current()) });
 */
export function traceMixin(
  span: () => { readonly traceId: string; readonly spanId: string } | undefined,
): () => Record<string, string> {
  return () => {
    const current = span();
    return current === undefined ? {} : { trace_id: current.traceId, span_id: current.spanId };
  };
}
