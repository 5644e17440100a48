import type { HistoryMessage, PolicyHistoryView } from "holdfast/telemetry";
import { describe, expect, it } from "vitest";
import { LiveModel } from "./live-model.ts";
import { policyKey } from "./policy-groups.ts";
import { clusterSeries, maxSeries } from "./series.ts";

const times = [1_000_000, 1_005_000, 1_010_000];
const cluster = { commitsPerSecond: [1, null, 3], lagEntries: [0, null, 0], residentBytes: [7, null, 7] };
const policy = (name: string, of: Partial<PolicyHistoryView> = {}): PolicyHistoryView => {
  const values = [1, 2, null];
  const columns = { callsPerSecond: values, failedPerSecond: values, p50: values, p90: values, p99: values };
  return { service: "shop", kind: "retry", name, ...columns, ...of };
};
const history = (of: Partial<HistoryMessage> = {}): HistoryMessage => ({
  type: "history",
  times,
  cluster,
  policies: [policy("bank")],
  ...of,
});

describe("what was before the page was opened", () => {
  it("stands in the charts before what comes, gaps as gaps", () => {
    const model = new LiveModel();
    model.apply(history(), 1_020_000);
    expect(model.series.get(clusterSeries)?.columns).toEqual([
      [1_000, 1_005, 1_010],
      [1, null, 3],
      [0, null, 0],
      [7, null, 7],
    ]);
    expect(model.series.get(policyKey("shop", "retry", "bank"))?.columns).toHaveLength(6);
    // Told again to a page that came back.
    model.apply(history(), 1_021_000);
    expect(model.series.get(clusterSeries)?.columns[0]).toHaveLength(3);
  });

  it.each([
    { times: [3, 2, 1] },
    { times: [1_000_000, 1_000_000, 1_010_000] },
    { times: [] },
    { times: [1, 2] },
    { times: Array.from({ length: 100_000 }, (_, at) => at) },
    { cluster: { ...cluster, lagEntries: [1] }, policies: [policy("bank", { p99: [] })] },
  ])("is left out where it fits no times", (of) => {
    const model = new LiveModel();
    model.apply(history(of), 1_020_000);
    expect(model.series.size).toBe(0);
  });

  it("takes the place of nothing that is there, and no more than its own", () => {
    const model = new LiveModel();
    for (let name = 0; name < maxSeries - 5; name++) model.series.add(String(name), 1_000, [1]);
    model.apply(history({ policies: Array.from({ length: 3_000 }, (_, at) => policy(`p${at}`)) }), 1_020_000);
    expect(model.series.size).toBe(maxSeries);
    expect(model.series.get("0")).toBeDefined();
  });
});
