import type { Logger as PinoLogger } from "pino";
import { checkOneOf, checkOptionNames, InvalidArgumentError } from "../../errors/base.ts";
import { logLevels, type LogEntry, type LogLevel, type LogSink } from "../../telemetry/index.ts";

/** The part of a pino logger that is used. */
export type PinoLike = Pick<PinoLogger, LogLevel | "flush"> & Partial<Pick<PinoLogger, "bindings">>;

/**
 * A sink that writes through the program's own pino: its level, transports and redaction apply on top. Trace ids are under
 * their OpenTelemetry names, errors under `error`, told already: `err` is for pino's own serialiser. Fields lie beside those;
 * the ones that would be taken for a name of the line's own are under `fields`.
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
  const own = new Set([...ownNames, ...Object.keys(pino.bindings?.() ?? {})]);
  return {
    ...(level === undefined ? {} : { level }),
    write(entry) {
      const { service, message, traceId, spanId, error, suppressed } = entry;
      pino[entry.level](
        {
          ...placed(entry.fields, own),
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

/** What pino and this sink call their own; pino would write the name twice. */
const ownNames: readonly string[] = "level time msg fields service trace_id span_id error suppressed".split(" ");

function placed(fields: LogEntry["fields"], ownNames: ReadonlySet<string>): LogEntry["fields"] {
  const names = Object.keys(fields);
  if (!names.some((name) => ownNames.has(name))) return fields;
  const part = (isOwn: boolean): LogEntry["fields"] =>
    Object.fromEntries(Object.entries(fields).filter(([name]) => ownNames.has(name) === isOwn));
  return { ...part(false), fields: part(true) };
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
