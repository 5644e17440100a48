import { styleText } from "node:util";
import { checkInteger, checkOneOf, checkOptionNames } from "../../errors/base.ts";
import { logLevels, logLine, prettyLine, type LogLevel, type LogSink, type LogStyle } from "../../telemetry/index.ts";

export interface ConsoleSinkOptions {
  readonly level?: LogLevel;
  /** One JSON document a line, or lines for people. Default: for people on a terminal, else JSON. */
  readonly format?: "json" | "pretty";
  /** Default `process.stdout`. */
  readonly stream?: ConsoleStream;
  /** Lines are dropped and counted while so much waits in the stream. Default 4 MiB. */
  readonly maxBufferedBytes?: number;
}

/** The part of a writable stream that is used. */
export interface ConsoleStream {
  write(text: string, done?: (error?: Error | null) => void): unknown;
  readonly isTTY?: boolean;
  readonly writableLength?: number;
  listenerCount?(name: "error"): number;
  once?(name: "error", listener: () => void): unknown;
}

/** Lines on a terminal or in a pipe. */
export interface ConsoleSink extends LogSink {
  flush(): Promise<void>;
  readonly metrics: {
    readonly written: number;
    /** Lines that whoever reads has not taken: it is too slow, or gone. */
    readonly dropped: number;
  };
}

export const consoleSinkDefaults: { readonly maxBufferedBytes: number } = { maxBufferedBytes: 4 * 2 ** 20 };

const colours = {
  trace: "gray",
  debug: "gray",
  info: "green",
  warn: "yellow",
  error: "red",
  fatal: "magenta",
} as const;

const coloured: LogStyle = (part, text) =>
  styleText(part === "dim" ? "dim" : colours[part], text, { validateStream: false });

/**
 * Lines to the terminal, or to whatever collects what a process prints. Colour only on a terminal, and never with
 * `NO_COLOR`. That nobody reads any more ends the lines and not the process.
 *
 * @throws InvalidArgumentError naming the option, its rule and its value
 */
export function consoleSink(options: ConsoleSinkOptions = {}): ConsoleSink {
  checkOptionNames("consoleSink", options, ["level", "format", "stream", "maxBufferedBytes"]);
  const { level, stream = process.stdout } = options;
  const { maxBufferedBytes } = { ...consoleSinkDefaults, ...options };
  if (level !== undefined) checkOneOf("consoleSink.level", level, logLevels);
  checkInteger("consoleSink.maxBufferedBytes", maxBufferedBytes, 1_024);
  const isTerminal = stream.isTTY === true;
  const format = checkOneOf("consoleSink.format", options.format ?? (isTerminal ? "pretty" : "json"), [
    "json",
    "pretty",
  ]);
  const style = isTerminal && process.env["NO_COLOR"] === undefined ? coloured : undefined;
  let written = 0;
  let dropped = 0;
  const onWritten = (error?: Error | null): void => {
    if (error === undefined || error === null) return;
    written--;
    dropped++;
    // The stream tells it once more, to the whole process where nobody listens.
    if (stream.listenerCount?.("error") === 0) stream.once?.("error", () => undefined);
  };
  return {
    ...(level === undefined ? {} : { level }),
    write(entry) {
      if ((stream.writableLength ?? 0) >= maxBufferedBytes) {
        dropped++;
        return;
      }
      written++;
      stream.write(`${format === "json" ? logLine(entry) : prettyLine(entry, style)}\n`, onWritten);
    },
    async flush() {
      if ((stream.writableLength ?? 0) === 0) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      stream.write("", () => resolve());
      await promise;
    },
    get metrics() {
      return { written, dropped };
    },
  };
}
