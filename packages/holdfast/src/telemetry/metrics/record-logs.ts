import { checkOptionNames } from "../../errors/base.ts";
import type { Logger } from "../logs/logger.ts";
import type { Metrics } from "./create-metrics.ts";

/** A sink that says how it goes: `httpSink`, `batchSink`, `fileSink`, `consoleSink`. */
export interface CountedSink {
  readonly metrics: {
    readonly sent?: number;
    readonly written?: number;
    readonly dropped: number;
    readonly buffered?: number;
  };
}

export interface RecordLogsOptions {
  readonly logger: Pick<Logger, "metrics">;
  /** By the value of label `sink`. */
  readonly sinks?: Readonly<Record<string, CountedSink>>;
}

/**
 * Metrics of a logger and its sinks, read when somebody asks: how many lines went where, and how many are lost.
 *
 * @throws InvalidArgumentError when these metrics have been defined before
 * @example
 * recordLogs(metrics, { logger, sinks: { server: sink } });
 */
export function recordLogs(metrics: Metrics, options: RecordLogsOptions): void {
  checkOptionNames("recordLogs", options, ["logger", "sinks"]);
  const { logger, sinks = {} } = options;
  metrics.readFrom({
    name: "telemetry_log_lines_total",
    help: "Lines that were logged: written to the sinks, or suppressed as repetitions.",
    type: "counter",
    labels: ["outcome"],
    read(tell) {
      tell(logger.metrics.written, "written");
      tell(logger.metrics.suppressed, "suppressed");
    },
  });
  metrics.readFrom({
    name: "telemetry_log_sink_failures_total",
    help: "How often a sink of the logger threw.",
    type: "counter",
    read: (tell) => tell(logger.metrics.sinkFailures),
  });
  metrics.readFrom({
    name: "telemetry_log_sink_lines_total",
    help: "Lines by what became of them: sent to where the sink leads, or dropped for good.",
    type: "counter",
    labels: ["sink", "outcome"],
    read(tell) {
      for (const [name, { metrics: own }] of Object.entries(sinks)) {
        tell(own.sent ?? own.written ?? 0, name, "sent");
        tell(own.dropped, name, "dropped");
      }
    },
  });
  metrics.readFrom({
    name: "telemetry_log_sink_buffered_lines",
    help: "Lines that wait, of sinks that keep some.",
    type: "gauge",
    labels: ["sink"],
    read(tell) {
      for (const [name, { metrics: own }] of Object.entries(sinks)) {
        if (own.buffered !== undefined) tell(own.buffered, name);
      }
    },
  });
}
