import { VirtualClock } from "holdfast/testing";
import { afterEach, describe, expect, it } from "vitest";
import { seededRandom } from "../../runtime/index.ts";
import type { ServiceReport } from "../view/service-report.ts";
import { instrumentService, type InstrumentedService, type InstrumentServiceOptions } from "./instrument-service.ts";
import type { InstrumentedPolicy } from "./policy-rates.ts";
import type { PostReport } from "./report-sender.ts";

const services: InstrumentedService[] = [];

afterEach(() => {
  for (const service of services.splice(0)) service.close();
});

interface Sent {
  readonly atMs: number;
  readonly url: string;
  readonly report: ServiceReport;
  readonly headers: Readonly<Record<string, string>>;
}

/** A service whose reports go to `answer`, by virtual time. */
function instrumented(
  options: Partial<InstrumentServiceOptions> = {},
  answer: (url: string, signal: AbortSignal) => Promise<number> | number = () => 204,
) {
  const clock = new VirtualClock();
  const sent: Sent[] = [];
  const fetch: PostReport = async (url, { body, headers, signal }) => {
    sent.push({ atMs: clock.now(), url, headers, report: JSON.parse(body) as ServiceReport });
    const status = await answer(url, signal);
    return { status, text: async () => (status < 300 ? "" : "no room") };
  };
  const service = instrumentService({
    service: "shop",
    endpoints: ["http://a:1", "http://b:2/"],
    fetch,
    clock,
    random: seededRandom(7),
    ...options,
  });
  services.push(service);
  return { service, clock, sent };
}

const breaker: InstrumentedPolicy = {
  kind: "circuitBreaker",
  name: "bank",
  state: "closed",
  counts: { successes: 0, failures: 0, ignored: 0, rejected: 0 },
  gauges: { remainingOpenMs: Number.POSITIVE_INFINITY, probing: 1 },
  options: { openMs: 30_000, window: { kind: "time", ms: 10_000 }, isFailure: () => true },
};

const gaps = (sent: readonly Sent[]): number[] => sent.slice(1).map(({ atMs }, at) => atMs - sent[at]!.atMs);

describe("an instrumented service", () => {
  it("reports again and again, not all instances at once", async () => {
    const { service, clock, sent } = instrumented({ token: "secret-of-the-house" });
    await clock.advance(20_000);
    expect(sent.length).toBeGreaterThanOrEqual(8);
    for (const gap of gaps(sent)) expect(gap).toBeGreaterThanOrEqual(1_599);
    for (const gap of gaps(sent)) expect(gap).toBeLessThanOrEqual(2_401);
    expect(new Set(gaps(sent)).size).toBeGreaterThan(3);
    expect(sent[0]).toMatchObject({
      url: "http://a:1/holdfast/v1/dashboard/services",
      headers: { authorization: "Bearer secret-of-the-house", "content-type": "application/json" },
      report: { service: "shop", health: null, policies: [], errors: [], omitted: 0 },
    });
    expect(service.metrics).toEqual({ sent: sent.length, failed: 0, lastError: null });
    expect(new Set(sent.map(({ report }) => report.instance)).size).toBe(1);
  });

  it("goes to the next endpoint at once when one does not take it, and stays there", async () => {
    const { clock, sent, service } = instrumented({}, (url) => {
      if (url.startsWith("http://a")) throw new Error("refused");
      return 204;
    });
    await clock.advance(10_000);
    expect(sent.filter(({ url }) => url.startsWith("http://a"))).toHaveLength(1);
    expect(gaps(sent)[0]).toBeLessThan(100);
    expect(service.metrics).toMatchObject({ failed: 1, lastError: null });
  });

  it("asks more and more seldom where nobody takes it, and keeps nothing for later", async () => {
    const { clock, sent, service } = instrumented({}, () => 429);
    await clock.advance(300_000);
    expect(sent.length).toBeLessThan(40);
    expect(sent.length).toBeGreaterThan(10);
    expect(Math.max(...gaps(sent))).toBeLessThanOrEqual(18_001);
    expect(service.metrics).toMatchObject({ sent: 0, failed: sent.length });
    expect(service.metrics.lastError).toContain("answers 429: no room");
  });

  it("gives up one that never answers, with one report under way at a time", async () => {
    let open = 0;
    let most = 0;
    const { clock, sent } = instrumented({}, (_url, signal) => {
      most = Math.max(most, ++open);
      return new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => {
          open--;
          reject(signal.reason as Error);
        });
      });
    });
    await clock.advance(30_000);
    expect(most).toBe(1);
    expect(sent.length).toBeGreaterThan(3);
  });

  it("tells a change of state at once, and many changes not at once", async () => {
    let state = "closed";
    const { clock, sent } = instrumented({ policies: () => [{ ...breaker, state }] });
    await clock.advance(5_000);
    const before = sent.length;
    state = "open";
    await clock.advance(300);
    expect(sent.slice(before).map(({ report }) => report.policies[0]?.state)).toEqual(["open"]);
    for (let change = 0; change < 100; change++) {
      state = change % 2 === 0 ? "closed" : "open";
      await clock.advance(50);
    }
    expect(Math.min(...gaps(sent.slice(before)))).toBeGreaterThanOrEqual(399);
  });

  it("tells how often policies were called, from what they count", async () => {
    const counts = { successes: 1_000, failures: 0, ignored: 0, rejected: 0 };
    const { clock, service } = instrumented({ policies: () => [{ ...breaker, counts }] });
    for (let second = 0; second < 30; second++) {
      counts.successes += 15;
      counts.failures += 5;
      await clock.advance(1_000);
    }
    const [policy] = service.report().policies;
    expect(policy!.callsPerSecond).toBeGreaterThan(17);
    expect(policy!.callsPerSecond).toBeLessThan(23);
    expect(policy!.failureRatio).toBeCloseTo(0.25, 1);
    expect(policy).toMatchObject({
      isForced: false,
      durationMs: null,
      gauges: { probing: 1 },
      configuration: { openMs: "30000", "window.kind": "time", "window.ms": "10000", isFailure: "a function" },
    });
    await clock.advance(20_000);
    expect(service.report().policies[0]).toMatchObject({ callsPerSecond: 0, failureRatio: null });
  });

  it("shows what an observer measures, also with the policy of its name", () => {
    const bulkhead: InstrumentedPolicy = { ...breaker, kind: "bulkhead", name: "stock", counts: { rejected: 2 } };
    const { service } = instrumented({ policies: () => [bulkhead, { ...breaker, state: "forcedOpen" }] });
    const observer = service.observer("stock");
    observer.started();
    observer.ended("failed", 40);
    observer.started();
    const { policies } = service.report();
    expect(policies.find(({ kind }) => kind === "bulkhead")).toMatchObject({ callsPerSecond: 1, failureRatio: 1 });
    expect(policies.find(({ kind }) => kind === "calls")).toMatchObject({
      name: "stock",
      counts: { failed: 1 },
      gauges: { active: 1 },
    });
    expect(policies.find(({ kind }) => kind === "circuitBreaker")).toMatchObject({
      state: "forcedOpen",
      isForced: true,
    });
  });

  it("keeps a flood of names, policies and errors within bounds, and says what it left out", async () => {
    const many = Array.from({ length: 600 }, (_, at) => ({
      ...breaker,
      name: `p${at}`,
      options: { text: "x".repeat(500) },
    }));
    const group = {
      fingerprint: "f",
      kind: "k",
      code: "c",
      message: "m",
      count: 1,
      ratePerSecond: 0,
      firstAt: 0,
      lastAt: 0,
    };
    const errors = { groups: () => Array.from({ length: 70 }, () => group) };
    const { service, clock, sent } = instrumented({ policies: () => many, errors });
    for (let at = 0; at < 10_000; at++) service.observer(`route ${at}`).started();
    const report = service.report();
    expect(report.policies).toHaveLength(500);
    expect(report.errors).toHaveLength(50);
    // 600 policies and 401 names, of which 500 fit; 20 errors; 9 600 names that share one.
    expect(report.omitted).toBe(501 + 20 + 9_600);
    await clock.advance(3_000);
    const body = JSON.stringify(sent[0]!.report);
    expect(body.length).toBeLessThan(256 * 1024);
    expect(sent[0]!.report.policies.length + sent[0]!.report.omitted).toBe(500 + report.omitted);
  });

  it("goes on when its own readers fail, and says so", async () => {
    const { service, clock } = instrumented({
      policies: () => {
        throw new Error("not readable");
      },
    });
    await clock.advance(5_000);
    expect(service.metrics.lastError).toBe("not readable");
  });

  it("says nothing after it is closed", async () => {
    const { service, clock, sent } = instrumented();
    await clock.advance(5_000);
    const before = sent.length;
    service.close();
    service.close();
    await clock.advance(60_000);
    expect(sent).toHaveLength(before);
  });

  it.each([
    [{ service: "" }, 'instrumentService.service must be 1 to 128 characters (got "")'],
    [{ endpoints: [] }, "instrumentService.endpoints must be a list of at least one URL (got an array of 0)"],
    [
      { endpoints: ["n1:2381"] },
      'instrumentService.endpoints[0] must be a URL like http://127.0.0.1:2381 (got "n1:2381")',
    ],
    [{ everyMs: 10 }, "instrumentService.everyMs must be a number >= 500 and <= 10000 (got 10)"],
    [{ errors: {} as never }, "instrumentService.errors must be an aggregator of errors"],
    [{ health: {} as never }, "instrumentService.health must be what createHealth gives"],
    [{ wrong: 1 } as never, "instrumentService"],
  ])("refuses %j", (options: Partial<InstrumentServiceOptions>, message) => {
    expect(() => instrumented(options)).toThrow(message);
  });
});
