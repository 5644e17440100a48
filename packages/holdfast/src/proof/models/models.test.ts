import { describe, expect, it } from "vitest";
import { checkLinearizable } from "../linearizability.ts";
import { written, type WrittenCall } from "../testing/written-history.ts";
import type { ModelOptions } from "./model-options.ts";
import { nondeterministic } from "./nondeterministic.ts";
import { models, type ModelName } from "./registry.ts";

type Case = readonly [
  name: ModelName,
  what: string,
  right: readonly WrittenCall[],
  wrong: readonly WrittenCall[],
  options?: ModelOptions,
];

const keyed: ReadonlySet<ModelName> = new Set(["kv", "kv-append", "coordination"]);

function check(
  name: ModelName,
  calls: readonly WrittenCall[],
  options: ModelOptions = {},
): ReturnType<typeof checkLinearizable> {
  return checkLinearizable(models[name](options), written(calls, keyed.has(name) ? () => "k" : undefined));
}

const one = (...call: [f: string, input: unknown, output: unknown]): WrittenCall[] => [[...call, 1, 2]];
const row = (...calls: [f: string, input: unknown, output: unknown][]): WrittenCall[] =>
  calls.map((call, i) => [...call, 10 * i, 10 * i + 5]);

/** Each model by its smallest histories. */
const cases: readonly Case[] = [
  ["register", "an initial value", one("read", null, 7), one("read", null, null), { initial: 7 }],
  [
    "cas-register",
    "a result that repeats the argument",
    row(["cas", [null, 1], [null, 1]], ["read", null, 1]),
    row(["cas", [2, 1], [2, 1]]),
  ],
  ["kv", "an initial value of every key", one("get", null, "a"), one("get", null, null), { initial: "a" }],
  [
    "kv-append",
    "lists",
    row(["append", 1, null], ["append", 2, null], ["get", null, [1, 2]]),
    row(["append", 1, null], ["get", null, [1, 1]]),
  ],
  [
    "kv-append",
    "texts in a list",
    row(["append", "a", null], ["get", null, ["a"]]),
    row(["append", "a", null], ["get", null, ["a", "a"]]),
  ],
  [
    "kv-append",
    "a put over what was",
    row(["append", "a", null], ["put", "b", null], ["get", null, "b"]),
    row(["append", "a", null], ["put", "b", null], ["get", null, "ab"]),
  ],
  ["kv-append", "null for the empty one", row(["get", null, null], ["get", null, ""]), one("get", null, "a")],
  [
    "multi-register",
    "its own writes",
    row([
      "txn",
      [
        ["w", "x", 1],
        ["r", "x", null],
      ],
      [
        ["w", "x", 1],
        ["r", "x", 1],
      ],
    ]),
    row([
      "txn",
      [
        ["w", "x", 1],
        ["r", "x", null],
      ],
      [
        ["w", "x", 1],
        ["r", "x", null],
      ],
    ]),
  ],
  [
    "multi-register",
    "parts with long names",
    row(["write", [["write", "x", 1]], null], ["read", [["read", "x", 1]], null]),
    row(["read", [["read", "x", 1]], [["read", "x", 1]]]),
  ],
  [
    "set",
    "what is in it",
    row(["add", 1, null], ["add", "1", 1], ["read", null, ["1", 1]], ["contains", 1, true]),
    row(["add", 1, null], ["read", null, [1, 1]]),
  ],
  [
    "set",
    "whether it changed",
    row(["add", 1, true], ["add", 1, false], ["remove", 1, true], ["remove", 1, false]),
    row(["add", 1, true], ["remove", 1, false]),
  ],
  [
    "set",
    "more than one word of elements",
    row(...Array.from({ length: 70 }, (_, i): [string, unknown, unknown] => ["add", i, null]), ["contains", 69, true]),
    row(["add", 69, null], ["read", null, []]),
  ],
  [
    "queue",
    "what is in it at first",
    row(["dequeue", null, "a"], ["dequeue", null, "b"], ["dequeue", null, null]),
    row(["dequeue", null, "b"]),
    { initial: ["a", "b"] },
  ],
  [
    "bag",
    "any order",
    row(["dequeue", null, "b"], ["dequeue", null, "a"], ["dequeue", null, null]),
    row(["dequeue", null, "b"], ["dequeue", null, "b"]),
    { initial: ["a", "b"] },
  ],
  [
    "mutex",
    "named callers",
    row(["acquire", "a", null], ["acquire", "b", false], ["release", "b", false], ["release", "a", null]),
    row(["acquire", "a", null], ["acquire", "b", null]),
  ],
  [
    "mutex",
    "who holds it at first",
    row(["release", "a", null], ["acquire", "b", true]),
    row(["acquire", "b", true]),
    { initial: "a" },
  ],
  [
    "fenced-mutex",
    "tokens that rise",
    row(["acquire", "a", 3], ["release", "a", null], ["acquire", "b", 4]),
    row(["acquire", "a", 3], ["release", "a", null], ["acquire", "b", 3]),
  ],
  [
    "counter",
    "additions and what they give",
    row(["add", 5, 5], ["add-and-get", -7, -2], ["read", null, -2]),
    row(["add", 5, null], ["add-and-get", 1, 5]),
    { initial: 0 },
  ],
  [
    "coordination",
    "revisions",
    row(
      ["put", "a", { revision: 2 }],
      ["put", "b", null],
      ["get", null, { value: "b", modRevision: 3, createRevision: 2, version: 2 }],
      ["del", null, { deleted: 1, revision: 4 }],
    ),
    row(["put", "a", { revision: 2 }], ["get", null, { value: "a", modRevision: 3 }]),
  ],
  [
    "coordination",
    "a swap",
    row(["cas", [null, "a"], { succeeded: true, revision: 6 }], ["cas", [null, "b"], false]),
    row(["cas", ["a", "b"], true]),
    { initial: 5 },
  ],
  [
    "coordination",
    "a transaction",
    row(
      [
        "txn",
        {
          compare: [
            ["k", "modRevision", "equal", 0],
            ["k", "version", "less", 1],
          ],
          success: [
            ["put", "k", 1],
            ["get", "k"],
          ],
        },
        { succeeded: true, results: [null, { value: 1, modRevision: 2 }] },
      ],
      ["txn", { compare: [["k", "value", "notEqual", 1]], failure: [["del", "k"]] }, { succeeded: false, revision: 3 }],
      ["get", null, { value: null }],
    ),
    row(["txn", { compare: [["k", "createRevision", "greater", 0]] }, { succeeded: true }]),
  ],
];

describe("models", () => {
  it.each(cases.map(([name, what, right, wrong, options = {}]) => [name, what, right, wrong, options] as const))(
    "%s knows %s",
    (name, _, right, wrong, options) => {
      expect(check(name, right, options).verdict).toBe("ok");
      expect(check(name, wrong, options).verdict).toBe("violation");
    },
  );

  it.each<[ModelName, WrittenCall[], string]>([
    ["set", one("read", null, 5), "read gives a list (got 5)"],
    ["set", one("contains", 1, 5), "contains gives true or false (got 5)"],
    ["set", one("pop", 1, 5), 'set has no function "pop"'],
    ["counter", one("add", "1", null), 'add takes an integer (got "1")'],
    ["counter", one("read", null, 0.5), "read gives an integer (got 0.5)"],
    ["fenced-mutex", one("acquire", null, "t"), 'acquire gives a token (got "t")'],
    ["kv-append", one("put", 5, null), "kv-append holds text or a list (got 5)"],
    [
      "kv-append",
      row(["get", null, "a"], ["append", 1, null]),
      "kv-append holds texts or lists, not both (see line 1)",
    ],
    [
      "multi-register",
      one("txn", [["x", 1]], [["x", 1]]),
      'txn consists of ["r" | "w", register, value] (got ["x",1])',
    ],
    [
      "multi-register",
      one("txn", [], [["r", "x", 1]]),
      'txn takes and gives [["r" | "w", register, value], …] (got [["r","x",1]])',
    ],
    ["coordination", one("get", null, 5), "coordination: get gives an object (got 5)"],
    ["coordination", one("cas", 5, null), "cas takes [expected, replacement]"],
    [
      "coordination",
      one("txn", { compare: [["k", "size", "equal", 1]] }, null),
      'txn.compare must be a list of [key, target, result, operand] (got ["k","size","equal",1])',
    ],
    [
      "coordination",
      one("txn", { success: "put" }, null),
      'txn.success must be a list of ["put" | "get" | "del", key, value] (got "put")',
    ],
  ])("%s refuses what it does not know", (name, calls, reason) => {
    expect(() => check(name, calls)).toThrow(reason);
  });

  it.each<[ModelName, ModelOptions, string]>([
    ["counter", { initial: "5" }, 'counter.initial must be an integer (got "5")'],
    ["queue", { initial: 5 }, "queue.initial must be a list (got 5)"],
    ["multi-register", { initial: 5 }, "multi-register.initial must be an object of values by register (got 5)"],
    ["register", { start: 1 } as ModelOptions, "register.start is no option; there are initial (got 1)"],
  ])("%s refuses the options %j", (name, options, reason) => {
    expect(() => models[name](options)).toThrow(reason);
  });

  it("describe their states", () => {
    const states = (name: ModelName, calls: readonly WrittenCall[]): (string | undefined)[] | undefined =>
      check(name, calls).violation?.partialOrders.map(({ state }) => state);
    const enqueues = row(["enqueue", "a", null], ["enqueue", "a", null], ["dequeue", null, null]);
    expect(states("queue", enqueues)).toEqual(['["a", "a"]']);
    expect(states("bag", enqueues)).toEqual(['{"a", "a"}']);
    expect(states("set", row(["add", 1, null], ["add", "x", null], ["contains", 1, false]))).toEqual(['{1, "x"}']);
    expect(states("mutex", row(["acquire", "a", null], ["acquire", "b", null]))).toEqual(["held by a"]);
    expect(states("fenced-mutex", row(["acquire", "a", 7], ["acquire", "b", 8]))).toEqual([
      "held by a, the next token is at least 8",
    ]);
    expect(states("kv-append", row(["append", 1, null], ["get", null, []]))).toEqual(["[1]"]);
    expect(states("multi-register", row(["write", [["w", "x", 1]], null], ["read", [["r", "x", 2]], null]))).toEqual([
      '{"x":1}',
    ]);
    expect(states("coordination", row(["put", 1, null], ["get", null, { value: 2 }]))).toEqual([
      '{"k": 1 of revision 2} at revision 2',
    ]);
  });

  it("may have several next states", () => {
    // A die that is thrown, and shows what it shows until it is thrown again.
    const die = nondeterministic({
      name: "die",
      start: () => ({
        initial: [1],
        describe: String,
        transition: ({ f, output }) => ({
          apply: (state) => (f === "throw" ? [1, 2, 3, 4, 5, 6] : state === output ? [state] : []),
        }),
      }),
    });
    const verdict = (...calls: [string, unknown, unknown][]): string =>
      checkLinearizable(die, written(row(...calls))).verdict;
    expect(
      verdict(["throw", null, null], ["look", null, 6], ["look", null, 6], ["throw", null, null], ["look", null, 2]),
    ).toBe("ok");
    expect(verdict(["throw", null, null], ["look", null, 6], ["look", null, 2])).toBe("violation");
    expect(verdict(["look", null, 2])).toBe("violation");
  });
});
