import { checkExpectations, Histogram, loadMeasures, type LatencySummary, type LoadReport } from "holdfast/proof";
import { describe, expect, it } from "vitest";
import { number, renderLoad, sparkline } from "./render-load.ts";

const empty = new Histogram();
const terminal = { style: (_: string, text: string) => text, columns: 100 };

function times(...ms: readonly number[]): LatencySummary {
  const histogram = new Histogram();
  for (const each of ms) histogram.record(each);
  return histogram.summary();
}

const entry = { offered: 10, succeeded: 10, failed: 0, dropped: 0, p50Ms: 1, p99Ms: 2, maxMs: 2 };

const report: LoadReport = {
  mode: "open",
  startedAt: 0,
  durationMs: 2_000,
  elapsedMs: 2_004,
  offered: 23,
  started: 22,
  succeeded: 20,
  failed: 2,
  dropped: 1,
  unfinished: 0,
  errorRatio: 3 / 23,
  throughputPerSecond: 9.98,
  failures: [{ kind: "network", code: "CONNECTION_LOST", count: 2, message: "read\u001B[2J ECONNRESET" }],
  latency: times(1, 2, 400.4),
  service: times(1, 1.5, 2),
  failedLatency: times(7),
  lateness: times(0.25),
  operations: {
    update: { succeeded: 1, failed: 0, latency: times(9) },
    read: { succeeded: 2, failed: 2, latency: times(3) },
  },
  timeline: [
    { ...entry, atMs: 0, forMs: 1_000 },
    { ...entry, atMs: 1_000, forMs: 1_000, succeeded: 5, failed: 2, dropped: 1, p99Ms: 400 },
    { ...entry, atMs: 2_000, forMs: 4, succeeded: 5, p99Ms: 3 },
  ],
  histograms: {
    latency: empty.export(),
    service: empty.export(),
    failedLatency: empty.export(),
    lateness: empty.export(),
  },
};

describe("a report of load", () => {
  it("shows what users waited, over time too, and what failed", () => {
    expect(renderLoad("b", report, undefined, terminal)).toEqual([
      "                         p50       p90       p99     p99.9       max    ms",
      "latency                 2.00       400       400       400       400",
      "service alone           1.50      2.00      2.00      2.00      2.00",
      "failures                7.00      7.00      7.00      7.00      7.00",
      "  read                  3.00      3.00      3.00      3.00      3.00",
      "  update                9.00      9.00      9.00      9.00      9.00",
      "generator late         0.250     0.250     0.250     0.250     0.250",
      "",
      "succeeded         ██  up to 10/s",
      "p99               ▁█  up to 400 ms",
      "failed, dropped   ▁█  up to 3 at a time",
      "2 failed          CONNECTION_LOST (network): read?[2J ECONNRESET",
      "done: b: 20 of 23 operations succeeded, 2 failed, 1 dropped; 9.98/s, p99 400 ms",
    ]);
  });

  it("says which expectations hold", () => {
    const judged = checkExpectations(loadMeasures(report), ["p50Ms < 5", "errorRatio < 0.01", "insert.p99Ms < 5"]);
    const lines = renderLoad("b", report, judged, terminal);
    expect(lines.slice(-4)).toEqual([
      "✓ p50Ms < 5               2",
      "✕ errorRatio < 0.01       0.130",
      "? insert.p99Ms < 5        not measured",
      expect.stringMatching(/^failed: b: 20 of 23 /),
    ]);
  });

  it("is of nothing when nothing succeeded", () => {
    const none = { ...report, succeeded: 0, throughputPerSecond: 0, latency: times(), service: times(), timeline: [] };
    const lines = renderLoad("b", none, undefined, terminal);
    expect(lines[1]).toBe("latency                    -         -         -         -         -");
    expect(lines.at(-1)).toBe("failed: b: 0 of 23 operations succeeded, 2 failed, 1 dropped; 0/s, p99 -");
  });

  it("fits the terminal, however long the run was", () => {
    const timeline = Array.from({ length: 1_000 }, (_, at) => ({ ...entry, atMs: at * 1_000, forMs: 1_000 }));
    for (const columns of [40, 80, 200]) {
      const lines = renderLoad("b", { ...report, timeline }, undefined, { ...terminal, columns });
      const [bars = ""] = /[▁-█]+/.exec(lines.find((line) => line.startsWith("succeeded")) ?? "") ?? [];
      expect(bars.length).toBeGreaterThanOrEqual(10);
      expect(bars.length).toBeLessThanOrEqual(Math.max(10, columns - 42));
    }
  });
});

it.each<[readonly number[], string]>([
  [[0, 1, 2, 3, 4, 5, 6, 7, 8], "▁▂▃▄▅▆▇██"],
  [[0, 0], "▁▁"],
  [[5], "█"],
  [[], ""],
])("%j as bars", (values, bars) => {
  expect(sparkline(values)).toBe(bars);
});

it.each([
  [7, "7"],
  [0.1234, "0.123"],
  [1.234, "1.23"],
  [12.34, "12.3"],
  [1234.5, "1235"],
])("%d is written %s", (value, text) => {
  expect(number(value)).toBe(text);
});
