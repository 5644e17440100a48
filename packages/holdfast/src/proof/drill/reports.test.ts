import { describe, expect, it } from "vitest";
import type { DrillReport } from "./drill-report.ts";
import { drillHtml } from "./html-report.ts";
import { drillJUnit } from "./junit-report.ts";
import { niceAbove } from "./series-chart.ts";
import { utcText } from "../../runtime/system.ts";

const report: DrillReport = {
  drill: "lamp-out",
  summary: 'turn <one> out & "see"',
  verdict: "failed",
  reason: "lost == 0 (was 3)",
  measures: { lost: 3, right: true, gapMs: null, gapsMs: [1, 2] },
  faults: [
    { id: "out-1", kind: "out", target: "lamp", round: 1, atMs: 1000, lastedMs: 500, happened: true },
    { id: "out-2", kind: "out", target: "lamp", round: 1, atMs: 3000, lastedMs: null, happened: false },
  ],
  steadyState: { before: [{ rule: "lit == 3", actual: 3, holds: true }], after: [] },
  invariants: [{ rule: "lost == 0", actual: 3, holds: false }],
  expectations: [{ rule: "gapMs < 5", actual: null, holds: null }],
  phases: [{ phase: "setup", atMs: 0, durationMs: 5, error: "" }],
  events: [{ atMs: 1000, kind: "fault", text: "out-1: </script>\u0001" }],
  series: [
    {
      name: "light",
      unit: "lumen",
      points: [
        [0, 100],
        [1000, 0],
        [2000, 170],
      ],
    },
    { name: "empty", unit: "none", points: [] },
  ],
  startedAt: 1_767_225_600_000,
  durationMs: 6000,
};

/** The names of elements that are open at the end; throws where one closes that is not open. */
function openElements(markup: string, isVoid: (name: string) => boolean): string[] {
  const open: string[] = [];
  for (const [, closing, name = "", rest = ""] of markup.matchAll(/<(\/?)([a-zA-Z][\w]*)([^<>]*)>/g)) {
    if (closing === "/") {
      if (open.pop() !== name) throw new Error(`</${name}> closes what is not open`);
    } else if (!rest.endsWith("/") && !isVoid(name)) open.push(name);
  }
  return open;
}

describe("JUnit XML", () => {
  const xml = drillJUnit([report]);

  it("is well formed, and says what did not pass", () => {
    expect(openElements(xml.replace(/<\?xml.*\?>/, ""), () => false)).toEqual([]);
    expect(xml).toContain('<testsuites tests="6" failures="2" errors="2" time="6.000">');
    expect(xml).toContain('timestamp="2026-01-01T00:00:00"');
    expect(xml).toContain(
      '<testcase classname="drill.lamp-out" name="verdict" time="6.000"><failure message="failed: lost == 0 (was 3)"/>',
    );
    expect(xml).toContain('name="fault out-1 on lamp, round 1" time="0.500"/>');
    expect(xml).toContain('<error message="out-2 had no effect on lamp"/>');
    expect(xml).toContain('name="steady state before: lit == 3" time="0.000"/>');
    expect(xml).toContain("&lt;/script&gt;?");
  });

  it.each([
    ["passed", ""],
    ["failed", "failure"],
    ["timeout", "failure"],
    ["inconclusive", "error"],
  ] as const)("a drill that is %s is %s", (verdict, outcome) => {
    const alone = drillJUnit([
      { ...report, verdict, faults: [], steadyState: { before: [], after: [] }, invariants: [], expectations: [] },
    ]);
    expect(alone.includes("<failure")).toBe(outcome === "failure");
    expect(alone.includes("<error")).toBe(outcome === "error");
  });
});

describe("the page", () => {
  const html = drillHtml([report, { ...report, drill: "other", verdict: "passed", reason: "" }]);

  it("is whole, and escapes what others wrote", () => {
    expect(openElements(html.replace("<!doctype html>", ""), (name) => name === "meta" || name === "link")).toEqual([]);
    expect(html).toContain("turn &lt;one&gt; out &amp; &quot;see&quot;");
    expect(html).not.toContain("</script>");
    expect(html).not.toMatch(/https?:\/\/(?!www\.w3\.org)/);
  });

  it("draws each series that has points, with the faults as bands", () => {
    expect(html.match(/<svg/g)).toHaveLength(2);
    const chart = html.slice(html.indexOf("<svg"), html.indexOf("</svg>"));
    // 5 s wide and up to 200: from 100 down to 0 and up to 170.
    expect(chart).toContain('<path class="line" d="M60 83L230 156L400 32"/>');
    expect(chart.match(/class="band"/g)).toHaveLength(2);
    expect(chart).toContain('<rect class="band" x="230" y="10" width="85" height="146"><title>out-1 on lamp</title>');
  });

  it("tells a fault that was not taken back from one that was", () => {
    expect(html).toContain("<td>0.5 s</td><td>yes</td>");
    expect(html).toContain('<td>not taken back</td><td><span class="inconclusive">no</span></td>');
  });
});

it.each([0, 951_782_399_999, 951_782_400_000, 1_709_164_800_000, 1_767_225_599_000, 4_107_542_400_000, -1])(
  "tells %s ms as the platform does",
  (ms) => {
    expect(utcText(ms)).toBe(new Date(ms).toISOString().replace(/\.\d+Z$/, "Z"));
  },
);

it.each([
  [1, 1],
  [1.1, 2],
  [170, 200],
  [501, 1000],
  [0.03, 0.05],
])("the axis for %s ends at %s", (value, end) => {
  expect(niceAbove(value)).toBeCloseTo(end, 10);
});
