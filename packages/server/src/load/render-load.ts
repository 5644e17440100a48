import type { ExpectationReport, LatencySummary, LoadReport, TimelineEntry } from "holdfast/proof";
import { printable, type Terminal } from "../cli/terminal.ts";

type Style = Terminal["style"];

const labelWidth = 18;
const columnWidth = 10;
const columns = [
  ["p50", "p50Ms"],
  ["p90", "p90Ms"],
  ["p99", "p99Ms"],
  ["p99.9", "p999Ms"],
  ["max", "maxMs"],
] as const satisfies readonly (readonly [string, keyof LatencySummary])[];

/** What a run found, for a person: latencies, how they and the throughput went over time, what failed, what was expected. */
export function renderLoad(
  name: string,
  report: LoadReport,
  expectations: ExpectationReport | undefined,
  { style, columns: width }: Pick<Terminal, "style" | "columns">,
): string[] {
  const { offered, succeeded, latency } = report;
  const troubles = (["failed", "dropped", "unfinished"] as const).filter((trouble) => report[trouble] > 0);
  const trouble = troubles.map((each) => `, ${report[each]} ${each}`).join("");
  const isFine = expectations === undefined ? succeeded > 0 : expectations.verdict === "passed";
  const verdict = expectations?.verdict ?? (succeeded > 0 ? "done" : "failed");
  return [
    style("dim", `${" ".repeat(labelWidth)}${columns.map(([title]) => title.padStart(columnWidth)).join("")}    ms`),
    row("latency", latency, style),
    row("service alone", report.service, style),
    ...(report.failed > 0 ? [row("failures", report.failedLatency, style)] : []),
    ...namedRows(report, style),
    row("generator late", report.lateness, style),
    "",
    ...timeline(report.timeline, width, style),
    ...report.failures.map(
      ({ kind, code, count, message }) =>
        `${style("red", label(`${count} failed`))}${code} (${kind}): ${printable(message)}`,
    ),
    ...(expectations?.results ?? []).map(({ measure, operator, value, actual, holds }) => {
      const [glyph, colour] = holds === null ? (["?", "yellow"] as const) : holds ? okay : bad;
      const found = actual === null ? "not measured" : number(actual);
      return `${style(colour, `${glyph} ${measure} ${operator} ${value}`.padEnd(labelWidth + 8))}${found}`;
    }),
    `${style(isFine ? "green" : verdict === "inconclusive" ? "yellow" : "red", verdict)}: ${name}: ` +
      `${succeeded} of ${offered} operations succeeded${trouble}; ` +
      `${number(report.throughputPerSecond)}/s, p99 ${latency.p99Ms === null ? "-" : `${number(latency.p99Ms)} ms`}`,
  ];
}

const okay = ["✓", "green"] as const;
const bad = ["✕", "red"] as const;

/** Single operations, where there are several kinds of them. */
function namedRows({ operations }: LoadReport, style: Style): string[] {
  const named = Object.entries(operations).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return named.length < 2 ? [] : named.map(([name, { latency }]) => row(`  ${name}`, latency, style));
}

function row(title: string, summary: LatencySummary, style: Style): string {
  const cells = columns.map(([, key]) => {
    const value = summary[key];
    return (value === null ? "-" : threeDigits(value)).padStart(columnWidth);
  });
  return `${style("dim", label(title))}${cells.join("")}`;
}

/** One bar for each stretch of time, as many as fit. */
function timeline(entries: readonly TimelineEntry[], width: number, style: Style): string[] {
  const bars = Math.max(10, Math.min(60, width - labelWidth - 24));
  const grouped = group(
    entries.filter(({ forMs }) => forMs > 0),
    Math.ceil(entries.length / bars),
  );
  const rates = grouped.map((all) => (sum(all, "succeeded") / sum(all, "forMs")) * 1000);
  const tails = grouped.map((all) => Math.max(...all.map(({ p99Ms }) => p99Ms ?? 0)));
  const errors = grouped.map((all) => sum(all, "failed") + sum(all, "dropped"));
  const lines = [
    `${style("dim", label("succeeded"))}${sparkline(rates)}  up to ${number(Math.max(0, ...rates))}/s`,
    `${style("dim", label("p99"))}${sparkline(tails)}  up to ${number(Math.max(0, ...tails))} ms`,
  ];
  if (errors.some((count) => count > 0)) {
    lines.push(`${style("dim", label("failed, dropped"))}${sparkline(errors)}  up to ${Math.max(...errors)} at a time`);
  }
  return lines;
}

function group(entries: readonly TimelineEntry[], size: number): TimelineEntry[][] {
  const groups: TimelineEntry[][] = [];
  for (let at = 0; at < entries.length; at += Math.max(1, size)) groups.push(entries.slice(at, at + Math.max(1, size)));
  // The rest after the end may be a few milliseconds, whose rate would tell nothing.
  const rest = groups.at(-1)?.length === 1 && groups.at(-1)![0]!.forMs < entries[0]!.forMs ? groups.pop() : undefined;
  groups.at(-1)?.push(...(rest ?? []));
  return groups;
}

const sum = (entries: readonly TimelineEntry[], key: "succeeded" | "failed" | "dropped" | "forMs"): number =>
  entries.reduce((total, entry) => total + entry[key], 0);

const bars = "▁▂▃▄▅▆▇█";

/** Values as bars from nothing to the highest of them. */
export function sparkline(values: readonly number[]): string {
  const most = Math.max(...values);
  return values
    .map((value) => bars[most > 0 ? Math.min(bars.length - 1, Math.floor((value / most) * bars.length)) : 0])
    .join("");
}

const label = (text: string): string => text.padEnd(labelWidth);

/** Three digits that count; of an integer, all. */
export function number(value: number): string {
  return Number.isInteger(value) ? String(value) : threeDigits(value);
}

function threeDigits(value: number): string {
  return value.toFixed(value >= 100 ? 0 : value >= 10 ? 1 : value >= 1 ? 2 : 3);
}
