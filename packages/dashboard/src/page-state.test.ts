import type { ClusterView, LiveMessage } from "holdfast/telemetry";
import { describe, expect, it } from "vitest";
import { fullestView } from "./model/fullest-view.ts";
import { LiveModel } from "./model/live-model.ts";
import { clusterSeries } from "./model/series.ts";
import { pageState } from "./page-state.ts";

const cluster = (term: number, members: readonly object[] = [{ lagEntries: 0 }]): LiveMessage => ({
  type: "cluster",
  cluster: { term, commitsPerSecond: term, members } as unknown as ClusterView,
});
const stalled = (seq: number): LiveMessage => ({
  type: "events",
  events: [{ id: `n1:r-${seq}`, event: { type: "selfStalled", lagMs: 5, at: seq, nodeId: "n1", seq } }],
});
const drill: LiveMessage = {
  type: "drills",
  drills: [{ drill: "d", verdict: "running", phase: "", startedAt: 0, endedAt: null, measures: {} }],
};

describe("a page that is paused", () => {
  it("keeps what is observed as it stood, goes on with what people act on, and misses nothing", () => {
    const model = new LiveModel();
    const page = pageState(model, null, { phase: "recorded" });
    const tell = (...messages: readonly LiveMessage[]): void => {
      for (const message of messages) model.apply(message, page.clockMs.value);
      page.refresh();
    };
    page.setNow(1_000);
    tell(cluster(1), stalled(1));
    page.pause("hand");
    page.setNow(60_000);
    tell(cluster(2), stalled(2), stalled(3), drill);
    expect([page.cluster.value?.term, page.presentCluster.value?.term]).toEqual([1, 2]);
    expect([page.nowMs.value, page.clockMs.value]).toEqual([1_000, 60_000]);
    expect(page.log.value.entries).toHaveLength(1);
    expect(page.missed.value).toBe(2);
    expect(page.drills.value).toHaveLength(1);
    expect(page.series.get(clusterSeries)?.columns[0]).toEqual([1]);
    expect(page.paused.value).toEqual({ atMs: 1_000, by: "hand" });
    page.goOn();
    expect([page.cluster.value?.term, page.nowMs.value, page.missed.value]).toEqual([2, 60_000, 0]);
    expect(page.log.value.entries).toHaveLength(3);
    expect(page.series.get(clusterSeries)?.columns[0]).toEqual([1, 60]);
  });

  it("by reading becomes one by hand, and not the other way round", () => {
    const page = pageState(new LiveModel(), null, { phase: "recorded" });
    page.setNow(5);
    page.pause("reading");
    page.setNow(9);
    page.pause("hand");
    expect(page.paused.value).toEqual({ atMs: 5, by: "hand" });
    page.pause("reading");
    expect(page.paused.value).toEqual({ atMs: 5, by: "hand" });
  });
});

it("opens where there is something to see", () => {
  const model = new LiveModel();
  expect(fullestView(model)).toBe("cluster");
  model.apply(stalled(1), 1);
  expect(fullestView(model)).toBe("events");
  model.apply(cluster(1, []), 1);
  model.apply(drill, 1);
  expect(fullestView(model)).toBe("work");
  model.apply(cluster(1), 2);
  expect(fullestView(model)).toBe("cluster");
});
