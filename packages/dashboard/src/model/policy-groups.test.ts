import type { PolicyView, ServiceReport } from "holdfast/telemetry";
import { describe, expect, it } from "vitest";
import { keptInPlace, policyGroups } from "./policy-groups.ts";

const policy = (name: string, change: Partial<PolicyView> = {}): PolicyView => ({
  kind: "circuitBreaker",
  name,
  state: "closed",
  isForced: false,
  callsPerSecond: 10,
  failureRatio: 0,
  durationMs: null,
  counts: {},
  gauges: {},
  configuration: {},
  ...change,
});

const report = (instance: string, policies: readonly PolicyView[], service = "orders"): ServiceReport => ({
  service,
  instance,
  at: 0,
  startedAt: 0,
  health: null,
  policies,
  errors: [],
  omitted: 0,
});

describe("policies of several instances", () => {
  it("are one, with the worst state, all calls, and the slowest durations", () => {
    const [group] = policyGroups([
      report("a", [
        policy("pay", { state: "open", callsPerSecond: 30, failureRatio: 1, durationMs: { p50: 1, p90: 2, p99: 3 } }),
      ]),
      report("b", [policy("pay", { callsPerSecond: 10, failureRatio: 0.2, durationMs: { p50: 1, p90: 2, p99: 9 } })]),
      report("c", [policy("pay", { callsPerSecond: 0, failureRatio: null, isForced: true })]),
    ]);
    expect(group).toMatchObject({
      state: "open",
      inState: 1,
      callsPerSecond: 40,
      failureRatio: 0.8,
      isForced: true,
      tone: "bad",
    });
    expect(group?.durationMs?.p99).toBe(9);
    expect(group?.instances.map(({ instance }) => instance)).toEqual(["a", "b", "c"]);
  });

  it("of the same name in other services, or of other kinds, are others, whatever is in their names", () => {
    const groups = policyGroups([
      report("a", [policy("x/y"), policy("x/y", { kind: "retry" })]),
      report("a", [policy("x/y")], "orders/x"),
    ]);
    expect(new Set(groups.map(({ key }) => key)).size).toBe(3);
    expect(groups.map(({ name }) => name)).toEqual(["x/y", "x/y", "x/y"]);
  });

  it("stand with trouble first, then the busiest, and keep their places when a rate moves a little", () => {
    const names = (rate: number): string[] =>
      policyGroups([
        report("a", [
          policy("calm", { callsPerSecond: 1 }),
          policy("busy", { callsPerSecond: 900 }),
          policy("alike-1", { callsPerSecond: 40 }),
          policy("alike-2", { callsPerSecond: rate }),
          policy("failing", { failureRatio: 0.2 }),
          policy("half", { state: "halfOpen", callsPerSecond: 0.2 }),
          policy("open", { state: "open", callsPerSecond: 0 }),
          policy("by-hand", { state: "forcedOpen", callsPerSecond: 0, failureRatio: null }),
        ]),
      ]).map(({ name }) => name);
    expect(names(40)).toEqual(["by-hand", "open", "failing", "half", "busy", "alike-1", "alike-2", "calm"]);
    expect(names(44)).toEqual(names(40));
  });
});

it("keeps what is as well as before in its place, and lets what got worse go first", () => {
  const told = (...policies: readonly PolicyView[]): ReturnType<typeof policyGroups> =>
    policyGroups([report("a", policies)]);
  const before = told(policy("x", { callsPerSecond: 900 }), policy("y", { callsPerSecond: 1 }), policy("z"));
  expect(before.map(({ name }) => name)).toEqual(["x", "z", "y"]);
  const busier = told(
    policy("x", { callsPerSecond: 1 }),
    policy("y", { callsPerSecond: 900 }),
    policy("z"),
    policy("new"),
  );
  expect(keptInPlace(busier, before).map(({ name }) => name)).toEqual(["x", "z", "y", "new"]);
  const worse = told(policy("x"), policy("y", { state: "open" }), policy("z"));
  expect(keptInPlace(worse, before).map(({ name }) => name)).toEqual(["y", "x", "z"]);
});
