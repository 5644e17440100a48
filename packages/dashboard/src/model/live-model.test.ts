import type { ClusterView, LiveMessage, PolicyView, ServiceReport } from "holdfast/telemetry";
import { describe, expect, it } from "vitest";
import { faultRegions } from "./fault-regions.ts";
import { LiveModel } from "./live-model.ts";
import { clusterSeries, maxSeries } from "./series.ts";

const cluster = (commitsPerSecond: number, lags: readonly (number | null)[]): LiveMessage => ({
  type: "cluster",
  cluster: {
    commitsPerSecond,
    members: lags.map((lagEntries) => ({ lagEntries, residentBytes: 5 })),
  } as unknown as ClusterView,
});

describe("the model", () => {
  it("has the last word of each kind, and series of what was", () => {
    const model = new LiveModel();
    model.apply(cluster(10, [0, 4, null]), 1_000);
    model.apply(cluster(20, [null]), 2_000);
    expect(model.cluster?.commitsPerSecond).toBe(20);
    expect(model.series.get(clusterSeries)?.columns).toEqual([
      [1, 2],
      [10, 20],
      [4, null],
      [5, 5],
    ]);
    model.reset();
    expect(model.series.size).toBe(0);
    expect(model.cluster).toBeNull();
  });

  it("knows since when a breaker is open, and when the first instance lets calls through again", () => {
    const model = new LiveModel();
    const bank = (state: string, gauges: object): PolicyView =>
      ({
        kind: "circuitBreaker",
        name: "bank",
        state,
        gauges,
        callsPerSecond: 1,
        failureRatio: 0,
        durationMs: null,
      }) as unknown as PolicyView;
    const report = (instance: string, policy: PolicyView): ServiceReport =>
      ({ service: "shop", instance, policies: [policy] }) as unknown as ServiceReport;
    const tell = (atMs: number, ...services: readonly ServiceReport[]): void =>
      model.apply({ type: "services", services }, atMs);
    tell(1_000, report("a", bank("closed", {})), report("b", bank("closed", { remainingOpenMs: 0 })));
    expect(model.policies[0]).toMatchObject({ since: { atMs: 1_000, isLonger: true }, halfOpenAtMs: null });
    const endless = bank("open", { remainingOpenMs: Number.POSITIVE_INFINITY });
    tell(
      4_000,
      report("a", bank("open", { remainingOpenMs: 9_000 })),
      report("b", bank("open", { remainingOpenMs: 5_000 })),
    );
    expect(model.policies[0]).toMatchObject({ since: { atMs: 4_000, isLonger: false }, halfOpenAtMs: 9_000 });
    tell(6_000, report("a", endless));
    expect(model.policies[0]).toMatchObject({ since: { atMs: 4_000 }, halfOpenAtMs: null });
  });

  it("stays bounded, whatever comes", () => {
    const model = new LiveModel();
    model.apply(cluster(1, Array(5_000).fill(1) as number[]), 1_000);
    const policies = Array.from(
      { length: 3_000 },
      (_, at) =>
        ({
          kind: "retry",
          name: `p${at}`,
          state: null,
          callsPerSecond: at === 2_999 ? 1e6 : at,
          failureRatio: 0,
          durationMs: null,
          isForced: false,
          gauges: {},
        }) as unknown as PolicyView,
    );
    const services = Array.from(
      { length: 900 },
      (_, at) => ({ service: `s${at}`, instance: "1", policies: at === 0 ? policies : [] }) as unknown as ServiceReport,
    );
    const absent = Array.from({ length: 900 }, (_, at) => {
      return { service: "shop", instance: `i${at}`, reason: "left" as const, at };
    });
    const refused = { count: 3, detail: "the token is missing or wrong", at: 900 };
    model.apply({ type: "services", services, absent, refused }, 1_000);
    expect([model.reporting.absent.length, model.reporting.refused]).toEqual([200, refused]);
    expect(model.cluster?.members).toHaveLength(1_000);
    expect(model.services).toHaveLength(200);
    expect(model.series.size).toBeLessThanOrEqual(maxSeries);
    // The busiest have theirs.
    expect(model.series.get("s0/retry/p2999")).toBeDefined();
  });
});

describe("fault regions", () => {
  it("are of what was told, and of what goes on", () => {
    const model = new LiveModel();
    const of = { target: "peers", kind: "delay", nodeId: "n1", seq: 1 };
    model.apply(
      {
        type: "events",
        events: [
          { id: "1", event: { ...of, type: "faultInjected", fault: "a", parameters: {}, at: 1_000, durationMs: 500 } },
          {
            id: "2",
            event: { ...of, type: "faultRemoved", fault: "a", at: 1_400, reason: "healed", lastedMs: 400, struck: 1 },
          },
          {
            id: "3",
            event: {
              ...of,
              type: "faultRemoved",
              fault: "b",
              at: 2_000,
              reason: "expired",
              lastedMs: 600,
              struck: null,
            },
          },
          { id: "4", event: { ...of, type: "faultInjected", fault: "c", parameters: {}, at: 3_000, durationMs: 500 } },
        ],
      },
      1,
    );
    const active = {
      id: "d",
      target: "peers",
      kind: "delay",
      parameters: {},
      injectedAt: 4_000,
      endsAt: 9_000,
      struck: 0,
    };
    expect(faultRegions(model.log, [active]).map(({ id, fromMs, toMs }) => [id, fromMs, toMs])).toEqual([
      ["a", 1_000, 1_400],
      ["b", 1_400, 2_000],
      ["c", 3_000, null],
      ["d", 4_000, null],
    ]);
  });
});
