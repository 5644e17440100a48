import { expect, it } from "vitest";
import { createLogger, type LogEntry } from "../index.ts";
import { createMetrics } from "./create-metrics.ts";
import { recordLogs } from "./record-logs.ts";

it("shows what a logger and its sinks have written and lost", () => {
  const counts = { sent: 3, dropped: 2, buffered: 1, failures: 0 };
  const sink = { write: (_entry: LogEntry) => undefined, metrics: counts };
  const file = { write: () => { throw new Error("broken"); }, metrics: { written: 5, dropped: 0 } }; // prettier-ignore
  const logger = createLogger({ service: "s", sinks: [sink, file], repeats: { most: 1, windowMs: 1_000 } });
  const metrics = createMetrics();
  recordLogs(metrics, { logger, sinks: { server: sink, file } });
  for (let at = 0; at < 3; at++) logger.info("x");
  const all = metrics.all
    .filter(({ name }) => name.startsWith("telemetry_log"))
    .flatMap(({ name, read }) =>
      read().map(({ labels, value }) => [name.slice(14), ...labels, value as number].join(" ")),
    );
  expect(all).toEqual([
    "lines_total written 1",
    "lines_total suppressed 2",
    "sink_failures_total 1",
    "sink_lines_total server sent 3",
    "sink_lines_total server dropped 2",
    "sink_lines_total file sent 5",
    "sink_lines_total file dropped 0",
    "sink_buffered_lines server 1",
  ]);
  expect(() => recordLogs(metrics, { logger })).toThrow("metric.name is taken");
});
