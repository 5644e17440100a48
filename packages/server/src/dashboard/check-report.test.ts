import type { ServiceReport } from "holdfast/telemetry";
import { describe, expect, it } from "vitest";
import { checkReport } from "./check-report.ts";

const policy: ServiceReport["policies"][number] = {
  kind: "circuitBreaker",
  name: "bank",
  state: "open",
  isForced: false,
  callsPerSecond: 12.5,
  failureRatio: 0.4,
  durationMs: { p50: 1, p90: 2, p99: 3 },
  counts: { failures: 3 },
  gauges: { probing: 0 },
  configuration: { openMs: "30000" },
};

const report: ServiceReport = {
  service: "shop",
  instance: "a:1",
  at: 2,
  startedAt: 1,
  health: {
    state: "degraded",
    isLive: true,
    isReady: true,
    isDraining: false,
    components: [{ name: "db", state: "unknown", isCritical: true, details: null, checkedAt: null }],
  },
  policies: [policy],
  errors: [
    { fingerprint: "f", kind: "network", code: "E", message: "m", count: 1, ratePerSecond: 0, firstAt: 1, lastAt: 2 },
  ],
  omitted: 0,
};

describe("a report", () => {
  it("may say since when a component is as it is, and nothing else", () => {
    const { health } = report;
    const since = (value: unknown): unknown => ({
      ...report,
      health: { ...health, components: [{ ...health!.components[0], since: value }] },
    });
    expect(checkReport(since(7))).toMatchObject({ health: { components: [{ since: 7 }] } });
    expect(() => checkReport(since("now"))).toThrow("health.components[0].since must be a number >= 0");
    expect(() => checkReport(since(undefined))).toThrow(
      "health.components[0].since must be a number >= 0 (got nothing)",
    );
  });

  it("is taken as it is when it is one", () => {
    expect(checkReport(structuredClone(report))).toEqual(report);
    expect(checkReport({ ...report, health: null, policies: [], errors: [] })).toMatchObject({ health: null });
  });

  const many = Array.from({ length: 501 }, () => policy);
  const wide = Object.fromEntries(Array.from({ length: 101 }, (_, at) => [`c${at}`, 1]));
  const refused: readonly [value: unknown, message: string][] = [
    [null, "the report must be an object (got null)"],
    [[], "the report must be an object (got [])"],
    [{ ...report, service: undefined }, "service must be a text of 1 to 128 characters (got nothing)"],
    [{ ...report, service: "x".repeat(129) }, "service must be a text of 1 to 128 characters"],
    [{ ...report, more: 1 }, "more is not known (got 1)"],
    [{ ...report, at: "now" }, 'at must be a number >= 0 (got "now")'],
    [
      { ...report, health: { ...report.health, state: "fine" } },
      "health.state must be one of healthy, degraded, unhealthy",
    ],
    [{ ...report, health: { ...report.health, isLive: 1 } }, "health.isLive must be true or false (got 1)"],
    [{ ...report, policies: {} }, "policies must be a list (got {})"],
    [{ ...report, policies: many }, "policies must have at most 500 entries (got 501)"],
    [
      { ...report, policies: [policy, { ...policy, failureRatio: 7 }] },
      "policies[1].failureRatio must be a number 0..1 (got 7)",
    ],
    [
      { ...report, policies: [{ ...policy, counts: { a: Number.NaN } }] },
      "policies[0].counts.a must be a number >= 0 (got null)",
    ],
    [
      { ...report, policies: [{ ...policy, counts: wide }] },
      "policies[0].counts must have at most 100 entries (got 101)",
    ],
    [{ ...report, policies: [{ ...policy, gauges: { a: "1" } }] }, "policies[0].gauges.a must be a number"],
    [
      { ...report, policies: [{ ...policy, durationMs: { p50: 1, p90: 2 } }] },
      "policies[0].durationMs.p99 must be a number >= 0 (got nothing)",
    ],
    [
      { ...report, policies: [{ ...policy, configuration: { a: 1 } }] },
      "policies[0].configuration.a must be a text of 0 to 1024 characters (got 1)",
    ],
    [{ ...report, errors: [{ ...report.errors[0], count: -1 }] }, "errors[0].count must be a number >= 0 (got -1)"],
  ];

  it.each(refused)("is refused, and where it is wrong is said: %#", (value, message) => {
    expect(() => checkReport(value)).toThrow(message);
  });
});
