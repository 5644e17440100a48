import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../testing/index.ts";
import type { HistoryEvent } from "../history.ts";
import { checkTransactions, type TransactionCheckOptions } from "./check-transactions.ts";
import type { AnomalyName, IsolationLevel } from "./isolation-level.ts";
import type { MicroOperation } from "./micro-operation.ts";

/**
 * A transaction: what it did, how it ended, and when; all at once, each in a process of its own, when nothing is said.
 * Written as text: `ax1` appends 1 to x, `wx1` writes it, `rx12` reads the list 1 2, `rx1` or `rx` a register or nothing.
 */
interface Txn {
  readonly does: string;
  readonly type?: "ok" | "fail" | "info";
  readonly process?: number;
  readonly at?: readonly [call: number, ret: number];
}

function historyOf(kind: "list-append" | "rw-register", txns: readonly (string | Txn)[]): HistoryEvent[] {
  return txns
    .flatMap((txn, index): HistoryEvent[] => {
      const { does, type = "ok", process = index, at = [0, 100] } = typeof txn === "string" ? { does: txn } : txn;
      const steps = does.split(" ").map((step): MicroOperation => {
        const [f = "", key = "", ...digits] = step;
        const values = digits.map(Number);
        if (f === "r") return ["r", key, kind === "list-append" ? values : (values[0] ?? null)];
        return [f === "a" ? "append" : "w", key, values[0]!];
      });
      const asked = steps.map(([f, key, value]) => [f, key, f === "r" ? null : value]);
      return [
        { process, type: "invoke", f: "txn", value: asked, timeNs: at[0] },
        { process, type, f: "txn", value: type === "ok" ? steps : null, timeNs: at[1] },
      ];
    })
    .sort((a, b) => a.timeNs - b.timeNs);
}

interface Case {
  readonly txns: readonly (string | Txn)[];
  readonly counts: Partial<Record<AnomalyName, number>>;
  readonly weakest: IsolationLevel | undefined;
  readonly options?: Partial<TransactionCheckOptions> | undefined;
}

type Row = [
  title: string,
  txns: Case["txns"],
  counts: Case["counts"],
  weakest: Case["weakest"],
  options?: Case["options"],
];

function expectCase(kind: "list-append" | "rw-register", { txns, counts, weakest, options }: Case): void {
  const checked = checkTransactions(historyOf(kind, txns), { kind, ...options });
  expect(checked.counts).toEqual(counts);
  expect(checked.fails[0]).toBe(weakest);
}

describe("list-append: the anomalies", () => {
  it.each<Row>([
    ["nothing", [], {}, undefined],
    ["one after the other", ["ax1", "rx1 ax2", "rx12"], {}, undefined],
    [
      "G0: writes of two that lie between each other",
      ["ax1 ay1", "ax2 ay2", "rx12 ry21"],
      { G0: 1 },
      "read-uncommitted",
    ],
    ["G1a", [{ does: "ax1", type: "fail" }, "rx1"], { G1a: 1 }, "read-committed"],
    [
      "G1a and a dirty update",
      [{ does: "ax1", type: "fail" }, "ax2", "rx12"],
      { G1a: 1, "dirty-update": 1 },
      "read-committed",
    ],
    ["G1b", ["ax1 ax2", "rx1"], { G1b: 1, "G-single": 1 }, "read-committed"],
    ["its own intermediate state", ["ax1 rx1 ax2 rx12", "rx12"], {}, undefined],
    ["G1c: each sees what the other wrote", ["ax1 ry1", "ay1 rx1"], { G1c: 1 }, "read-committed"],
    [
      "G1c: its write comes after the last that was seen",
      ["ay1 ax9", "ry1 ax1", "rx1"],
      { G1c: 1, "G-single": 1 },
      "read-committed",
    ],
    ["G-single: half of a transaction", ["ax1 ay1", "rx1 ry"], { "G-single": 1 }, "snapshot-isolation"],
    ["G-single over two others", ["ax1", "rx1 ay1", "ry1 az1", "rz1 rx"], { "G-single": 1 }, "snapshot-isolation"],
    [
      "G-nonadjacent: two readers see two writers in different orders (long fork)",
      ["ax1", "ay1", "rx1 ry", "rx ry1", "rx1 ry1"],
      { "G-nonadjacent": 1 },
      "snapshot-isolation",
    ],
    ["G2-item: each misses what the other wrote", ["rx ay1", "ry ax1", "rx1 ry1"], { "G2-item": 1 }, "repeatable-read"],
    ["G2-item, of which nobody sees the end", ["rx ay1", "ry ax1"], { "G2-item": 1 }, "repeatable-read"],
    ["lost update", ["ax1", "rx1 ax2", "rx1 ax3", "rx123"], { "lost-update": 1, "G-single": 1 }, "snapshot-isolation"],
    ["duplicate elements", ["ax1", "rx11"], { "duplicate-elements": 1 }, "read-uncommitted"],
    ["incompatible order", ["ax1", "ax2", "rx12", "rx21"], { "incompatible-order": 1 }, "read-committed"],
    ["what one appended, in another order", ["ax1 ax2", "rx21"], { "incompatible-order": 1 }, "read-committed"],
    ["what one appended, but for the first", ["ax1 ax2", "rx2"], { "incompatible-order": 1 }, "read-committed"],
    ["garbage read", ["rx7"], { "garbage-read": 1 }, "read-uncommitted"],
    ["internal: it sees what it will write", ["rx1 ax1"], { internal: 1 }, "read-uncommitted"],
    ["internal: it does not see its own", ["ax1 rx"], { internal: 1 }, "read-uncommitted"],
    ["internal: somebody else's came after its own", ["ax1 rx12", "ax2"], { internal: 1, G1c: 1 }, "read-uncommitted"],
    [
      "non-repeatable read",
      ["ax1", "rx rx1", "rx1"],
      { "non-repeatable-read": 1, "G-single": 1 },
      "snapshot-isolation",
    ],
    [
      "an unknown outcome that somebody saw",
      [{ does: "ax1 ay1", type: "info" }, "rx1 ry"],
      { "G-single": 1 },
      "snapshot-isolation",
    ],
    ["an unknown outcome that nobody saw", [{ does: "ax1 ay1", type: "info" }, "rx ry"], {}, undefined],
    [
      "an unknown outcome seen late",
      [
        { does: "ax1", type: "info", at: [0, 1] },
        { does: "rx1", at: [5, 9] },
      ],
      {},
      undefined,
    ],
  ])("%s", (_, txns, counts, weakest, options) => expectCase("list-append", { txns, counts, weakest, options }));
});

describe("rw-register: the anomalies", () => {
  it.each<Row>([
    ["one after the other", ["wx1", "rx1 wx2", "rx2"], {}, undefined],
    ["G1a", [{ does: "wx1", type: "fail" }, "rx1"], { G1a: 1 }, "read-committed"],
    ["G1b", ["wx1 wx2", "rx1"], { G1b: 1, "G-single": 1 }, "read-committed"],
    ["G1c", ["wx1 ry1", "wy1 rx1"], { G1c: 1 }, "read-committed"],
    ["G-single: half of a transaction", ["wx1 wy1", "rx1 ry"], { "G-single": 1 }, "snapshot-isolation"],
    ["G-nonadjacent: long fork", ["wx1", "wy1", "rx1 ry", "rx ry1"], { "G-nonadjacent": 1 }, "snapshot-isolation"],
    ["G2-item: each misses what the other wrote", ["rx wy1", "ry wx1"], { "G2-item": 1 }, "repeatable-read"],
    ["lost update", ["wx1", "rx1 wx2", "rx1 wx3"], { "lost-update": 1, "G-single": 1 }, "snapshot-isolation"],
    ["garbage read", ["rx7"], { "garbage-read": 1 }, "read-uncommitted"],
    ["internal: it sees what it will write", ["rx1 wx1"], { internal: 1 }, "read-uncommitted"],
    ["internal: it does not see its own", ["wx1 rx2", "wx2"], { internal: 1 }, "read-uncommitted"],
    ["non-repeatable read", ["wx1", "rx rx1"], { "non-repeatable-read": 1, "G-single": 1 }, "snapshot-isolation"],
    ["cyclic versions", ["rx2 wx1", "rx1 wx2"], { "cyclic-versions": 1, G1c: 1 }, "read-uncommitted"],
    [
      "the same, when writes need not follow reads",
      ["rx2 wx1", "rx1 wx2"],
      { G1c: 1 },
      "read-committed",
      { writesFollowReads: false },
    ],
    [
      "a key that goes back in real time",
      [
        { does: "wx1", at: [0, 1] },
        { does: "wx2", at: [2, 3] },
        { does: "rx2", at: [4, 5] },
        { does: "rx1", at: [6, 7] },
      ],
      { "cyclic-versions-realtime": 1 },
      "strong-snapshot-isolation",
      { linearizableKeys: true },
    ],
    [
      "a key that goes back to one of two that were written side by side",
      [
        { does: "wx1", at: [0, 5] },
        { does: "wx2", at: [1, 6] },
        { does: "wx3", at: [8, 9] },
        { does: "rx3", at: [10, 11] },
        { does: "rx1", at: [12, 13] },
      ],
      { "cyclic-versions-realtime": 1 },
      "strong-snapshot-isolation",
      { linearizableKeys: true },
    ],
    [
      "a key that is empty again",
      [
        { does: "wx1", at: [0, 1] },
        { does: "rx", at: [2, 3] },
      ],
      { "cyclic-versions-realtime": 1 },
      "strong-snapshot-isolation",
      { linearizableKeys: true },
    ],
    [
      "G-single, with what real time says of the order of versions",
      [
        { does: "wx1 wy1", at: [0, 1] },
        { does: "wx2 wy2", at: [2, 9] },
        { does: "rx2 ry1", at: [2, 9] },
      ],
      { "G-single": 1 },
      "snapshot-isolation",
      { linearizableKeys: true },
    ],
  ])("%s", (_, txns, counts, weakest, options) => expectCase("rw-register", { txns, counts, weakest, options }));
});

describe("orders from outside", () => {
  const stale: readonly Txn[] = [
    { does: "ax1", process: 1, at: [0, 1] },
    { does: "rx", process: 1, at: [2, 3] },
  ];
  const early: readonly Txn[] = [
    { does: "ax1", process: 1, at: [0, 1] },
    { does: "rx", process: 2, at: [2, 3] },
  ];

  it.each<Row>([
    ["a stale read is serializable", stale, {}, undefined],
    [
      "its process knows better",
      stale,
      { "G-single-process": 1 },
      "strong-session-snapshot-isolation",
      { level: "strong-session-serializable" },
    ],
    ["another process does not", early, {}, undefined, { orders: ["process"] }],
    [
      "but the clock does",
      early,
      { "G-single-realtime": 1 },
      "strong-snapshot-isolation",
      { level: "strict-serializable" },
    ],
    [
      "what touches is concurrent",
      [
        { does: "ax1", at: [0, 2] },
        { does: "rx", at: [2, 3] },
      ],
      {},
      undefined,
      { level: "strict-serializable" },
    ],
    [
      "G1c-realtime: it was seen before it was called",
      [
        { does: "rx1", at: [0, 1] },
        { does: "ax1", at: [2, 3] },
      ],
      { "G1c-realtime": 1 },
      "strong-snapshot-isolation",
      { orders: ["realtime"] },
    ],
    [
      "G0-realtime",
      [
        { does: "ax1", at: [0, 1] },
        { does: "ax2", at: [2, 3] },
        { does: "rx21", at: [0, 9] },
      ],
      { "G0-realtime": 1 },
      "strong-snapshot-isolation",
      { orders: ["realtime"] },
    ],
    [
      "G2-item-realtime",
      [
        { does: "rx ay1", at: [0, 9] },
        { does: "az1", at: [1, 2] },
        { does: "ry rz ax1", at: [3, 9] },
      ],
      { "G-single-realtime": 1, "G2-item": 1 },
      "repeatable-read",
      { orders: ["realtime"] },
    ],
  ])("%s", (_, txns, counts, weakest, options) => expectCase("list-append", { txns, counts, weakest, options }));

  it("judges by the level alone, and tells the others", () => {
    const history = historyOf("list-append", ["rx ay1", "ry ax1"]);
    const checked = checkTransactions(history, { kind: "list-append", level: "snapshot-isolation" });
    expect(checked.verdict).toBe("ok");
    expect(checked.explanation).toContain("it is not repeatable-read, serializable");
    expect(checkTransactions(history, { kind: "list-append" }).verdict).toBe("violation");
  });
});

describe("what it tells", () => {
  it("shows each edge of a cycle with the values that prove it", () => {
    const { explanation, anomalies } = checkTransactions(historyOf("list-append", ["ax1 ay1", "rx1 ry"]), {
      kind: "list-append",
    });
    expect(anomalies[0]?.lines).toEqual([2, 1]);
    expect(explanation).toBe(`not serializable
G-single (read skew), 1 found: 2 transactions, each of which comes before the next
  line 2 before line 1: it read key "y" without a value, before the other wrote 1 (rw)
  line 1 before line 2: it wrote 1 to key "x", which the other read (wr)
where
  line 2: [["r","x",[1]],["r","y",[]]]
  line 1: [["append","x",1],["append","y",1]]`);
  });

  it.each<[title: string, unitNs: number, expected: string]>([
    ["times", 1e6, "it returned at 1.000 ms, the other was called at 2.000 ms"],
    ["no times where a history has none", 1, "it returned before the other was called"],
  ])("tells %s", (_, unitNs, expected) => {
    const txns: Txn[] = [
      { does: "ax1", at: [0, unitNs] },
      { does: "rx", at: [2 * unitNs, 3 * unitNs] },
    ];
    const level = "strict-serializable";
    const { explanation } = checkTransactions(historyOf("list-append", txns), { kind: "list-append", level });
    expect(explanation).toContain(expected);
  });

  it("shows a shortest cycle where there are longer ones", () => {
    const txns = ["ax1", "rx1 ay1", "ry1 az1", "rz1 au1", "ru1 rx", "rx1 ry au2", "ru12"];
    const { anomalies } = checkTransactions(historyOf("list-append", txns), { kind: "list-append" });
    expect(anomalies[0]?.lines).toHaveLength(4);
  });

  it("sees no more than write skew where many read and many write", () => {
    const readers = Array.from({ length: 20 }, () => "rx ry");
    const writers = Array.from({ length: 9 }, (_, i) => [`ax${i + 1}`, `ay${i + 1}`]).flat();
    const crowd = [...readers, ...writers];
    expectCase("list-append", {
      txns: [...crowd, "rx ay0", "ry ax0"],
      counts: { "G2-item": 1 },
      weakest: "repeatable-read",
    });
    expectCase("list-append", { txns: [...crowd, "rx ay0", "ax0"], counts: {}, weakest: undefined });
  });

  it("tells keys apart by their type", () => {
    const does = [
      ["append", 1, 5],
      ["append", "1", 5],
    ];
    const shared = { process: 0, f: "txn", value: does, timeNs: 0 };
    const history: HistoryEvent[] = [
      { ...shared, type: "invoke" },
      { ...shared, type: "ok" },
    ];
    expect(checkTransactions(history, { kind: "list-append" }).verdict).toBe("ok");
  });

  it("has seen nothing when nothing took effect", () => {
    const checked = checkTransactions(historyOf("list-append", [{ does: "ax1", type: "fail" }]), {
      kind: "list-append",
    });
    expect(checked).toMatchObject({ verdict: "unknown", transactions: 0 });
  });

  it("counts what the verdict rests on", () => {
    const checked = checkTransactions(historyOf("list-append", ["ax1", "rx1 ax2", "rx12"]), { kind: "list-append" });
    expect(checked).toMatchObject({ verdict: "ok", transactions: 3, dependencies: { ww: 1, wr: 2, rw: 0 } });
  });
});

describe("bounds", () => {
  const history = historyOf("list-append", ["ax1", "rx1 ax2", "rx12"]);

  it("gives up in time", () => {
    const clock = new VirtualClock();
    const now = clock.now.bind(clock);
    let asked = 0;
    // Each look at the clock takes a second.
    clock.now = () => now() + 1000 * asked++;
    const checked = checkTransactions(history, { kind: "list-append", timeoutMs: 500, clock });
    expect(checked).toMatchObject({
      verdict: "unknown",
      explanation: "the history was not decided within timeoutMs 500",
    });
  });

  it("gives up before it takes too much memory", () => {
    expect(checkTransactions(history, { kind: "list-append", maxBytes: 100 }).verdict).toBe("unknown");
    expect(checkTransactions(history, { kind: "list-append", maxBytes: 10_000 }).verdict).toBe("ok");
  });

  it("says violation even so, when it has seen one", () => {
    const broken = historyOf("list-append", ["rx7", "ax1", "rx1"]);
    expect(checkTransactions(broken, { kind: "list-append", maxBytes: 1 }).verdict).toBe("violation");
  });

  it.each<[Record<string, unknown>, string]>([
    [{}, 'checkTransactions.kind must be "list-append" or "rw-register" (got undefined)'],
    [{ kind: "list-append", level: "best" }, 'checkTransactions.level must be "read-uncommitted" or'],
    [
      { kind: "list-append", orders: ["space"] },
      'checkTransactions.orders must be "process" or "realtime" (got "space")',
    ],
    [{ kind: "list-append", timeoutMs: 5 }, "checkTransactions.clock must be given with timeoutMs"],
    [{ kind: "list-append", maxBytes: 0 }, "checkTransactions.maxBytes must be an integer >= 1 (got 0)"],
    [{ kind: "list-append", depth: 1 }, "checkTransactions.depth is no option"],
  ])("refuses %o", (options, message) => {
    expect(() => checkTransactions([], options as unknown as TransactionCheckOptions)).toThrow(message);
  });
});

describe("histories that break the rules", () => {
  const txn = (type: HistoryEvent["type"], value: unknown, f = "txn"): HistoryEvent => ({
    process: 0,
    type,
    f,
    value,
    timeNs: 0,
  });

  it.each<[readonly HistoryEvent[], string]>([
    [[txn("invoke", null, "read")], "history line 1: a transaction's function is txn (got read)"],
    [[txn("invoke", 5)], "history line 1: txn takes a list of micro-operations (got 5)"],
    [[txn("invoke", [["r", "x"]])], 'micro-operation ["r","x"] must be [function, key, value]'],
    [[txn("invoke", [["r", null, null]])], "needs a string or number as key"],
    [[txn("invoke", [["append", "x", null]])], "must write a string, a number or a boolean"],
    [[txn("invoke", [["w", "x", 1]])], "must be append or r in a list-append history"],
    [
      [
        txn("invoke", [
          ["append", "x", 1],
          ["append", "x", 1],
        ]),
      ],
      'writes 1 to key "x", as line 1 does: values must be unique',
    ],
    [[txn("invoke", [["r", "x", null]]), txn("ok", [["r", "x", 5]])], "history line 2: micro-operation"],
    [[txn("invoke", [["r", "x", null]]), txn("ok", [])], "completes other micro-operations than line 1 invoked"],
    [[txn("ok", [])], "completes an operation it did not invoke"],
    [
      [{ ...txn("invoke", []), timeNs: 5 }, { ...txn("ok", []), timeNs: 6 }, txn("invoke", [])],
      "timeNs must not be before",
    ],
  ])("%o", (history, message) => {
    expect(() => checkTransactions(history, { kind: "list-append" })).toThrow(message);
  });
});
