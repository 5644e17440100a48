import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Clock } from "../runtime/index.ts";
import { pairOperations, type HistoryEvent, type Operation } from "./history.ts";
import { checkLinearizable, type LinearizabilityOptions } from "./linearizability.ts";
import { impossible, type Model } from "./model.ts";
import { casRegister, keyValue, register } from "./models/cell.ts";
import { written, type WrittenCall } from "./testing/written-history.ts";

const verdictOf = (model: Model, calls: readonly WrittenCall[]): string =>
  checkLinearizable(model, written(calls)).verdict;

/** Tries all orders of all subsets that contain what returned: the definition, word for word. */
function bruteForce(model: Model, operations: readonly Operation[]): boolean {
  const run = model.start();
  const transitions = operations.map((operation) => run.transition(operation));
  const search = (state: number, left: readonly number[]): boolean => {
    const returned = left.filter((i) => operations[i]!.outcome === "ok");
    if (returned.length === 0) return true;
    const firstReturn = Math.min(...returned.map((i) => operations[i]!.returnNs));
    return left.some((i) => {
      if (operations[i]!.callNs > firstReturn) return false;
      const after = transitions[i]!.apply(state);
      return (
        after !== impossible &&
        search(
          after,
          left.filter((other) => other !== i),
        )
      );
    });
  };
  return search(
    run.initial,
    operations.map((_, i) => i),
  );
}

const small = fc.integer({ min: 0, max: 2 });
const maybe = fc.option(small, { nil: null });

/** Operations of a key-value cell with any results, most of them nonsense. */
const anyCall: fc.Arbitrary<WrittenCall> = fc
  .tuple(
    fc.oneof(
      fc.tuple(fc.constant("get"), fc.constant(null), maybe),
      fc.tuple(fc.constant("put"), small, fc.constant(null)),
      fc.tuple(fc.constant("cas"), fc.tuple(maybe, small), fc.boolean()),
      fc.tuple(fc.constant("del"), fc.constant(null), fc.option(fc.boolean(), { nil: null })),
    ),
    fc.integer({ min: 0, max: 20 }),
    fc.option(fc.integer({ min: 0, max: 12 }), { nil: undefined, freq: 3 }),
  )
  .map(([[f, input, output], call, length]) => [
    f,
    input,
    output,
    call,
    length === undefined ? undefined : call + length,
  ]);

/** A history made by running operations at chosen moments inside their intervals. */
interface Made {
  readonly calls: readonly WrittenCall[];
}

function made(maxOperations: number): fc.Arbitrary<Made> {
  const step = fc.record({
    f: fc.constantFrom("get", "put", "cas", "del"),
    guess: fc.integer({ min: 0, max: 9 }),
    before: fc.integer({ min: 0, max: 60 }),
    after: fc.integer({ min: 0, max: 60 }),
    fate: fc.constantFrom("returns", "returns", "returns", "returns", "lost after", "lost before"),
  });
  return fc.array(step, { minLength: 1, maxLength: maxOperations }).map((steps) => {
    let value: number | null = null;
    const written: number[] = [];
    const calls = steps.map(({ f, guess, before, after, fate }, index): WrittenCall => {
      const moment = 100 + 10 * index;
      const [call, ret] = [moment - before, fate === "returns" ? moment + after : undefined];
      const happens = fate !== "lost before";
      const fresh = index + 1;
      if (f === "get") return [f, null, value, call, ret];
      if (f === "del") {
        const existed = value !== null;
        if (happens) value = null;
        return [f, null, guess % 2 === 0 ? existed : null, call, ret];
      }
      if (f === "put") {
        if (happens) value = fresh;
        written.push(fresh);
        return [f, fresh, null, call, ret];
      }
      const expected = guess < 6 ? value : (written[guess % Math.max(1, written.length)] ?? null);
      const swaps = expected === value;
      if (swaps && happens) value = fresh;
      written.push(fresh);
      return [f, [expected, fresh], swaps, call, ret];
    });
    return { calls };
  });
}

const keyed = (calls: readonly WrittenCall[]): HistoryEvent[] => written(calls, () => "k");

describe("checkLinearizable", () => {
  it.each<[string, Model, "ok" | "violation", readonly WrittenCall[]]>([
    ["an empty history", register(), "ok", []],
    ["a read of the initial value", register({ initial: 0 }), "ok", [["read", null, 0, 1, 2]]],
    ["a read of what nobody wrote", register(), "violation", [["read", null, 7, 1, 2]]],
    // Herlihy and Wing (1990), figure 1 for a register: a read beside a write sees the old or the new value …
    [
      "a read beside a write that sees the old value",
      register(),
      "ok",
      [
        ["write", 1, null, 1, 5],
        ["read", null, null, 2, 3],
      ],
    ],
    [
      "a read beside a write that sees the new value",
      register(),
      "ok",
      [
        ["write", 1, null, 1, 5],
        ["read", null, 1, 2, 3],
      ],
    ],
    // … but once seen, the new value stays (no new-old inversion; Lamport's "regular" is not enough).
    [
      "a new-old inversion",
      register(),
      "violation",
      [
        ["write", 1, null, 1, 9],
        ["read", null, 1, 2, 3],
        ["read", null, null, 4, 5],
      ],
    ],
    [
      "a stale read after a write returned",
      register(),
      "violation",
      [
        ["write", 1, null, 1, 2],
        ["write", 2, null, 3, 4],
        ["read", null, 1, 5, 6],
      ],
    ],
    [
      "intervals that touch count as concurrent",
      register(),
      "ok",
      [
        ["write", 1, null, 1, 2],
        ["read", null, null, 2, 3],
      ],
    ],
    [
      "two readers that disagree on the order of two writes",
      register(),
      "violation",
      [
        ["write", 1, null, 1, 9],
        ["write", 2, null, 1, 9],
        ["read", null, 1, 2, 3],
        ["read", null, 2, 4, 5],
        ["read", null, 1, 6, 7],
      ],
    ],
    [
      "a write of unknown outcome that is seen late",
      register(),
      "ok",
      [
        ["write", 1, null, 1],
        ["read", null, null, 5, 6],
        ["read", null, 1, 90, 91],
      ],
    ],
    [
      "a write of unknown outcome that is never seen",
      register(),
      "ok",
      [
        ["write", 1, null, 1],
        ["read", null, null, 90, 91],
      ],
    ],
    [
      "a write of unknown outcome that comes and goes",
      register(),
      "violation",
      [
        ["write", 1, null, 1],
        ["read", null, 1, 5, 6],
        ["read", null, null, 7, 8],
      ],
    ],
    [
      "a write of unknown outcome seen before its call",
      register(),
      "violation",
      [
        ["read", null, 1, 1, 2],
        ["write", 1, null, 3],
      ],
    ],
    [
      "two successful swaps from the same value",
      casRegister({ initial: 0 }),
      "violation",
      [
        ["cas", [0, 1], true, 1, 9],
        ["cas", [0, 2], true, 1, 9],
      ],
    ],
    [
      "a refused swap that fits only between two others",
      casRegister({ initial: 0 }),
      "ok",
      [
        ["cas", [0, 1], true, 1, 9],
        ["cas", [1, 0], true, 1, 9],
        ["cas", [0, 5], false, 1, 9],
      ],
    ],
    [
      "a refused swap that should have worked",
      casRegister({ initial: 0 }),
      "violation",
      [["cas", [0, 1], false, 1, 2]],
    ],
    [
      "a swap of unknown outcome that explains two others",
      casRegister({ initial: 0 }),
      "ok",
      [
        ["cas", [0, 1], true, 1, 9],
        ["cas", [1, 2], null, 1],
        ["cas", [2, 3], true, 1, 9],
      ],
    ],
    [
      "a configuration met again, from where another way leads on",
      casRegister({ initial: 0 }),
      "ok",
      [
        ["cas", [0, 1], true, 0, 27],
        ["write", 0, null, 0, 20],
        ["cas", [0, 1], true, 0, 35],
        ["write", 0, null, 11, 16],
        ["cas", [0, 1], true, 13, 29],
      ],
    ],
    [
      "values that are equal as JSON",
      register(),
      "ok",
      [
        ["write", { a: 1, b: 2 }, null, 1, 2],
        ["read", null, { b: 2, a: 1 }, 3, 4],
      ],
    ],
  ])("%s", (_, model, verdict, calls) => {
    expect(verdictOf(model, calls)).toBe(verdict);
    expect(bruteForce(model, pairOperations(written(calls)))).toBe(verdict === "ok");
  });

  it("leaves out what failed", () => {
    const history: HistoryEvent[] = [
      { process: 0, type: "invoke", f: "write", value: 1, timeNs: 1 },
      { process: 0, type: "fail", f: "write", value: "refused", timeNs: 2 },
      { process: 0, type: "invoke", f: "read", value: null, timeNs: 3 },
      { process: 0, type: "ok", f: "read", value: 1, timeNs: 4 },
    ];
    expect(checkLinearizable(register(), history)).toMatchObject({ verdict: "violation", operations: 1 });
  });

  it("agrees with the definition on any small history", () => {
    const verdicts = { ok: 0, violation: 0 };
    fc.assert(
      fc.property(fc.array(anyCall, { minLength: 1, maxLength: 7 }), (calls) => {
        const history = keyed(calls);
        const expected = bruteForce(keyValue(), pairOperations(history)) ? "ok" : "violation";
        verdicts[expected]++;
        expect(checkLinearizable(keyValue(), history).verdict).toBe(expected);
      }),
      { numRuns: 6000 },
    );
    expect(Math.min(verdicts.ok, verdicts.violation)).toBeGreaterThan(300);
  });

  it("accepts what was made to be linearizable", () => {
    fc.assert(
      fc.property(made(80), ({ calls }) => {
        expect(checkLinearizable(keyValue(), keyed(calls)).verdict).toBe("ok");
      }),
      { numRuns: 500 },
    );
  });

  it("finds the way through swaps that all overlap", () => {
    // Each swap is an edge, the order a trail over all of them: most beginnings lead nowhere, and they often meet again.
    const walk = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 2, maxLength: 14 });
    fc.assert(
      fc.property(walk, fc.infiniteStream(fc.integer({ min: 0, max: 50 })), (values, ends) => {
        const swaps = values
          .slice(1)
          .map((to, i): WrittenCall => ["cas", [values[i], to], true, i, 100 + (ends.next().value ?? 0)]);
        const model = casRegister({ initial: values[0] });
        expect(verdictOf(model, swaps)).toBe("ok");
      }),
      { numRuns: 1000 },
    );
  });

  it("judges histories with one result exchanged as the definition does", () => {
    let violations = 0;
    fc.assert(
      fc.property(made(8), fc.nat(), fc.integer({ min: -1, max: 8 }), ({ calls }, at, wrong) => {
        const mutated = calls.map((call, i): WrittenCall => {
          const [f, input, output, from, to] = call;
          if (i !== at % calls.length) return call;
          if (f === "get") return [f, input, wrong < 0 ? null : wrong, from, to];
          if (f === "cas") return [f, input, output !== true, from, to];
          return [f, f === "put" ? 99 : input, f === "del" ? wrong % 2 === 0 : output, from, to];
        });
        const history = keyed(mutated);
        const linearizable = bruteForce(keyValue(), pairOperations(history));
        if (!linearizable) violations++;
        expect(checkLinearizable(keyValue(), history).verdict).toBe(linearizable ? "ok" : "violation");
      }),
      { numRuns: 3000 },
    );
    expect(violations).toBeGreaterThan(500);
  });

  it("explains a violation by the operation and the orders that got furthest", () => {
    const calls: readonly WrittenCall[] = [
      ["put", "a", null, 1e6, 2e6],
      ["put", "b", null, 3e6, 4e6],
      ["get", null, "a", 5e6, 6e6],
      ["get", null, "zzz", 7e6, 8e6],
    ];
    const result = checkLinearizable(
      keyValue(),
      written(calls, (i) => (i < 3 ? "x" : "y")),
    );
    expect(result.violation).toMatchObject({ key: "x", operation: { f: "get", output: "a", line: 5 } });
    expect(result.violation?.partialOrders).toMatchObject([
      { operations: [{ input: "a" }, { input: "b" }], state: '"b"' },
    ]);
    expect(result.explanation).toBe(
      [
        'key "x": no order explains process 2 get() -> "a", 5.000 to 6.000 ms (line 5)',
        '  not after this, which leaves "b":',
        '    process 0 put("a") -> null, 1.000 to 2.000 ms (line 1)',
        '    process 1 put("b") -> null, 3.000 to 4.000 ms (line 3)',
      ].join("\n"),
    );
  });

  it("tells no times where a history has none", () => {
    const calls: readonly WrittenCall[] = [
      ["write", 1, null, 0, 1],
      ["read", null, 2, 2, 3],
    ];
    expect(checkLinearizable(register(), written(calls)).explanation).toBe(
      [
        "no order explains process 1 read() -> 2 (line 3)",
        "  not after this, which leaves 1:",
        "    process 0 write(1) -> null (line 1)",
      ].join("\n"),
    );
  });

  it("finds the first operation that cannot be explained, behind many that can", () => {
    const calls = Array.from({ length: 3000 }, (_, i): WrittenCall => ["put", i, null, 10 * i, 10 * i + 25]);
    const stale: WrittenCall = ["get", null, 5, 20_000, 20_001];
    const result = checkLinearizable(keyValue(), keyed([...calls, stale]));
    expect(result.violation?.operation).toMatchObject({ f: "get", output: 5 });
  });

  it("tells configurations apart by which doubtful operations they used", () => {
    const calls: readonly WrittenCall[] = [
      ["put", 1, null, 0],
      ["cas", [null, 1], null, 1],
      ["get", null, 1, 10, 11],
      ["put", 2, null, 12, 13],
      ["get", null, 1, 14, 15],
    ];
    // Placing the put first leads to the same state after the first get, and nowhere from there.
    expect(checkLinearizable(keyValue(), keyed(calls)).verdict).toBe("ok");
  });

  it("tells configurations apart by where in a history that repeats itself they are", () => {
    const calls = Array.from({ length: 200 }, (_, i): WrittenCall => ["put", i % 2, null, 10 * i, 10 * i + 5]);
    expect(checkLinearizable(keyValue(), keyed(calls)).verdict).toBe("ok");
  });

  it("is not slowed down by operations that only look", () => {
    const looks = Array.from({ length: 40 }, (_, i): WrittenCall => [
      i % 2 === 0 ? "get" : "cas",
      i % 2 === 0 ? null : [7, 8],
      i % 2 === 0 ? null : false,
      0,
      100,
    ]);
    const result = checkLinearizable(keyValue(), keyed([...looks, ["get", null, "never", 0, 100]]));
    expect(result.verdict).toBe("violation");
    expect(result.configurations).toBeLessThan(200);
  });

  it("is not slowed down by writes of unknown outcome that nobody notices", () => {
    const lost = Array.from({ length: 60 }, (_, i): WrittenCall => ["put", `lost ${i}`, null, i]);
    const seen = Array.from({ length: 60 }, (_, i): WrittenCall => [
      "get",
      null,
      i % 10 === 0 ? `lost ${i}` : `put ${i}`,
      100 * i + 150,
      100 * i + 190,
    ]);
    const puts = Array.from({ length: 60 }, (_, i): WrittenCall => [
      "put",
      `put ${i}`,
      null,
      100 * i + 90,
      100 * i + 120,
    ]);
    const good = checkLinearizable(keyValue(), keyed([...lost, ...puts, ...seen]));
    expect(good.verdict).toBe("ok");
    const bad = checkLinearizable(keyValue(), keyed([...lost, ...puts, ...seen, ["get", null, "lost 0", 9000, 9001]]));
    expect(bad.verdict).toBe("violation");
    expect(Math.max(good.configurations, bad.configurations)).toBeLessThan(10_000);
  });

  it("says unknown when the time or the memory is over", () => {
    // All swaps overlap and the last cannot be explained: every subset has to be tried.
    const calls = [
      ...Array.from({ length: 22 }, (_, i): WrittenCall => ["put", i, null, 0, 1000]),
      ...Array.from({ length: 2 }, (): WrittenCall => ["cas", [1, 2], true, 0, 1000]),
      ["get", null, "never", 0, 1000] as WrittenCall,
    ];
    expect(checkLinearizable(keyValue(), keyed(calls), { maxBytes: 100_000 })).toMatchObject({
      verdict: "unknown",
      explanation: 'key "k" was not decided within maxBytes 100000',
    });
    let nowMs = 0;
    const refuse = (): never => {
      throw new Error("only the time is read");
    };
    const clock: Clock = { now: () => nowMs++, wallTime: refuse, setTimer: refuse, defer: refuse, sleep: refuse };
    expect(checkLinearizable(keyValue(), keyed(calls), { timeoutMs: 5, clock })).toMatchObject({
      verdict: "unknown",
      explanation: 'key "k" was not decided within timeoutMs 5',
    });
  });

  it.each<[string, Model, WrittenCall, string]>([
    ["a function", register(), ["cas", [1, 2], true, 1, 2], 'register has no function "cas"'],
    ["arguments", casRegister(), ["cas", 5, true, 1, 2], "cas takes [expected, replacement]"],
    ["a result", casRegister(), ["cas", [1, 2], "yes", 1, 2], 'cas gives true or false (got "yes")'],
    ["a missing key", keyValue(), ["get", null, null, 1, 2], "kv needs a key"],
  ])("refuses %s the model does not know", (_, model, call, reason) => {
    expect(() => verdictOf(model, [call])).toThrow(`history line 1: ${reason}`);
  });

  it.each([
    [{ timeoutMs: 0 }, "checkLinearizable.timeoutMs must be a number > 0 (got 0)"],
    [{ timeoutMs: 5 }, "checkLinearizable.clock must be given with timeoutMs"],
    [{ maxBytes: Number.NaN }, "checkLinearizable.maxBytes must be a number > 0 (got NaN)"],
    [{ maxSteps: 5 }, "checkLinearizable.maxSteps is no option; there are timeoutMs, clock, maxBytes (got 5)"],
  ])("refuses the options %j", (options, reason) => {
    expect(() => checkLinearizable(register(), [], options as LinearizabilityOptions)).toThrow(reason);
  });
});
