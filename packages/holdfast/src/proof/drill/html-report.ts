import type { DrillReport } from "./drill-report.ts";
import type { RuleResult } from "./drill-rule.ts";
import { escapeMarkup } from "./markup-text.ts";
import { seriesChart } from "./series-chart.ts";
import { utcText } from "../../runtime/system.ts";

const style = `
:root { color-scheme: light dark; background: light-dark(#fff, #14171a); color: light-dark(#1c2024, #e8eaed); --line: light-dark(#0b6bcb, #6db3f2); --faint: light-dark(#ddd, #444); }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 960px; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; margin: 0.5rem 0 1.5rem; }
th, td { text-align: left; padding: 0.25rem 0.75rem 0.25rem 0; border-bottom: 1px solid var(--faint); vertical-align: top; }
figure { margin: 1rem 0; } figcaption { font-weight: 600; }
svg { width: 100%; height: auto; font-size: 11px; } svg text { fill: currentColor; }
.band { fill: #d33; opacity: 0.18; } .grid { stroke: var(--faint); } .line { fill: none; stroke: var(--line); stroke-width: 1.5; }
.passed { color: light-dark(#17692b, #6fce85); } .failed, .timeout { color: light-dark(#b3261e, #ff8a80); }
.inconclusive { color: light-dark(#8a5a00, #f0c060); }`;

/** Drills as one page that needs nothing else: verdicts, rules, faults, charts over time, and all that happened. */
export function drillHtml(reports: readonly DrillReport[]): string {
  const title = reports.length === 1 ? `Drill ${reports[0]?.drill ?? ""}` : `${reports.length} drills`;
  return [
    '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>${escapeMarkup(title)}</title><style>${style}</style><link rel="icon" href="data:,"></head><body><main>`,
    `<h1>${escapeMarkup(title)}</h1>`,
    ...(reports.length > 1 ? [overview(reports)] : []),
    ...reports.map(section),
    "</main></body></html>\n",
  ].join("\n");
}

function overview(reports: readonly DrillReport[]): string {
  const rows = reports.map((report) => [
    `<a href="#${anchor(report)}">${escapeMarkup(report.drill)}</a>`,
    verdictOf(report),
  ]);
  return table(["Drill", "Verdict"], rows);
}

function section(report: DrillReport): string {
  const { faults, series, events, measures, phases } = report;
  return [
    `<section id="${anchor(report)}"><h2>${escapeMarkup(report.drill)}: ${verdictOf(report)}</h2>`,
    `<p>${escapeMarkup(report.summary)}</p>`,
    ...(report.reason === "" ? [] : [`<p class="${report.verdict}">${escapeMarkup(report.reason)}</p>`]),
    `<p>${utcText(report.startedAt)}, ${escapeMarkup(secondsOf(report.durationMs))}</p>`,
    "<h3>Rules</h3>",
    table(["Rule", "When", "Measured", "Holds"], rulesOf(report)),
    "<h3>Faults</h3>",
    faults.length === 0
      ? "<p>None.</p>"
      : table(
          ["Fault", "Struck", "Began", "Lasted", "Happened"],
          faults.map(({ id, target, atMs, lastedMs, happened }) => [
            escapeMarkup(id),
            escapeMarkup(target),
            secondsOf(atMs),
            lastedMs === null ? "not taken back" : secondsOf(lastedMs),
            happened ? "yes" : '<span class="inconclusive">no</span>',
          ]),
        ),
    ...series.filter(({ points }) => points.length > 1).map((each) => seriesChart(each, faults)),
    "<h3>Measures</h3>",
    table(
      ["Name", "Value"],
      Object.entries(measures).map(([name, value]) => [escapeMarkup(name), escapeMarkup(shown(value))]),
    ),
    "<h3>Timeline</h3>",
    table(
      ["At", "What", "Kind"],
      events.map(({ atMs, kind, text }) => [secondsOf(atMs), escapeMarkup(text), kind]),
    ),
    "<h3>Phases</h3>",
    table(
      ["Phase", "Took", "Error"],
      phases.map(({ phase, durationMs, error }) => [phase, secondsOf(durationMs), escapeMarkup(error)]),
    ),
    "</section>",
  ].join("\n");
}

function rulesOf({ steadyState, invariants, expectations }: DrillReport): string[][] {
  const rows = (when: string, results: readonly RuleResult[]): string[][] =>
    results.map(({ rule, actual, holds }) => [
      escapeMarkup(rule),
      when,
      actual === null ? "not measured" : escapeMarkup(String(actual)),
      holds === null ? "?" : holds ? '<span class="passed">yes</span>' : '<span class="failed">no</span>',
    ]);
  return [
    ...rows("steady state before", steadyState.before),
    ...rows("steady state after", steadyState.after),
    ...rows("whatever happens", invariants),
    ...rows("expected", expectations),
  ];
}

/** Cells are markup already. */
function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const head = heads.map((each) => `<th scope="col">${each}</th>`).join("");
  const body = rows.map((cells) => `<tr>${cells.map((cell) => `<td>${cell}</td>`).join("")}</tr>`).join("\n");
  return `<table><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table>`;
}

const anchor = ({ drill }: DrillReport): string => `drill-${escapeMarkup(drill)}`;
const verdictOf = ({ verdict }: DrillReport): string => `<span class="${verdict}">${verdict}</span>`;
const secondsOf = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

function shown(value: DrillReport["measures"][string]): string {
  if (value === null) return "not measured";
  return Array.isArray(value) ? value.join(", ") : String(value);
}
