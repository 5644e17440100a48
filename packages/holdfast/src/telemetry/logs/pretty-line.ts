import { utcText } from "../../runtime/system.ts";
import type { LogEntry, LoggedError, LogLevel } from "./log-entry.ts";

/** Colours a part of a line: a terminal's escapes, or nothing. */
export type LogStyle = (part: LogLevel | "dim", text: string) => string;

/** An entry for people: `12:03:11.123 WARN  orders  payment declined  orderId=7`, then its error, a line a cause. */
export function prettyLine(entry: LogEntry, style: LogStyle = (_, text) => text): string {
  const { at, level, service, message, traceId, fields, error, suppressed } = entry;
  const time = style("dim", utcText(at, { withMs: true }).slice(11, 23));
  const parts = [time, style(level, level.toUpperCase().padEnd(5)), service, "", printable(message)];
  const told = Object.entries(fields).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  if (suppressed !== undefined) told.push(`(and ${suppressed} alike before)`);
  if (traceId !== undefined) told.push(`trace=${traceId}`);
  if (told.length > 0) parts.push("", style("dim", told.join(" ")));
  return [parts.join(" "), ...errorLines(error, style)].join("\n");
}

function errorLines(error: LoggedError | undefined, style: LogStyle): string[] {
  const lines: string[] = [];
  for (let at = error, word = ""; at !== undefined; at = at.cause, word = "caused by ") {
    const code = at.code === undefined ? "" : ` [${at.code}]`;
    lines.push(`  ${word}${at.name}${code}: ${printable(at.message)}`);
    // The first line of a stack repeats the message.
    const frames = at.stack?.split("\n").filter((line) => /^\s+at /.test(line)) ?? [];
    if (word === "") lines.push(...frames.slice(0, 8).map((frame) => style("dim", `  ${frame.trim()}`)));
  }
  return lines;
}

/** Whoever writes a message must not steer the terminal of whoever reads it. */
function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, (char) => (char === "\n" ? "⏎ " : "·"));
}
