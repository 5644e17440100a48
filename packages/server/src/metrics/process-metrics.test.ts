import { createMetrics } from "holdfast/telemetry";
import { expect, it } from "vitest";
import { packageVersion } from "../cli/version.ts";
import { defineProcessMetrics } from "./process-metrics.ts";

it("tells which release it is, how late its event loop was, and what it has open", async () => {
  const metrics = createMetrics();
  defineProcessMetrics(metrics);
  const values = (): Map<string, number> =>
    new Map(
      metrics.all.flatMap(({ name, read }) =>
        read().map(({ labels, value }) => [[name, ...labels].join(" "), value as number] as const),
      ),
    );
  values();
  // The first look after a reading has nothing to compare with; then a hold-up that the next must notice.
  await new Promise((resolve) => setTimeout(resolve, 100));
  const until = performance.now() + 150;
  while (performance.now() < until);
  await new Promise((resolve) => setTimeout(resolve, 30));
  const now = values();
  const lag = (name: string): number => now.get(`nodejs_eventloop_lag_${name}_seconds`) ?? -1;
  expect(lag("max")).toBeGreaterThan(0.1);
  expect(lag("max")).toBeGreaterThanOrEqual(lag("p99"));
  expect(lag("p99")).toBeGreaterThanOrEqual(lag("p50"));
  expect(now.get(`holdfast_build_info ${packageVersion()} ${process.version}`)).toBe(1);
  expect(now.get("nodejs_heap_size_total_bytes")).toBeGreaterThan(now.get("nodejs_heap_size_used_bytes")!);
  if (process.platform === "linux") {
    expect(now.get("process_open_fds")).toBeGreaterThan(2);
    expect(now.get("process_max_fds")).toBeGreaterThan(now.get("process_open_fds")!);
  }
  // Another reading begins anew.
  await Promise.resolve();
  expect(values().get("nodejs_eventloop_lag_max_seconds")).toBeLessThan(0.1);
});
