import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createTelemetry, type TelemetryEvent } from "../../telemetry/index.ts";
import { createAutomaticRecovery } from "./automatic-recovery.ts";
import type { AutomaticRecoveryOptions } from "./recovery-options.ts";
import { RecoveryScene } from "./testing/recovery-scene.ts";

let scene: RecoveryScene;
beforeEach(() => {
  scene = new RecoveryScene();
});
afterEach(async () => {
  await scene.close();
  expect(scene.errors).toEqual([]);
  expect(scene.clock.pending).toBe(0);
});

const advance = (ms: number): Promise<void> => scene.clock.advance(ms);

describe("automatic recovery", () => {
  it("repairs what is reported, and takes it for well when it is not reported again", async () => {
    const recovery = scene.recovery();
    await recovery.report({ type: "memberFailed", target: "n2", evidence: { lastHeardMs: 7_000 } });
    await advance(100);
    expect((await recovery.snapshot()).open).toMatchObject([{ status: "verifying", attemptCount: 1 }]);
    await advance(500);
    const { open, closed } = await recovery.snapshot();
    expect(open).toEqual([]);
    expect(closed).toMatchObject([{ target: "n2", outcome: "recovered", attempts: [{ outcome: "succeeded" }] }]);
    expect(scene.decisions("n2")).toEqual(["accepted", "started", "succeeded", "recovered"]);
    expect(scene.entries.map(({ because }) => because)).toEqual([
      "memberFailed of n2 was reported, priority medium",
      "attempt 1 with restart (restart: 0.5, handles memberFailed)",
      "restart is done; on trial for 500 ms",
      "it was not reported again for 500 ms",
    ]);
    expect(closed[0]?.record).toEqual(scene.entries);
    expect(scene.entries[0]?.evidence).toEqual({ lastHeardMs: 7_000 });
  });

  it("takes reports of one failure for one, with their number, the last evidence and the first cause", async () => {
    const recovery = scene.recovery();
    await recovery.report({ type: "down", target: "a", priority: "low", cause: new TypeError("no pulse") });
    for (let n = 2; n <= 9; n++)
      await recovery.report({ type: "down", target: "a", evidence: { n }, priority: "high" });
    const [task] = (await recovery.snapshot()).open;
    expect(task).toMatchObject({ reports: 9, evidence: { n: 9 }, priority: "high", cause: { name: "TypeError" } });
    expect(scene.decisions("a")).toEqual(["accepted", "started", "repeated", "raised", "repeated", "repeated"]);
    await advance(1_000);
    expect(scene.repairs).toHaveLength(1);
  });

  it("tries again after a wait that doubles, drawn from its upper half, and calls a person after the last", async () => {
    const recovery = scene.recovery();
    scene.failures.set("a", 99);
    await recovery.report({ type: "down", target: "a" });
    await advance(60_000);
    const [first, second, third] = scene.repairs.map(({ beganAt }) => beganAt) as [number, number, number];
    expect(scene.repairs).toHaveLength(3);
    expect(second - first - 100).toBeGreaterThanOrEqual(500);
    expect(second - first - 100).toBeLessThanOrEqual(1_001);
    expect(third - second - 100).toBeGreaterThanOrEqual(1_000);
    expect(third - second - 100).toBeLessThanOrEqual(2_001);
    expect(scene.calls).toHaveLength(1);
    expect(scene.calls[0]).toMatchObject({ target: "a", tasks: [{ attemptCount: 3, reports: 1 }] });
    // The whole record comes with the call.
    expect(scene.calls[0]?.tasks[0]?.record).toEqual(scene.entries);
    expect((await recovery.snapshot()).personsWanted).toMatchObject([{ target: "a" }]);
    await recovery.report({ type: "other", target: "a" });
    await advance(3_700_000);
    expect(scene.repairs).toHaveLength(3);
  });

  it("begins anew when a person has looked after it", async () => {
    const recovery = scene.recovery();
    scene.failures.set("a", 3);
    await recovery.report({ type: "down", target: "a" });
    await advance(10_000);
    expect(scene.calls).toHaveLength(1);
    await recovery.acknowledge("a", { by: "kim", comment: "new disk" });
    await advance(1_000);
    expect(scene.repairs).toHaveLength(4);
    const { open, closed, personsWanted } = await recovery.snapshot();
    expect([open, personsWanted]).toEqual([[], []]);
    expect(closed[0]?.record.map(({ because }) => because)).toContain("by kim: new disk");
  });

  it("wants nobody any more when the target gets well by itself, but keeps count of what was tried", async () => {
    const recovery = scene.recovery();
    scene.failures.set("a", 3);
    await recovery.report({ type: "down", target: "a" });
    await advance(10_000);
    await recovery.recovered("a");
    expect((await recovery.snapshot()).personsWanted).toEqual([]);
    await recovery.report({ type: "down", target: "a" });
    await advance(10_000);
    // Three attempts in this hour are enough.
    expect(scene.repairs).toHaveLength(3);
    expect(scene.calls).toHaveLength(2);
    await recovery.recovered("a");
    await advance(3_600_000);
    await recovery.report({ type: "down", target: "a" });
    await advance(1_000);
    expect(scene.repairs).toHaveLength(4);
  });

  it("waits with a target that flaps", async () => {
    const recovery = scene.recovery({ coolDownMs: 30_000 });
    await recovery.report({ type: "down", target: "a" });
    await advance(600);
    await recovery.report({ type: "down", target: "a" });
    await advance(29_000);
    expect(scene.repairs).toHaveLength(1);
    await advance(2_000);
    expect(scene.repairs).toHaveLength(2);
    expect(scene.decisions("a").slice(4)).toEqual(["accepted", "delayed", "started", "succeeded", "recovered"]);
  });

  it("lets a failure wait that another one explains, also through others, and gives it time when that is over", async () => {
    const recovery = scene.recovery({
      dependsOn: { shop: ["orders"], orders: ["database"] },
      symptomGraceMs: 5_000,
      causeWaitMs: 0,
      maxRunning: 9,
    });
    scene.failures.set("database", 1);
    await recovery.report({ type: "down", target: "database" });
    await recovery.report({ type: "down", target: "orders" });
    await recovery.report({ type: "down", target: "shop" });
    expect((await recovery.snapshot()).open.map(({ heldBy }) => heldBy)).toEqual([null, "database", "database"]);
    await advance(3_000);
    expect(scene.repairs.map(({ target }) => target)).toEqual(["database", "database"]);
    await recovery.recovered("orders");
    expect(scene.decisions("orders")).toEqual(["accepted", "held", "released", "recovered"]);
    await advance(5_000);
    expect(scene.repairs.map(({ target }) => target)).toEqual(["database", "database", "shop"]);
    const waits = scene.entries.find(({ decision, target }) => decision === "held" && target === "shop");
    expect(waits?.because).toBe("database fails, which it depends on: this is a symptom");
  });

  it("knows a symptom also when its cause is reported after it", async () => {
    const recovery = scene.recovery({ dependsOn: { orders: ["database"] } });
    await recovery.report({ type: "down", target: "orders" });
    await advance(900);
    await recovery.report({ type: "down", target: "database" });
    await advance(900);
    await recovery.recovered("orders");
    expect(scene.repairs.map(({ target }) => target)).toEqual(["database"]);
    expect(scene.decisions("orders")).toEqual(["accepted", "delayed", "held", "released", "recovered"]);
    // With nothing else the matter, it is its own.
    await recovery.report({ type: "down", target: "orders" });
    await advance(1_100);
    expect(scene.repairs.map(({ target }) => target)).toEqual(["database", "orders"]);
  });

  it("does one thing at a time at a target, and so many in all; the most pressing first", async () => {
    const recovery = scene.recovery({ maxRunning: 2, verifyMs: 0 });
    const priorities = ["low", "medium", "high", "critical"] as const;
    await recovery.report({ type: "x", target: "busy" });
    await recovery.report({ type: "y", target: "busy" });
    await recovery.report({ type: "x", target: "other" });
    for (const priority of priorities) await recovery.report({ type: "x", target: priority, priority });
    await advance(2_000);
    expect(scene.repairs.map(({ target }) => target)).toEqual([
      "busy",
      "other",
      "critical",
      "high",
      "busy",
      "medium",
      "low",
    ]);
    const because = scene.entries.filter(({ decision }) => decision === "waits").map((entry) => entry.because);
    expect(new Set(because)).toEqual(new Set(["another recovery is at this target", "2 recoveries are under way"]));
  });

  it("drops the oldest of the lowest priority when there are too many", async () => {
    const recovery = scene.recovery({ maxTasks: 3, maxRunning: 1 });
    for (const target of ["a", "b", "c"]) await recovery.report({ type: "x", target, priority: "high" });
    await recovery.report({ type: "x", target: "d", priority: "low" });
    await recovery.report({ type: "x", target: "e", priority: "high" });
    expect((await recovery.snapshot()).open.map(({ target }) => target)).toEqual(["a", "c", "e"]);
    expect(scene.entries.filter(({ decision }) => decision === "dropped").map(({ target }) => target)).toEqual([
      "d",
      "b",
    ]);
    expect(recovery.metrics.decisions.dropped).toBe(2);
  });

  it("keeps no more of what is over than it should", async () => {
    const recovery = scene.recovery({ maxClosed: 2 });
    for (const target of ["a", "b", "c"]) {
      await recovery.report({ type: "x", target });
      await advance(1_000);
    }
    expect((await recovery.snapshot()).closed.map(({ target }) => target)).toEqual(["b", "c"]);
  });

  it("tells telemetry, and shields itself from listeners", async () => {
    const telemetry = createTelemetry({ clock: scene.clock, nodeId: "n1" });
    const events: TelemetryEvent[] = [];
    telemetry.subscribe((event) => events.push(event));
    const recovery = scene.recovery({
      strategies: [],
      telemetry,
      onDecision: () => {
        throw new Error("a broken listener");
      },
    });
    await recovery.report({ type: "x", target: "a", priority: "critical" });
    await recovery.recovered("a");
    expect(events.map((event) => (event.type === "recoveryDecided" ? event.decision : event.type))).toEqual([
      "accepted",
      "personWanted",
      "personWanted",
      "recovered",
      "targetRecovered",
    ]);
    expect(events[2]).toMatchObject({ because: "nothing can help: no strategy handles x", failures: ["x"] });
    expect(recovery.metrics).toMatchObject({ personsCalled: 1, listenerFailures: 3 });
  });

  it("takes nothing any more when it is closed, and tells strategies to end", async () => {
    const recovery = scene.recovery();
    await recovery.report({ type: "x", target: "a" });
    await advance(10);
    await recovery.close();
    expect(scene.repairs).toMatchObject([{ beganAt: 0, endedAt: 10 }]);
    await expect(recovery.report({ type: "x", target: "a" })).rejects.toMatchObject({ code: "RECOVERY_CLOSED" });
  });

  it.each<[Partial<AutomaticRecoveryOptions>, string]>([
    [{ maxAttempts: 0 }, "automaticRecovery.maxAttempts must be an integer >= 1 and <= 1000000 (got 0)"],
    [{ backoffMs: 10, maxBackoffMs: 9 }, "automaticRecovery.maxBackoffMs must be at least backoffMs, 10 (got 9)"],
    [{ dependsOn: { a: ["b"], b: ["c"], c: ["b"] } }, "automaticRecovery.dependsOn must have no cycle: b -> c -> b"],
    [{ dependsOn: { a: ["a"] } }, "automaticRecovery.dependsOn must have no cycle: a -> a"],
    [{ prefix: "x" }, 'automaticRecovery.prefix must end in a slash (got "x")'],
    [{ strategies: [scene1(), scene1()] }, 'automaticRecovery.strategies[1].name must be unlike the others (got "s")'],
    [{ priorities: { x: "urgent" as never } }, "automaticRecovery.priorities.x must be critical, high, medium, low"],
    [{ retries: 3 } as never, "automaticRecovery.retries is no option"],
  ])("refuses %o", (options, message) => {
    expect(() => createAutomaticRecovery({ strategies: [], ...options })).toThrow(message);
  });
});

function scene1(): AutomaticRecoveryOptions["strategies"][number] {
  return { name: "s", handles: ["*"], run: () => undefined };
}
