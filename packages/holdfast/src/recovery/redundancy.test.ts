import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { BusinessError, InvalidArgumentError, NetworkError } from "../errors/index.ts";
import { VirtualClock } from "../testing/index.ts";
import type { NoAgreementError } from "./redundancy-error.ts";
import type { RedundancyEvent } from "./redundancy-event.ts";
import type { RedundancyOptions } from "./redundancy-options.ts";
import { redundancy, type RedundantContext } from "./redundancy.ts";

interface Step {
  readonly ms: number;
  readonly value?: unknown;
  readonly error?: unknown;
}

/** A group on virtual time, whose nodes do as scripted and never look at their signals. */
function setup(script: Record<string, Step>, options: Partial<RedundancyOptions> = {}) {
  const clock = new VirtualClock();
  const events: RedundancyEvent[] = [];
  const asked: string[] = [];
  const reasons: Record<string, unknown> = {};
  const group = redundancy({
    primaries: ["a", "b", "c"],
    clock,
    onEvent: (event) => events.push(event),
    ...options,
  });
  const operation = async ({
    node,
    signal,
  }: RedundantContext<string | { readonly name: string }>): Promise<unknown> => {
    const name = typeof node === "string" ? node : node.name;
    asked.push(`${name} ${clock.now()}`);
    signal.addEventListener("abort", () => (reasons[name] = signal.reason));
    const { ms, value, error } = script[name] as Step;
    await clock.sleep(ms);
    if (error !== undefined) throw error;
    return value;
  };
  return { clock, events, asked, reasons, group, operation, script };
}

interface Seen {
  value?: unknown;
  error?: unknown;
}

function watch(promise: Promise<unknown>): Seen {
  const seen: Seen = {};
  promise.then(
    (value) => (seen.value = value),
    (error: unknown) => (seen.error = error),
  );
  return seen;
}

function disposable(log: string[], name: string): object {
  return { name: "same", [Symbol.dispose]: () => log.push(name) };
}

const sameName = (a: unknown, b: unknown): boolean => (a as { name: string }).name === (b as { name: string }).name;

describe("redundancy", () => {
  it("asks all primaries at once, ends with the level, and cancels the rest", async () => {
    const { clock, asked, reasons, group, operation, events } = setup({
      a: { ms: 10, value: { x: 1, y: 2 } },
      b: { ms: 500, value: { x: 1, y: 2 } },
      c: { ms: 20, value: { y: 2, x: 1 } },
    });
    const seen = watch(group.decide(operation));
    await clock.advance(19);
    expect([asked, seen]).toEqual([["a 0", "b 0", "c 0"], {}]);
    await clock.advance(1);
    expect(seen.value).toEqual({ value: { x: 1, y: 2 }, agreed: ["a", "c"], suspects: [], failures: [] });
    expect(Object.keys(reasons)).toEqual(["b"]);
    expect(reasons["b"]).toMatchObject({ code: "ANSWER_NOT_NEEDED" });
    await clock.advance(1_000);
    expect([clock.pending, events]).toEqual([0, []]);
    expect(group.metrics).toEqual({ calls: 1, running: 0, agreed: 1, notAgreed: 0, promotions: 0, suspected: 0 });
  });

  it("takes the value with enough votes, and tells who gave another", async () => {
    const { clock, group, operation, events } = setup(
      {
        a: { ms: 1, value: "lie" },
        b: { ms: 5, value: "truth" },
        c: { ms: 9, value: "truth" },
      },
      { name: "vote" },
    );
    const seen = watch(group.decide(operation));
    await clock.advance(8);
    expect(seen).toEqual({});
    await clock.advance(1);
    expect(seen.value).toEqual({ value: "truth", agreed: ["b", "c"], suspects: ["a"], failures: [] });
    expect(events).toEqual([
      { type: "suspected", node: "a", agreed: ["b", "c"], at: clock.wallTime(), policy: "vote" },
    ]);
    expect(group.metrics).toMatchObject({ suspected: 1, agreed: 1 });
  });

  it.each<{ what: string; script: Record<string, Step>; level: number; at: number; code: object }>([
    {
      what: "all contradict each other",
      script: { a: { ms: 1, value: 1 }, b: { ms: 2, value: 2 }, c: { ms: 3, value: 3 } },
      level: 2,
      at: 3,
      code: { kind: "consistency", retryable: false, votes: [["a"], ["b"], ["c"]], failures: [] },
    },
    {
      what: "one contradicts, and all would have to agree",
      script: { a: { ms: 1, value: 1 }, b: { ms: 2, value: 2 }, c: { ms: 9_000, value: 1 } },
      level: 3,
      at: 2,
      code: { kind: "consistency", votes: [["a"], ["b"]] },
    },
    {
      what: "too many fail",
      script: {
        a: { ms: 1, error: new NetworkError("cut off") },
        b: { ms: 5, error: new NetworkError("cut off too") },
        c: { ms: 9_000, value: 1 },
      },
      level: 2,
      at: 5,
      code: { kind: "network", retryable: true, votes: [] },
    },
    {
      what: "one fails, two contradict",
      script: { a: { ms: 1, error: "down" }, b: { ms: 5, value: 1 }, c: { ms: 6, value: 2 } },
      level: 2,
      at: 6,
      code: { kind: "consistency", retryable: false, votes: [["b"], ["c"]], failures: [{ node: "a", error: "down" }] },
    },
  ])("fails as soon as the level is out of reach: $what", async ({ script, level, at, code }) => {
    const { clock, group, operation, reasons, events } = setup(script, { level });
    const seen = watch(group.execute(operation));
    await clock.advance(at - 1);
    expect(seen).toEqual({});
    await clock.advance(1);
    expect(seen.error).toMatchObject({ code: "NO_AGREEMENT", level, ...code });
    expect(group.metrics.running).toBe(0);
    const waiting = Object.entries(script).filter(([, { ms }]) => ms > at);
    expect(reasons).toEqual(Object.fromEntries(waiting.map(([name]) => [name, seen.error])));
    expect(events.at(-1)).toMatchObject({ type: "noAgreement", error: seen.error });
    expect(group.metrics).toMatchObject({ agreed: 0, notAgreed: 1, suspected: 0 });
    await clock.advance(10_000);
    expect(clock.pending).toBe(0);
  });

  it("names answers and failures of each node", async () => {
    const { clock, group, operation } = setup(
      {
        a: { ms: 1, value: 1 },
        b: { ms: 1, value: 2 },
        c: { ms: 1, error: new Error("x".repeat(500)) },
        d: { ms: 1, value: 1 },
        e: { ms: 1, error: Object.create(null) },
      },
      { primaries: ["a", "b", "c", "d", "e"], name: "prices" },
    );
    const seen = watch(group.execute(operation));
    await clock.advance(10);
    const error = seen.error as NoAgreementError;
    expect(error.message).toBe(
      "prices: fewer than 3 nodes agree; same answers: a, d | b; " +
        `failed: c (${"x".repeat(120)}…), e (object without a message was thrown)`,
    );
    expect(JSON.parse(JSON.stringify(error))).toMatchObject({
      code: "NO_AGREEMENT",
      votes: [["a", "d"], ["b"]],
      failures: [{ node: "c" }, { node: "e", error: "object without a message was thrown" }],
    });
    expect(error.stack).toBe(`NoAgreementError: ${error.message}`);
  });

  it.each([
    ["the majority by default", undefined, 2],
    ["one, whoever is first", 1, 1],
    ["all", 3, 3],
  ])("needs %s", async (_, level, at) => {
    const { clock, group, operation } = setup(
      { a: { ms: 1, value: 7 }, b: { ms: 2, value: 7 }, c: { ms: 3, value: 7 } },
      level === undefined ? {} : { level },
    );
    const seen = watch(group.execute(operation));
    await clock.advance(at - 1);
    expect(seen).toEqual({});
    await clock.advance(1);
    expect(seen).toEqual({ value: 7 });
  });

  it("takes a comparison of the user's, and one that throws for a failure of the node", async () => {
    const rough = setup({ a: { ms: 1, value: 1.2 }, b: { ms: 2, value: 9 }, c: { ms: 3, value: 1.4 } });
    const near = redundancy<string, number>({
      primaries: ["a", "b", "c"],
      clock: rough.clock,
      agree: (a, b) => Math.abs(a - b) < 0.5,
    });
    const seen = watch(near.execute((context) => rough.operation(context) as Promise<number>));
    await rough.clock.advance(5);
    expect(seen).toEqual({ value: 1.2 });

    const broken = new Error("cannot compare");
    const { clock, group, operation } = setup(
      { a: { ms: 1, value: "a" }, b: { ms: 2, value: "b" }, c: { ms: 3, value: "c" } },
      {
        agree: () => {
          throw broken;
        },
      },
    );
    const failed = watch(group.execute(operation));
    await clock.advance(5);
    expect(failed.error).toMatchObject({
      votes: [["a"]],
      failures: [
        { node: "b", error: broken },
        { node: "c", error: broken },
      ],
    });
  });

  it("gives operations their node as it was given", async () => {
    const a = { name: "a", port: 1 };
    const b = { name: "b", port: 1 };
    const group = redundancy({ primaries: [a, b], level: 2, clock: new VirtualClock() });
    expect(await group.execute(({ node }) => node.port)).toBe(1);
    expect(group.primaries).toEqual([a, b]);
    expect(group.primaries[0]).toBe(a);
  });

  it("takes operations that throw, or give a plain value or nothing, at once", async () => {
    const { group, clock } = setup({});
    expect(await group.execute(() => 3)).toBe(3);
    expect(await group.execute(() => undefined)).toBeUndefined();
    await expect(
      group.execute(() => {
        throw new Error("sync");
      }),
    ).rejects.toMatchObject({ code: "NO_AGREEMENT", failures: [{ node: "a" }, { node: "b" }] });
    expect(clock.pending).toBe(0);
  });

  it("a listener that throws changes nothing", async () => {
    const { clock, group, operation } = setup(
      { a: { ms: 1, value: 1 }, b: { ms: 2, value: 2 }, c: { ms: 3, value: 2 } },
      {
        onEvent: () => {
          throw new Error("a listener's own affair");
        },
      },
    );
    const seen = watch(group.execute(operation));
    await clock.advance(5);
    expect(seen).toEqual({ value: 2 });
  });
});

describe("answers that nobody gets", () => {
  it("are disposed: those of the same vote, of the others, and those that come late", async () => {
    const log: string[] = [];
    const { clock, group, operation } = setup(
      {
        a: { ms: 1, value: { name: "other", [Symbol.dispose]: () => log.push("a") } },
        b: { ms: 2, value: disposable(log, "b") },
        c: { ms: 3, value: disposable(log, "c") },
        d: { ms: 900, value: disposable(log, "d") },
      },
      { primaries: ["a", "b", "c", "d"], level: 2, agree: sameName },
    );
    const seen = watch(group.decide(operation));
    await clock.advance(3);
    expect(seen.value).toMatchObject({ agreed: ["b", "c"], suspects: ["a"] });
    expect(log).toEqual(["a", "c"]);
    await clock.advance(1_000);
    expect(log).toEqual(["a", "c", "d"]);
  });

  it("are given to onDiscard, and the one that the caller got never is, whoever else gave it", async () => {
    const shared = {};
    const discarded: unknown[] = [];
    const { clock, group, operation } = setup(
      {
        a: { ms: 1, value: shared },
        b: { ms: 2, value: shared },
        c: { ms: 9, value: shared },
        d: { ms: 20, value: {} },
      },
      {
        primaries: ["a", "b", "c", "d"],
        level: 2,
        onDiscard: (answer, node) => {
          discarded.push([answer === shared, node]);
          throw new Error("dropped");
        },
      },
    );
    const seen = watch(group.execute(operation));
    await clock.advance(100);
    expect(seen.value).toBe(shared);
    expect(discarded).toEqual([[false, "d"]]);
  });

  it("are disposed when there was no agreement", async () => {
    const log: string[] = [];
    const { clock, group, operation } = setup(
      {
        a: { ms: 1, value: disposable(log, "a") },
        b: { ms: 2, error: new Error("b") },
        c: { ms: 3, error: new Error("c") },
      },
      { agree: sameName },
    );
    const seen = watch(group.execute(operation));
    await clock.advance(10);
    expect(seen.error).toMatchObject({ code: "NO_AGREEMENT" });
    expect(log).toEqual(["a"]);
  });
});

describe("the caller's signal", () => {
  it("ends all calls with its reason, holds nobody for failed, and asks nobody when it comes before", async () => {
    const log: string[] = [];
    const { clock, group, operation, reasons, events, asked } = setup(
      {
        a: { ms: 1, value: disposable(log, "a") },
        b: { ms: 50, error: new Error("late") },
        c: { ms: 50, value: disposable(log, "c") },
      },
      { agree: sameName, backups: ["d"] },
    );
    const controller = new AbortController();
    const seen = watch(group.execute(operation, { signal: controller.signal }));
    await clock.advance(20);
    expect(group.metrics.running).toBe(1);
    controller.abort("enough");
    await clock.advance(0);
    expect(group.metrics.running).toBe(0);
    expect(seen).toEqual({ error: "enough" });
    expect(reasons).toEqual({ b: "enough", c: "enough" });
    await clock.advance(100);
    expect(log).toEqual(["a", "c"]);
    expect([events, group.failed, clock.pending]).toEqual([[], [], 0]);
    expect(group.metrics).toMatchObject({ calls: 1, agreed: 0, notAgreed: 0 });
    await expect(group.execute(operation, { signal: controller.signal })).rejects.toBe("enough");
    expect(asked).toHaveLength(3);
  });

  it("keeps no listener, however the call ends", async () => {
    const { signal } = new AbortController();
    for (const script of [
      { a: { ms: 1, value: 1 }, b: { ms: 1, value: 1 }, c: { ms: 9, value: 1 } },
      { a: { ms: 1, value: 1 }, b: { ms: 1, value: 2 }, c: { ms: 9, value: 3 } },
    ]) {
      const { clock, group, operation } = setup(script);
      const seen = watch(group.execute(operation, { signal }));
      expect(getEventListeners(signal, "abort")).toHaveLength(1);
      await clock.advance(20);
      expect(Object.keys(seen)).toHaveLength(1);
      expect(getEventListeners(signal, "abort")).toHaveLength(0);
      expect(clock.pending).toBe(0);
    }
  });

  it("may be aborted by the operation itself", async () => {
    const controller = new AbortController();
    const { group } = setup({});
    const asked: string[] = [];
    const call = group.execute(
      ({ node }) => {
        asked.push(node);
        controller.abort("inside");
        return 1;
      },
      { signal: controller.signal },
    );
    await expect(call).rejects.toBe("inside");
    expect(asked).toEqual(["a"]);
  });

  it("may be aborted while a node is given up", async () => {
    const controller = new AbortController();
    const { clock, group, events } = setup({}, { timeoutMs: 10 });
    const call = group.execute(
      ({ signal }) => {
        signal.addEventListener("abort", () => controller.abort("too slow"));
        return new Promise(() => undefined);
      },
      { signal: controller.signal },
    );
    const seen = watch(call);
    await clock.advance(50);
    expect([seen, events, group.failed, clock.pending]).toEqual([{ error: "too slow" }, [], [], 0]);
  });

  it("is aborted already when it is first read after the abort", async () => {
    const { clock, group } = setup({});
    let late: AbortSignal | undefined;
    const seen = watch(
      group.execute(async (context) => {
        await clock.sleep(context.node === "c" ? 50 : 1);
        if (context.node === "c") late = context.signal;
        return 1;
      }),
    );
    await clock.advance(100);
    expect(seen).toEqual({ value: 1 });
    expect(late?.aborted).toBe(true);
  });
});

describe("redundancy's options", () => {
  it.each<{ options: object; message: string }>([
    { options: {}, message: "redundancy.primaries must be a list of nodes (got undefined)" },
    { options: { primaries: [] }, message: "redundancy.primaries must have at least one node (got an array of 0)" },
    { options: { primaries: ["a", ""] }, message: 'redundancy.primaries[1] must be a name, or have one (got "")' },
    { options: { primaries: [{}] }, message: "redundancy.primaries[0] must be a name, or have one (got an object)" },
    { options: { primaries: [null] }, message: "redundancy.primaries[0] must be a name, or have one (got null)" },
    { options: { primaries: ["a", "a"] }, message: 'redundancy.primaries[1] must not be named before (got "a")' },
    {
      options: { primaries: ["a"], backups: ["b", { name: "a" }] },
      message: 'redundancy.backups[1] must not be named before (got "a")',
    },
    { options: { primaries: ["a"], backups: "b" }, message: 'redundancy.backups must be a list of nodes (got "b")' },
    {
      options: { primaries: Array.from({ length: 1_001 }, (_, at) => `n${at}`) },
      message: "redundancy takes at most 1000 nodes (got 1001)",
    },
    { options: { primaries: ["a"], level: 0 }, message: "redundancy.level must be an integer >= 1 and <= 1 (got 0)" },
    {
      options: { primaries: ["a", "b"], backups: ["c"], level: 3 },
      message: "redundancy.level must be an integer >= 1 and <= 2 (got 3)",
    },
    { options: { primaries: ["a"], timeoutMs: 0 }, message: "redundancy.timeoutMs must be a number >= 1 (got 0)" },
    {
      options: { primaries: ["a"], returnAfterMs: -1 },
      message: "redundancy.returnAfterMs must be a number >= 0 (got -1)",
    },
    { options: { primaries: ["a"], agree: 1 }, message: "redundancy.agree must be a function (got 1)" },
    { options: { primaries: ["a"], failsOver: 1 }, message: "redundancy.failsOver must be a function (got 1)" },
    { options: { primaries: ["a"], onDiscard: 1 }, message: "redundancy.onDiscard must be a function (got 1)" },
    { options: { primaries: ["a"], onEvent: 1 }, message: "redundancy.onEvent must be a function (got 1)" },
    { options: { primaries: ["a"], name: 1 }, message: "redundancy.name must be a string (got 1)" },
    { options: { primaries: ["a"], nodes: [] }, message: "redundancy.nodes is no option; there are primaries" },
  ])("refuses $message", ({ options, message }) => {
    expect(() => redundancy(options as RedundancyOptions)).toThrow(message);
    expect(() => redundancy(options as RedundancyOptions)).toThrow(InvalidArgumentError);
  });

  it("refuses an operation that is none", async () => {
    const { group } = setup({});
    await expect(group.execute(undefined as never)).rejects.toThrow(
      "redundancy.execute operation must be a function (got undefined)",
    );
    expect(group.metrics.calls).toBe(0);
  });

  it("business errors are an answer of every node's, and no failover follows", async () => {
    const refused = new BusinessError("no such account");
    const { clock, group, operation, asked, events } = setup(
      { a: { ms: 1, error: refused }, b: { ms: 2, error: refused }, c: { ms: 900, error: refused } },
      { backups: ["d"] },
    );
    const seen = watch(group.execute(operation));
    await clock.advance(5);
    expect(seen.error).toMatchObject({ code: "NO_AGREEMENT", kind: "business", retryable: false, cause: refused });
    expect([asked.length, events.map(({ type }) => type), group.failed]).toEqual([3, ["noAgreement"], []]);
  });
});
