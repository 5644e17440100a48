import type { HistoryEvent } from "holdfast/proof";
import { nodeRuntime } from "holdfast/runtime";
import { describe, expect, it } from "vitest";
import { checks, type CheckName } from "./checks.ts";
import type { HistoryCheckOptions, HistoryCheckResult } from "./history-check.ts";

type Call = readonly [f: string, input: unknown, output: unknown];

/** One after the other, each by a process of its own; lines as in a file with a line above each event. */
function history(...calls: readonly Call[]): HistoryEvent[] {
  return calls.flatMap(([f, input, output], process): HistoryEvent[] => [
    { process, type: "invoke", f, value: input, timeNs: 10 * process, line: 4 * process + 2 },
    { process, type: "ok", f, value: output, timeNs: 10 * process + 5, line: 4 * process + 4 },
  ]);
}

/** All at the same time. */
function overlapping(...calls: readonly Call[]): HistoryEvent[] {
  return history(...calls)
    .map((event) => ({ ...event, timeNs: event.type === "invoke" ? 1 : 2 }))
    .toSorted((a, b) => a.timeNs - b.timeNs);
}

function check(
  name: CheckName,
  events: HistoryEvent[],
  options: Partial<HistoryCheckOptions> = {},
): HistoryCheckResult {
  const { clock } = nodeRuntime();
  return checks[name](events, { initial: undefined, level: undefined, timeoutMs: 10_000, clock, ...options });
}

describe("checks of models", () => {
  it("point out the operation that fits nowhere, and the orders it was tried after", () => {
    const result = check("register", history(["write", 1, null], ["read", null, 2]));
    expect(result).toMatchObject({ verdict: "violation", operations: 2, violationLine: 6 });
    expect(result.highlights).toEqual([
      { title: "order 1: leaves 1", detail: expect.stringContaining("1. write(1) -> null (line 2)"), lines: [2] },
    ]);
    expect(result.more).toEqual({
      violation: {
        operation: { line: 6, process: 1, f: "read", input: null, output: 2 },
        partialOrders: [{ operations: [2], length: 1, state: "1" }],
      },
    });
    expect(check("register", history(["read", null, 7]), { initial: 7 }).verdict).toBe("ok");
  });
});

describe("checks of transactions", () => {
  const skew = overlapping(
    [
      "txn",
      [
        ["r", 1, null],
        ["append", 2, 1],
      ],
      [
        ["r", 1, []],
        ["append", 2, 1],
      ],
    ],
    [
      "txn",
      [
        ["r", 2, null],
        ["append", 1, 1],
      ],
      [
        ["r", 2, []],
        ["append", 1, 1],
      ],
    ],
  );

  it("point out the anomalies, and follow the level", () => {
    const result = check("list-append", skew);
    expect(result).toMatchObject({ verdict: "violation", operations: 2, more: { counts: { "G2-item": 1 } } });
    expect(result.highlights).toMatchObject([{ title: "G2-item: write skew", lines: [2, 6] }]);
    expect(check("list-append", skew, { level: "snapshot-isolation" }).verdict).toBe("ok");
  });

  it("have registers, too", () => {
    const register = history(["txn", [["w", 1, 5]], [["w", 1, 5]]], ["txn", [["r", 1, null]], [["r", 1, 5]]]);
    expect(check("rw-register", register).verdict).toBe("ok");
  });
});

describe("the bank's check", () => {
  const read = (...balances: readonly number[]): Call => ["read", null, Object.fromEntries(balances.entries())];
  const short = history(read(5, 5), read(5, 4), ["transfer", { from: 0, to: 1, amount: 1 }, null]);

  it.each<[unknown, string, number, number]>([
    [undefined, "violation", 6, 10],
    [9, "violation", 2, 9],
    [{ 0: 10, 1: 0 }, "violation", 6, 10],
  ])("with %j at first: %s at line %d of a total of %d", (initial, verdict, violationLine, total) => {
    expect(check("bank", short, { initial })).toMatchObject({ verdict, violationLine, more: { total, reads: 2 } });
  });

  it("says where the total comes from, and passes what sums up", () => {
    const result = check("bank", history(read(5, 5), read(4, 6)));
    expect(result).toMatchObject({
      verdict: "ok",
      operations: 2,
      explanation: expect.stringContaining("the first read's"),
    });
    expect(check("bank", [])).toMatchObject({ verdict: "unknown" });
    expect(() => check("bank", short, { initial: ["x"] })).toThrow(
      "--init must be the total or the balances by account",
    );
  });
});

describe("checks of guarantees", () => {
  it("point out what a set has lost", () => {
    const result = check("set-full", history(["add", 1, 1], ["add", 2, 2], ["read", null, [2]]));
    expect(result).toMatchObject({ verdict: "violation", more: { lost: [1] } });
    expect(result.highlights).toMatchObject([{ title: "lost: 1", lines: [2] }]);
  });

  it("point out what a session should have seen", () => {
    const calls = history(["write", 1, null], ["read", null, null]).map((event) => ({ ...event, process: 0 }));
    const result = check("session", calls);
    expect(result.verdict).toBe("violation");
    expect(result.highlights[0]).toMatchObject({ title: "read-your-writes", lines: [2, 6] });
  });
});

describe("options that mean nothing", () => {
  it.each<[CheckName, Partial<HistoryCheckOptions>, string]>([
    ["kv", { level: "serializable" }, "--level means nothing to kv"],
    ["bank", { level: "serializable" }, "--level means nothing to bank"],
    ["session", { initial: 1 }, "--init means nothing to session"],
    ["set-full", { level: "serializable" }, "--level means nothing to set-full"],
    ["list-append", { initial: 1 }, "--init means nothing to list-append"],
  ])("to %s %j are refused", (name, options, message) => {
    expect(() => check(name, [], options)).toThrow(message);
  });
});
