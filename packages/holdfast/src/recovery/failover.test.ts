import { describe, expect, it } from "vitest";
import { VirtualClock } from "../testing/index.ts";
import type { RedundancyEvent } from "./redundancy-event.ts";
import type { RedundancyOptions } from "./redundancy-options.ts";
import { redundancy } from "./redundancy.ts";

/** What a node does: an answer or an Error after so long, for ever by default. */
type Behaviour = readonly [ms: number, answer: unknown];

function setup(behaviours: Record<string, Behaviour>, options: Partial<RedundancyOptions> = {}) {
  const clock = new VirtualClock();
  const events: RedundancyEvent[] = [];
  const asked: string[] = [];
  const reasons: Record<string, unknown> = {};
  const group = redundancy({
    primaries: ["a", "b", "c"],
    backups: ["d", "e"],
    clock,
    onEvent: (event) => events.push(event),
    ...options,
  });
  const call = (): { value?: unknown; error?: unknown } => {
    const seen: { value?: unknown; error?: unknown } = {};
    group
      .decide(async ({ node, signal }) => {
        asked.push(node);
        signal.addEventListener("abort", () => (reasons[node] = signal.reason));
        const [ms, answer] = behaviours[node] ?? [Infinity, undefined];
        if (ms === Infinity) await new Promise(() => undefined);
        await clock.sleep(ms);
        if (answer instanceof Error) throw answer;
        return answer;
      })
      .then(
        (value) => (seen.value = value),
        (error: unknown) => (seen.error = error),
      );
    return seen;
  };
  const told = (): string[] =>
    events.map((event) => {
      if (event.type === "promoted") return `${event.node} for ${event.replaces}`;
      return event.type === "noAgreement" ? event.type : `${event.type} ${event.node}`;
    });
  return { clock, events, told, asked, reasons, group, call, behaviours };
}

const down = new Error("connection refused");

describe("failover", () => {
  it("promotes a backup for a primary whose call fails, in this call and for the next ones", async () => {
    const { clock, group, call, asked, events, told } = setup(
      { a: [1, down], b: [5, 7], c: [5, 7], d: [5, 7] },
      { level: 3 },
    );
    const seen = call();
    await clock.advance(5);
    expect([seen, asked]).toEqual([{}, ["a", "b", "c", "d"]]);
    expect(told()).toEqual(["nodeFailed a", "d for a"]);
    expect(events[0]).toMatchObject({ error: down });
    await clock.advance(5);
    expect(seen.value).toEqual({
      value: 7,
      agreed: ["b", "c", "d"],
      suspects: [],
      failures: [{ node: "a", error: down }],
    });
    expect([group.primaries, group.backups, group.failed]).toEqual([["d", "b", "c"], ["e"], ["a"]]);
    asked.length = 0;
    call();
    expect(asked).toEqual(["d", "b", "c"]);
    expect(group.metrics).toMatchObject({ promotions: 1 });
  });

  it("promotes a backup for a primary that does not answer in time, aborts it, and drops what it says later", async () => {
    const dropped: unknown[] = [];
    const { clock, call, reasons } = setup(
      { a: [150, "late"], b: [5, 7], c: [5, 7], d: [5, 7] },
      { level: 3, timeoutMs: 100, name: "prices", onDiscard: (answer) => dropped.push(answer) },
    );
    const seen = call();
    await clock.advance(99);
    expect(reasons).toEqual({});
    await clock.advance(6);
    expect(seen.value).toMatchObject({ agreed: ["b", "c", "d"], failures: [{ node: "a" }] });
    expect(reasons["a"]).toMatchObject({
      code: "OPERATION_TIMED_OUT",
      message: "prices: node a timed out after 100 ms",
    });
    dropped.length = 0;
    await clock.advance(100);
    expect(dropped).toEqual(["late"]);
    expect(clock.pending).toBe(0);
  });

  it("goes on to the next backup when one fails too, until there is none", async () => {
    const { clock, call, asked, told, group } = setup(
      { a: [1, down], b: [50, 7], c: [50, 7], d: [1, down], e: [1, down] },
      { level: 3 },
    );
    const seen = call();
    await clock.advance(3);
    expect(asked).toEqual(["a", "b", "c", "d", "e"]);
    expect(told()).toEqual(["nodeFailed a", "d for a", "nodeFailed d", "e for d", "nodeFailed e", "noAgreement"]);
    expect(seen.error).toMatchObject({
      votes: [],
      failures: [{ node: "a" }, { node: "d" }, { node: "e" }],
    });
    // Nobody is left to take its place.
    expect([group.primaries, group.backups, group.failed]).toEqual([["e", "b", "c"], [], ["a", "d", "e"]]);
  });

  it("two calls that see the same failure promote one backup, and each asks it once", async () => {
    const { clock, call, asked, told } = setup({ a: [10, down], b: [50, 7], c: [50, 7], d: [50, 7] }, { level: 3 });
    const calls = [call(), call()];
    await clock.advance(10);
    expect(told()).toEqual(["nodeFailed a", "d for a"]);
    expect(asked.filter((node) => node === "d")).toHaveLength(2);
    await clock.advance(60);
    for (const { value } of calls) expect(value).toMatchObject({ agreed: ["b", "c", "d"] });
    expect(asked.filter((node) => node === "e")).toEqual([]);
  });

  it("never counts a backup twice: one that breaks a tie and is promoted meanwhile has one vote", async () => {
    const { clock, group, call, asked } = setup(
      { a: [1, "x"], b: [2, "y"], c: [50, down], d: [200, "x"], e: [300, "x"] },
      { level: 3 },
    );
    const seen = call();
    await clock.advance(2);
    expect([asked, group.primaries]).toEqual([
      ["a", "b", "c", "d"],
      ["a", "b", "c"],
    ]);
    await clock.advance(48);
    expect([asked, group.primaries]).toEqual([
      ["a", "b", "c", "d", "e"],
      ["a", "b", "d"],
    ]);
    await clock.advance(299);
    expect(seen).toEqual({});
    await clock.advance(1);
    expect(seen.value).toMatchObject({ value: "x", agreed: ["a", "d", "e"], suspects: ["b"] });
  });

  it("asks backups where the primaries contradict each other, as many as are missing, and promotes none", async () => {
    const { clock, group, call, asked, told } = setup(
      { a: [1, "x"], b: [2, "y"], d: [10, "z"], e: [10, "y"] },
      { primaries: ["a", "b"], level: 2 },
    );
    const seen = call();
    await clock.advance(2);
    expect(asked).toEqual(["a", "b", "d"]);
    await clock.advance(10);
    expect(asked).toEqual(["a", "b", "d", "e"]);
    await clock.advance(10);
    expect(seen.value).toMatchObject({ value: "y", agreed: ["b", "e"], suspects: ["a", "d"] });
    expect([group.primaries, group.backups]).toEqual([
      ["a", "b"],
      ["d", "e"],
    ]);
    expect(told()).toEqual(["suspected a", "suspected d"]);
  });

  it("waits for no backup that cannot decide it any more", async () => {
    const { clock, call, asked, reasons } = setup(
      { a: [1, 1], b: [2, 2], c: [3, 3], d: [4, 4] },
      { primaries: ["a", "b", "c", "d"], backups: ["e", "f"], level: 4 },
    );
    const seen = call();
    await clock.advance(3);
    expect([seen, asked]).toEqual([{}, ["a", "b", "c", "d", "e", "f"]]);
    await clock.advance(1);
    expect(seen.error).toMatchObject({ votes: [["a"], ["b"], ["c"], ["d"]] });
    expect(reasons).toEqual({ e: seen.error, f: seen.error });
  });

  it("a node is a backup again when its time is over, or when it has answered", async () => {
    const { clock, group, call, told, behaviours } = setup(
      { a: [1, down], b: [5, 7], c: [5, 7], d: [5, 7] },
      { backups: ["d"], returnAfterMs: 1_000 },
    );
    call();
    await clock.advance(1_000);
    expect(group.failed).toEqual(["a"]);
    await clock.advance(1);
    expect([group.primaries, group.backups, group.failed]).toEqual([["d", "b", "c"], ["a"], []]);
    expect(told()).toEqual(["nodeFailed a", "d for a", "nodeReturned a"]);

    // Now b and c fail: a replaces one; the other one stays, and is right when it answers.
    Object.assign(behaviours, { b: [1, down], c: [1, down], a: [5, 7] });
    call();
    await clock.advance(10);
    expect([group.primaries, group.failed]).toEqual([
      ["d", "a", "c"],
      ["b", "c"],
    ]);
    behaviours["c"] = [1, 7];
    call();
    await clock.advance(10);
    expect(group.failed).toEqual(["b"]);
  });

  it.each([
    ["the user says so", () => false],
    [
      "the user's judge throws",
      () => {
        throw new Error("no opinion");
      },
    ],
  ])("no backup takes the place when %s", async (_, failsOver) => {
    const { clock, group, call, asked } = setup({ a: [1, down], b: [5, 7], c: [5, 7] }, { failsOver });
    const seen = call();
    await clock.advance(10);
    expect(seen.value).toMatchObject({ agreed: ["b", "c"], failures: [{ node: "a", error: down }] });
    expect([asked, group.failed]).toEqual([["a", "b", "c"], []]);
  });
});

describe("reports", () => {
  it("promote a backup, and calls under way go on with it", async () => {
    const { clock, group, call, asked, reasons, told } = setup({ b: [5, 7], c: [5, 7], d: [5, 7] }, { level: 3 });
    const seen = call();
    await clock.advance(10);
    expect(group.fail("a")).toBe(true);
    expect(reasons["a"]).toMatchObject({ code: "NODE_FAILED", node: "a" });
    await clock.advance(5);
    expect(seen.value).toMatchObject({ agreed: ["b", "c", "d"], failures: [{ node: "a" }] });
    expect(asked).toEqual(["a", "b", "c", "d"]);
    expect(told()).toEqual(["nodeFailed a", "d for a"]);
    await clock.advance(10_000_000);
    expect(group.failed).toEqual(["a"]);
    expect([group.restore("a"), group.restore("a"), group.backups]).toEqual([true, false, ["e", "a"]]);
  });

  it("of the same failure by a call and by somebody else promote one backup", async () => {
    const { clock, group, call, told } = setup({ a: [1, down], b: [5, 7], c: [5, 7], d: [5, 7] });
    call();
    await clock.advance(2);
    group.fail("a");
    group.fail("a");
    expect(told()).toEqual(["nodeFailed a", "d for a"]);
    // The report outlasts the time after which a failed call is forgotten.
    await clock.advance(1_000_000);
    expect(group.failed).toEqual(["a"]);
  });

  it("end a call that cannot be decided any more", async () => {
    const { clock, group, call } = setup({ a: [1, 7] }, { backups: [] });
    const seen = call();
    await clock.advance(10);
    group.fail("b");
    await clock.advance(0);
    expect(seen).toEqual({});
    group.fail("c");
    await clock.advance(0);
    expect(seen.error).toMatchObject({ votes: [["a"]], failures: [{ node: "b" }, { node: "c" }], kind: "network" });
    expect(group.primaries).toEqual(["a", "b", "c"]);
  });

  it("during the first calls of a vote do not end it before all are asked", async () => {
    const clock = new VirtualClock();
    const asked: string[] = [];
    const group = redundancy({ primaries: ["a", "b", "c"], clock });
    const result = group.decide(({ node }) => {
      asked.push(node);
      if (node === "a") group.fail("b");
      return 7;
    });
    expect(await result).toMatchObject({ agreed: ["a", "c"], failures: [{ node: "b" }] });
    expect(asked).toEqual(["a", "c"]);
  });

  it("from listeners of the group itself are taken", async () => {
    const clock = new VirtualClock();
    const group = redundancy({
      primaries: ["a", "b", "c"],
      backups: ["d"],
      clock,
      onEvent: (event) => {
        if (event.type === "suspected") group.fail(event.node);
      },
    });
    expect(await group.execute(({ node }) => (node === "a" ? "lie" : "truth"))).toBe("truth");
    expect([group.primaries, group.failed]).toEqual([["d", "b", "c"], ["a"]]);
  });

  it("about strangers are refused, and about backups keep them from being promoted", async () => {
    const { group } = setup({});
    expect([group.fail("x"), group.restore("x")]).toEqual([false, false]);
    group.fail("d");
    group.fail("a");
    expect([group.primaries, group.backups, group.failed]).toEqual([["e", "b", "c"], [], ["d", "a"]]);
  });
});
