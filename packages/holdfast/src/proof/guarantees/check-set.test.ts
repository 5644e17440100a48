import { describe, expect, it } from "vitest";
import type { HistoryEvent } from "../history.ts";
import { checkSet, type SetCheck, type SetCheckOptions } from "./check-set.ts";

type Call = readonly [f: "add" | "read", value: unknown, call: number, ret: number, type?: "ok" | "fail" | "info"];

/** Each call in a process of its own. */
function historyOf(calls: readonly Call[]): HistoryEvent[] {
  return calls
    .flatMap(([f, value, call, ret, type = "ok"], process): HistoryEvent[] => [
      { process, type: "invoke", f, value: f === "add" ? value : null, timeNs: call },
      { process, type, f, value: f === "read" && type === "ok" ? value : null, timeNs: ret },
    ])
    .sort((a, b) => a.timeNs - b.timeNs);
}

type Row = [title: string, calls: readonly Call[], expected: Partial<SetCheck>, options?: SetCheckOptions];

describe("checkSet", () => {
  it.each<Row>([
    ["nothing", [], { verdict: "unknown", explanation: "nobody read the set" }],
    [
      "all there",
      [
        ["add", 1, 0, 1],
        ["add", 2, 0, 2],
        ["read", [2, 1], 5, 6],
      ],
      { verdict: "ok", attempts: 2, acknowledged: 2, lost: [] },
    ],
    [
      "acknowledged and lost",
      [
        ["add", 1, 0, 1],
        ["read", [], 5, 6],
      ],
      { verdict: "violation", lost: [1], explanation: "lost: 1" },
    ],
    [
      "never acknowledged, but seen, and then lost",
      [
        ["add", 1, 0, 1, "info"],
        ["read", [1], 2, 3],
        ["read", [], 5, 6],
      ],
      { verdict: "violation", lost: [1], recovered: [1] },
    ],
    [
      "of unknown outcome",
      [
        ["add", 1, 0, 1, "info"],
        ["add", 2, 0, 1, "info"],
        ["read", [1], 5, 6],
      ],
      { verdict: "ok", recovered: [1], acknowledged: 0, attempts: 2 },
    ],
    [
      "failed, but there, and what nobody added",
      [
        ["add", 1, 0, 1, "fail"],
        ["read", [1, 9], 5, 6],
      ],
      { verdict: "violation", unexpected: [1, 9] },
    ],
    [
      "seen late",
      [
        ["add", 1, 0, 1_000_000],
        ["read", [], 3_000_000, 3_000_001],
        ["read", [1], 4_000_000, 4_000_001],
      ],
      { verdict: "ok", lost: [], stale: [{ element: 1, longestMs: 2 }] },
    ],
    [
      "seen late, where it must not be",
      [
        ["add", 1, 0, 1],
        ["read", [], 3, 4],
        ["read", [1], 5, 6],
      ],
      { verdict: "violation", explanation: "seen late: 1" },
      { linearizable: true },
    ],
    [
      "missed by a read beside the add",
      [
        ["add", 1, 0, 5],
        ["read", [], 3, 9],
        ["read", [1], 10, 11],
      ],
      { verdict: "ok", stale: [] },
      { linearizable: true },
    ],
    [
      "seen by a read that overlaps the one that missed it",
      [
        ["add", 1, 0, 1],
        ["read", [1], 2, 9],
        ["read", [], 5, 7],
      ],
      { verdict: "ok", lost: [], stale: [{ element: 1, longestMs: 4e-6 }] },
    ],
    [
      "twice",
      [
        ["add", 1, 0, 1],
        ["read", [1, 1], 5, 6],
      ],
      { verdict: "violation", duplicated: [1] },
    ],
    [
      "no read after the add",
      [
        ["read", [], 0, 1],
        ["add", 1, 2, 3],
      ],
      { verdict: "unknown", unread: [1], explanation: "read by nobody since: 1" },
    ],
  ])("%s", (_, calls, expected, options) => {
    expect(checkSet(historyOf(calls), options)).toMatchObject(expected);
  });

  it("names the first few of many", () => {
    const adds = Array.from({ length: 9 }, (_, i): Call => ["add", i, i, i + 1]);
    const { explanation } = checkSet(historyOf([...adds, ["read", [], 50, 51]]));
    expect(explanation).toBe("lost: 0, 1, 2, 3, 4 and 4 more");
  });

  it("refuses what is no set", () => {
    expect(() => checkSet(historyOf([["read", 5, 0, 1]]))).toThrow("history line 1: read gives a list (got 5)");
    const twice: readonly Call[] = [
      ["add", 1, 0, 1],
      ["add", 1, 2, 3],
    ];
    expect(() => checkSet(historyOf(twice))).toThrow("history line 3: adds 1 as line 1 does");
    const event = { process: 0, type: "invoke", value: 1, timeNs: 0 } as const;
    expect(() => checkSet([{ ...event, f: "put" }])).toThrow('no function "put"');
    const keys = [
      { ...event, f: "add", key: "a" },
      { ...event, process: 1, f: "add", key: "b" },
    ];
    expect(() => checkSet(keys)).toThrow("a set has one key, or none");
  });
});
