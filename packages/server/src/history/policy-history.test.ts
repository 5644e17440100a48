import type { PolicyView, ServiceReport } from "holdfast/telemetry";
import { describe, expect, it } from "vitest";
import { historyStepMs, stepOf } from "./history-ring.ts";
import { maxPolicies } from "./policy-book.ts";
import { PolicyHistory } from "./policy-history.ts";

const startMs = 1_000_000 * historyStepMs;

const policy = (name: string, callsPerSecond: number, failureRatio: number | null = null, p99?: number): PolicyView =>
  ({
    kind: "retry",
    name,
    callsPerSecond,
    failureRatio,
    durationMs: p99 === undefined ? null : { p50: p99 / 4, p90: p99 / 2, p99 },
  }) as PolicyView;

const report = (instance: string, ...policies: readonly PolicyView[]): ServiceReport =>
  ({ service: "shop", instance, policies }) as unknown as ServiceReport;

function rows(history: PolicyHistory, from: number, to: number, name = "bank"): number[][] {
  const { ring } = history.book.all().find((each) => each.name === name)!;
  return Array.from({ length: to - from + 1 }, (_, at) =>
    ring.columns.map((_column, which) => ring.value(which, from + at)),
  );
}
const none = Array(5).fill(Number.NaN) as number[];

describe("what services have reported", () => {
  it("adds up over instances, each once a step, with the quantiles of the slowest", () => {
    const history = new PolicyHistory();
    const step = stepOf(startMs);
    history.take(report("a", policy("bank", 10, 0.5, 8)), startMs);
    history.take(report("a", policy("bank", 99, 0.5, 99)), startMs + 2_000);
    history.take(report("b", policy("bank", 30, null, 40)), startMs + 3_000);
    history.take(report("c", policy("bank", 1, 0, 20)), startMs + 4_000);
    expect(rows(history, step - 1, step + 1)).toEqual([none, [41, 5, 10, 20, 40], none]);
  });

  it("has no holes when a report comes every six or ten seconds, and a gap where none came", () => {
    const history = new PolicyHistory();
    let atMs = startMs;
    for (const afterMs of [0, 6_000, 6_000, 6_000, 10_000, 10_000, 30_000]) {
      atMs += afterMs;
      history.take(report("a", policy("bank", 7)), atMs);
    }
    const first = stepOf(startMs);
    const calls = rows(history, first, stepOf(atMs)).map(([each]) => each);
    expect(calls).toEqual([7, 7, 7, 7, 7, 7, 7, 7, NaN, NaN, NaN, NaN, 7, 7]);
  });

  it("does not count twice an instance that goes on to report elsewhere", () => {
    const [here, there] = [new PolicyHistory(), new PolicyHistory()];
    for (let at = 0; at <= 20_000; at += 2_000)
      (at < 10_000 ? here : there).take(report("a", policy("bank", 7)), startMs + at);
    const first = stepOf(startMs);
    const calls = [here, there].map((each) => rows(each, first, first + 4).map(([one = NaN]) => one));
    expect(calls).toEqual([
      [7, 7, NaN, NaN, NaN],
      [NaN, NaN, 7, 7, 7],
    ]);
  });

  it("stays bounded: who is reported keeps a place, and who was not for longest gives way", () => {
    const history = new PolicyHistory();
    const names = (prefix: string, count: number): PolicyView[] =>
      Array.from({ length: count }, (_, at) => policy(`${prefix}${at}`, at));
    history.take(report("a", ...names("a", 150)), startMs);
    history.take(report("b", ...names("b", 500)), startMs + 120_000);
    const kept = (): string =>
      ["a", "b"].map((one) => history.book.all().filter(({ name }) => name.startsWith(one)).length).join();
    // What was silent for more than a minute gave way, and of those that report now no more came than there is room for.
    expect(kept()).toBe(`0,${maxPolicies}`);
    history.take(report("a", ...names("a", 10)), startMs + 125_000);
    expect(kept()).toBe(`0,${maxPolicies}`);
    for (let at = 0; at < 3_000; at++)
      history.take(report(`i${at}`, policy(`n${at}`, 1)), startMs + 130_000 + at * 1_000);
    expect(history.book.all()).toHaveLength(maxPolicies);
  });

  it("waits for a clock that was set back a little, and begins anew after much", () => {
    const history = new PolicyHistory();
    const step = stepOf(startMs);
    history.take(report("a", policy("bank", 1)), startMs);
    history.take(report("a", policy("bank", 2)), startMs - 2 * historyStepMs);
    expect(rows(history, step - 2, step).map(([each]) => each)).toEqual([NaN, NaN, 1]);
    history.take(report("a", policy("bank", 3)), startMs - 3_600_000);
    expect(history.book.all()[0]?.ring.last).toBe(stepOf(startMs - 3_600_000));
  });
});
