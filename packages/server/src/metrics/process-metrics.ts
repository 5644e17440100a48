import { readdirSync, readFileSync } from "node:fs";
import { monitorEventLoopDelay, PerformanceObserver, performance } from "node:perf_hooks";
import type { Metrics } from "holdfast/telemetry";
import { packageVersion } from "../cli/version.ts";

/** Of the event loop's delay; what is measured is the time between two looks. */
const lookEveryMs = 20;

/** What garbage collections took, in seconds, by their kind; and the delay of the event loop. Of the whole process. */
interface Watched {
  readonly delay: ReturnType<typeof monitorEventLoopDelay>;
  readonly collections: Map<string, { count: number; seconds: number }>;
}

let watched: Watched | undefined;

/** Once, however many members there are in the process; neither keeps it alive. */
function watchProcess(): Watched {
  if (watched !== undefined) return watched;
  const collections: Watched["collections"] = new Map();
  const kinds = new Map([[1, "minor"], [2, "minor"], [4, "major"], [8, "incremental"], [16, "weakcb"]]); // prettier-ignore
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const { duration, detail } = entry as typeof entry & { readonly detail?: { readonly kind?: number } };
      const kind = kinds.get(detail?.kind ?? 0) ?? "other";
      const seen = collections.get(kind) ?? { count: 0, seconds: 0 };
      collections.set(kind, { count: seen.count + 1, seconds: seen.seconds + duration / 1_000 });
    }
  }).observe({ entryTypes: ["gc"] });
  const delay = monitorEventLoopDelay({ resolution: lookEveryMs });
  delay.enable();
  return (watched = { delay, collections });
}

/** Of the process that the member runs in, under the names that Prometheus' own clients give them where they have one. */
export function defineProcessMetrics(metrics: Metrics): void {
  const { delay, collections } = watchProcess();
  const version = packageVersion();
  let last = performance.eventLoopUtilization();
  const value = (name: string, help: string, type: "gauge" | "counter", read: () => number | undefined): void => {
    metrics.readFrom({
      name,
      help,
      type,
      read(tell) {
        const found = read();
        if (found !== undefined && Number.isFinite(found)) tell(found);
      },
    });
  };
  metrics.readFrom({
    name: "holdfast_build_info",
    help: "1; which release this is, and on which Node it runs.",
    type: "gauge",
    labels: ["version", "node_version"],
    read: (tell) => tell(1, version, process.version),
  });
  value("process_cpu_seconds_total", "Processor time used.", "counter", () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
  value("process_resident_memory_bytes", "Memory in use.", "gauge", () => process.memoryUsage.rss());
  value("process_open_fds", "Files and sockets that are open; where the system tells.", "gauge", openFiles);
  value("process_max_fds", "How many may be open; where the system tells.", "gauge", maxOpenFiles);
  const startedAt = (): number => performance.timeOrigin / 1_000;
  value("process_start_time_seconds", "When the process started, since 1970.", "gauge", startedAt);
  value("nodejs_heap_size_used_bytes", "Of JavaScript's heap.", "gauge", () => process.memoryUsage().heapUsed);
  value("nodejs_heap_size_total_bytes", "JavaScript's heap.", "gauge", () => process.memoryUsage().heapTotal);
  value("nodejs_external_memory_bytes", "Outside of the heap: buffers.", "gauge", () => process.memoryUsage().external);
  value("nodejs_eventloop_utilization", "Busy share of the event loop since the last reading, 0..1.", "gauge", () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, last);
    last = now;
    return utilization;
  });
  const lag = lagReader(delay);
  for (const [name, percentile] of [
    ["p50", 50],
    ["p90", 90],
    ["p99", 99],
    ["max", 100],
  ] as const) {
    // prettier-ignore
    const help = `How late the event loop was since the last reading, ${name}.`;
    value(`nodejs_eventloop_lag_${name}_seconds`, help, "gauge", () => lag(percentile));
  }
  metrics.readFrom({
    name: "nodejs_gc_duration_seconds_total",
    help: "Time that garbage collections took, by their kind.",
    type: "counter",
    labels: ["kind"],
    read(tell) {
      for (const [kind, { seconds }] of collections) tell(seconds, kind);
    },
  });
  metrics.readFrom({
    name: "nodejs_gc_runs_total",
    help: "Garbage collections, by their kind.",
    type: "counter",
    labels: ["kind"],
    read(tell) {
      for (const [kind, { count }] of collections) tell(count, kind);
    },
  });
}

/** Gives the percentiles of what was measured since the reading before; all that are read in one go are of the same. */
function lagReader(delay: Watched["delay"]): (percentile: number) => number {
  let latest: ReadonlyMap<number, number> | undefined;
  return (percentile) => {
    if (latest === undefined) {
      const measured = [50, 90, 99, 100].map((each) => [each, delay.count === 0 ? 0 : delay.percentile(each)] as const);
      latest = new Map(measured);
      delay.reset();
      void Promise.resolve().then(() => (latest = undefined));
    }
    return Math.max(0, (latest.get(percentile) ?? 0) / 1e9 - lookEveryMs / 1_000);
  };
}

function openFiles(): number | undefined {
  try {
    return readdirSync("/proc/self/fd").length;
  } catch {
    return undefined;
  }
}

function maxOpenFiles(): number | undefined {
  try {
    const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8")) ?? [];
    return soft === undefined ? undefined : Number(soft);
  } catch {
    return undefined;
  }
}
