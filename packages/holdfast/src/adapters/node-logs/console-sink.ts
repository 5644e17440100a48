import { styleText } from "node:util";
import { checkOneOf, checkOptionNames } from "../../errors/base.ts";
import { logLevels, logLine, prettyLine, type LogLevel, type LogSink, type LogStyle } from "../../telemetry/index.ts";

export interface ConsoleSinkOptions {
  readonly level?: LogLevel;
  /** One JSON document a line, or lines for people. Default: for people on a terminal, else JSON. */
  readonly format?: "json" | "pretty";
  /** Default `process.stdout`. */
  readonly stream?: { write(text: string): unknown; readonly isTTY?: boolean };
}

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
 * `NO_COLOR`.
 *
 * @throws InvalidArgumentError naming the option, its rule and its value
 */
export function consoleSink(options: ConsoleSinkOptions = {}): LogSink {
  checkOptionNames("consoleSink", options, ["level", "format", "stream"]);
  const { level, stream = process.stdout } = options;
  if (level !== undefined) checkOneOf("consoleSink.level", level, logLevels);
  const isTerminal = stream.isTTY === true;
  const format = checkOneOf("consoleSink.format", options.format ?? (isTerminal ? "pretty" : "json"), [
    "json",
    "pretty",
  ]);
  const style = isTerminal && process.env["NO_COLOR"] === undefined ? coloured : undefined;
  return {
    ...(level === undefined ? {} : { level }),
    write(entry) {
      stream.write(`${format === "json" ? logLine(entry) : prettyLine(entry, style)}\n`);
    },
  };
}
