import { describe, expect, it } from "vitest";
import { checkLinearizable } from "../linearizability.ts";
import type { Model } from "../model.ts";
import { written, type WrittenCall } from "../testing/written-history.ts";
import { casRegister, register } from "./cell.ts";
import { queue } from "./queue.ts";
import { keyValueAppend } from "./kv-append.ts";
import { multiRegister } from "./multi-register.ts";

type Verdict = "ok" | "violation";

/** Histories that papers and the READMEs of other checkers show, with what they say of them. */
const cases: readonly (readonly [string, Model, Verdict, readonly WrittenCall[]])[] = [
  [
    // Herlihy and Wing 1990, figure 1, H1: two enqueues at the same time, taken the other way round.
    "H1: concurrent enqueues come out in either order",
    queue(),
    "ok",
    [
      ["enqueue", "x", null, 0, 40],
      ["enqueue", "y", null, 10, 20],
      ["dequeue", null, "y", 50, 60],
      ["dequeue", null, "x", 55, 80],
      ["enqueue", "z", null, 70, 90],
    ],
  ],
  [
    // H2: x was in before y, and y comes out although x is still there.
    "H2: y is taken before the x that went in before it",
    queue(),
    "violation",
    [
      ["enqueue", "x", null, 0, 10],
      ["enqueue", "y", null, 20, 30],
      ["dequeue", null, "y", 25, 40],
    ],
  ],
  [
    // H3: the enqueue has not returned, and its effect is seen.
    "H3: an enqueue that never returned is seen",
    queue(),
    "ok",
    [
      ["enqueue", "x", null, 0],
      ["dequeue", null, "x", 10, 20],
    ],
  ],
  [
    // H4: the same element to two callers.
    "H4: one element is taken by two",
    queue(),
    "violation",
    [
      ["enqueue", "x", null, 0, 30],
      ["enqueue", "y", null, 5, 10],
      ["dequeue", null, "y", 15, 25],
      ["dequeue", null, "y", 20, 40],
    ],
  ],
  [
    // Their registers: a read may see a write that is under way, and from then on all reads do.
    "a read sees the write beside it",
    register({ initial: 0 }),
    "ok",
    [
      ["write", 1, null, 0, 50],
      ["read", null, 1, 10, 20],
      ["write", 0, null, 25, 70],
      ["read", null, 0, 55, 80],
    ],
  ],
  [
    "after a read of the new value one of the old",
    register({ initial: 0 }),
    "violation",
    [
      ["write", 0, null, 0, 5],
      ["write", 1, null, 10, 60],
      ["read", null, 1, 20, 30],
      ["read", null, 0, 40, 50],
    ],
  ],
  [
    // Porcupine's README: a put under way for long, and two gets inside it that see 100 and then 0.
    "a value that is seen and then gone, while its write is under way",
    register({ initial: 0 }),
    "violation",
    [
      ["write", 100, null, 0, 100],
      ["read", null, 100, 25, 75],
      ["read", null, 0, 80, 90],
    ],
  ],
  [
    "the same, the other way round",
    register({ initial: 0 }),
    "ok",
    [
      ["write", 100, null, 0, 100],
      ["read", null, 0, 25, 75],
      ["read", null, 100, 30, 60],
    ],
  ],
  [
    // Jepsen's analysis of etcd 0.4 (2014): reads that one node answers by itself.
    "a read that a deposed leader answers",
    casRegister({ initial: 1 }),
    "violation",
    [
      ["cas", [1, 2], true, 0, 10],
      ["read", null, 2, 12, 14],
      ["read", null, 1, 15, 20],
    ],
  ],
  [
    // The same analysis: a timed-out cas that took effect after a later one was refused.
    "a swap that timed out explains what is read much later",
    casRegister({ initial: 0 }),
    "ok",
    [
      ["cas", [0, 4], null, 0],
      ["cas", [4, 1], false, 5, 10],
      ["read", null, 0, 12, 14],
      ["read", null, 4, 100, 110],
    ],
  ],
  [
    // Knossos: a crashed write may be seen only once it was called.
    "a crashed write that is seen twice, another write between",
    register({ initial: 0 }),
    "violation",
    [
      ["write", 7, null, 0],
      ["read", null, 7, 10, 20],
      ["write", 8, null, 30, 40],
      ["read", null, 7, 50, 60],
    ],
  ],
  [
    // Knossos' multi-register: reads that see half of a transaction.
    "half of a transaction",
    multiRegister({ initial: { x: 0, y: 0 } }),
    "violation",
    [
      [
        "txn",
        [
          ["w", "x", 1],
          ["w", "y", 1],
        ],
        [
          ["w", "x", 1],
          ["w", "y", 1],
        ],
        0,
        50,
      ],
      [
        "txn",
        [
          ["r", "x", null],
          ["r", "y", null],
        ],
        [
          ["r", "x", 1],
          ["r", "y", 0],
        ],
        10,
        20,
      ],
    ],
  ],
];

describe("histories from the literature", () => {
  it.each(cases)("%s", (_, model, verdict, calls) => {
    expect(checkLinearizable(model, written(calls)).verdict).toBe(verdict);
  });

  it("a key to which two append at once, in text", () => {
    // Porcupine's key-value model: appends of texts, whose order a get tells.
    const calls: readonly WrittenCall[] = [
      ["append", "x 0 0 y", null, 0, 30],
      ["append", "x 1 0 y", null, 10, 20],
      ["get", null, "x 1 0 yx 0 0 y", 40, 50],
    ];
    const history = written(calls, () => "k");
    expect(checkLinearizable(keyValueAppend(), history).verdict).toBe("ok");
    const stale = written([...calls, ["get", null, "x 0 0 yx 1 0 y", 60, 70]], () => "k");
    expect(checkLinearizable(keyValueAppend(), stale).violation).toMatchObject({
      operation: { output: "x 0 0 yx 1 0 y" },
      longest: [{ input: "x 1 0 y" }, { input: "x 0 0 y" }, { f: "get" }],
    });
  });
});
