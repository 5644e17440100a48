import { VirtualClock } from "holdfast/testing";
import { afterEach, describe, expect, it, vi } from "vitest";
import { seededRandom } from "../../runtime/index.ts";
import type { ServiceReport } from "../view/service-report.ts";
import type { InstrumentServiceOptions } from "./instrument-options.ts";
import { instrumentService, type InstrumentedService } from "./instrument-service.ts";
import type { InstrumentedPolicy } from "./policy-rates.ts";
import type { PostReport } from "./report-sender.ts";

const services: InstrumentedService[] = [];

afterEach(() => {
  for (const service of services.splice(0)) void service.close();
  vi.unstubAllEnvs();
});

interface Sent {
  readonly atMs: number;
  readonly url: string;
  readonly method: string;
  readonly report: ServiceReport;
  readonly headers: Readonly<Record<string, string>>;
}

/** A service whose reports go to `answer`, by virtual time. */
function instrumented(
  options: Partial<InstrumentServiceOptions> = {},
  answer: (url: string, signal: AbortSignal) => Promise<number> | number = () => 204,
  nextMs: () => string | null = () => null,
) {
  const clock = new VirtualClock();
  const sent: Sent[] = [];
  const unheard: string[] = [];
  const fetch: PostReport = async (url, { method, body = "null", headers, signal }) => {
    sent.push({ atMs: clock.now(), url, method, headers, report: JSON.parse(body) as ServiceReport });
    const status = await answer(url, signal);
    return { status, headers: { get: nextMs }, text: async () => (status < 300 ? "" : '{"detail":"no room"}') };
  };
  const service = instrumentService({
    service: "shop",
    endpoints: ["http://a:1", "http://b:2/"],
    fetch,
    clock,
    random: seededRandom(7),
    onUnheard: (why) => void unheard.push(why),
    ...options,
  });
  services.push(service);
  return { service, clock, sent, unheard };
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

  it("says once that nobody takes them, and again after somebody has", async () => {
    let status = 401;
    const { clock, unheard } = instrumented({}, () => status);
    await clock.advance(60_000);
    expect(unheard).toEqual(["http://b:2 answers 401: no room"]);
    status = 204;
    await clock.advance(60_000);
    status = 503;
    await clock.advance(60_000);
    expect(unheard).toHaveLength(2);
  });

  it("says what a connection failed of, and goes on when whoever is told throws", async () => {
    const cause = Object.assign(new Error(""), { code: "ECONNREFUSED" });
    const told: string[] = [];
    const onUnheard = (why: string): void => {
      told.push(why);
      throw new Error("no log");
    };
    const { clock, sent } = instrumented({ onUnheard }, () => {
      throw new TypeError("fetch failed", { cause });
    });
    await clock.advance(60_000);
    expect(told).toEqual(["fetch failed: ECONNREFUSED"]);
    expect(sent.length).toBeGreaterThan(5);
  });

  it("reports less often while nobody looks, as whoever takes them asks, and changes at once all the same", async () => {
    let next: string | null = "6000";
    let state = "closed";
    const { clock, sent } = instrumented(
      { policies: () => [{ ...breaker, state }] },
      () => 204,
      () => next,
    );
    await clock.advance(60_000);
    for (const gap of gaps(sent)) expect(gap).toBeGreaterThanOrEqual(4_800);
    expect(sent.length).toBeGreaterThan(7);
    const before = sent.length;
    state = "open";
    await clock.advance(500);
    expect(sent.slice(before).map(({ report }) => report.policies[0]?.state)).toEqual(["open"]);
    // Whoever asks for more than that an instance be held for silent is not believed.
    next = "86400000";
    await clock.advance(60_000);
    expect(Math.max(...gaps(sent))).toBeLessThanOrEqual(12_000);
    next = "nonsense";
    await clock.advance(12_000);
    const later = sent.length;
    await clock.advance(20_000);
    expect(sent.length - later).toBeGreaterThan(7);
  });

  it("takes leave of whoever has heard of it, once", async () => {
    const { service, clock, sent } = instrumented({ service: "shop & co", instance: "a/1", token: "secret" });
    await clock.advance(5_000);
    const { startedAt } = service.report();
    await Promise.all([service.close(), service.close()]);
    expect(sent.filter(({ method }) => method === "DELETE")).toEqual([
      expect.objectContaining({
        url: `http://a:1/holdfast/v1/dashboard/services/shop%20%26%20co/a%2F1?startedAt=${startedAt}`,
        headers: { authorization: "Bearer secret" },
      }),
    ]);
    const unheard = instrumented({}, () => 503);
    await unheard.clock.advance(5_000);
    await unheard.service.close();
    expect(unheard.sent.every(({ method }) => method === "POST")).toBe(true);
  });

  it("does not wait for long to take leave", async () => {
    let isSilent = false;
    const { service, clock } = instrumented({}, (_url, signal) => {
      if (!isSilent) return 204;
      return new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason as Error));
      });
    });
    await clock.advance(5_000);
    isSilent = true;
    let closed = false;
    const closing = service.close().then(() => (closed = true));
    await clock.advance(900);
    expect(closed).toBe(false);
    await clock.advance(200);
    expect(await closing).toBe(true);
  });

  it("is told by its environment where to report, and with which token", async () => {
    vi.stubEnv("HOLDFAST_DASHBOARD_URL", "http://c:3, https://d:4/");
    vi.stubEnv("HOLDFAST_DASHBOARD_TOKEN", "of-the-environment");
    const { clock, sent } = instrumented({ endpoints: undefined } as never, (url) => (url.includes("//c") ? 503 : 204));
    await clock.advance(3_000);
    expect(sent.slice(0, 2).map(({ url, headers }) => [new URL(url).origin, headers["authorization"]])).toEqual([
      ["http://c:3", "Bearer of-the-environment"],
      ["https://d:4", "Bearer of-the-environment"],
    ]);
    vi.stubEnv("HOLDFAST_DASHBOARD_URL", "c:3");
    expect(() => instrumented({ endpoints: undefined } as never)).toThrow(
      'HOLDFAST_DASHBOARD_URL must be a URL like http://127.0.0.1:2381 (got "c:3")',
    );
    vi.stubEnv("HOLDFAST_DASHBOARD_URL", "");
    expect(() => instrumented({ endpoints: undefined } as never)).toThrow("unless HOLDFAST_DASHBOARD_URL says it");
    vi.stubEnv("HOLDFAST_DASHBOARD_TOKEN", "two words");
    expect(() => instrumented()).toThrow("HOLDFAST_DASHBOARD_TOKEN must be 1 to 512 printable characters");
  });

  it("is told apart by host, process and digits where it has no name of its own", () => {
    const [one, other] = [instrumented({ random: seededRandom(1) }), instrumented({ random: seededRandom(2) })];
    expect(one.service.report().instance).toMatch(new RegExp(`^.+:${process.pid}:[0-9a-f]{4}$`));
    expect(other.service.report().instance).not.toBe(one.service.report().instance);
  });

  it("groups errors itself, unless somebody else does", () => {
    const { service } = instrumented();
    for (let at = 0; at < 3; at++) service.recordError(new RangeError(`order ${at} is not there`));
    expect(service.report().errors).toEqual([expect.objectContaining({ count: 3 })]);
    const { service: other } = instrumented({ errors: { groups: () => [] } });
    other.recordError(new Error("counted elsewhere"));
    expect(other.report().errors).toEqual([]);
  });

  it("tells since when a component is as it is, and a change of one at once", async () => {
    let state: "healthy" | "unhealthy" = "healthy";
    const health: InstrumentServiceOptions["health"] = {
      view: () => ({
        state: "degraded",
        isLive: true,
        isReady: true,
        isDraining: false,
        components: [{ name: "database", state, isCritical: false, details: "ECONNREFUSED", checkedAt: 1 }],
      }),
    };
    const { clock, sent, service } = instrumented({ health });
    await clock.advance(10_100);
    const before = sent.length;
    const struckAt = clock.wallTime();
    state = "unhealthy";
    await clock.advance(300);
    expect(sent).toHaveLength(before + 1);
    await clock.advance(20_000);
    const [component] = service.report().health!.components;
    expect(component).toMatchObject({ name: "database", state: "unhealthy", details: "ECONNREFUSED" });
    expect(component!.since! - struckAt).toBeLessThanOrEqual(250);
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
    const { service } = instrumented({
      policies: () => [
        { ...bulkhead, state: "open" },
        { ...breaker, state: "forcedOpen" },
      ],
    });
    const observer = service.observer("stock");
    observer.started();
    observer.ended("failed", 40);
    observer.started();
    const { policies } = service.report();
    // An open breaker takes no calls, an open bulkhead does.
    expect(policies.find(({ kind }) => kind === "bulkhead")).toMatchObject({
      state: "free",
      callsPerSecond: 1,
      failureRatio: 1,
    });
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
    await service.close();
    const before = sent.length;
    await service.close();
    await clock.advance(60_000);
    expect(sent).toHaveLength(before);
  });

  it.each([
    [{ service: "" }, 'instrumentService.service must be 1 to 128 characters (got "")'],
    [
      { endpoints: [] },
      "instrumentService.endpoints must be a list of at least one URL, unless HOLDFAST_DASHBOARD_URL",
    ],
    [{ token: "a\nb" }, "instrumentService.token must be 1 to 512 printable characters"],
    [{ tls: { ca: "" } }, "instrumentService.tls must not be given with fetch"],
    [{ fetch: undefined, tls: { wrong: "" } } as never, "instrumentService.tls"],
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
