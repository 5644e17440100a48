import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { RecoveryContext } from "./recovery-strategy.ts";
import { RecoveryScene } from "./testing/recovery-scene.ts";

let scene: RecoveryScene;
beforeEach(() => {
  scene = new RecoveryScene();
});
afterEach(async () => {
  await scene.close();
  expect(scene.errors).toEqual([]);
});

const advance = (ms: number): Promise<void> => scene.clock.advance(ms);

describe("the choice of a strategy", () => {
  it("is by type of failure, evidence and confidence, and says what all thought", async () => {
    const recovery = scene.recovery({
      strategies: [
        scene.strategy("other", { handles: ["diskFull"] }),
        scene.strategy("restart", {
          handles: ["down"],
          canHandle: ({ evidence }) =>
            evidence["restarts"] === 0 && { confidence: 0.9, because: "it was not restarted yet" },
        }),
        scene.strategy("replace", { canHandle: () => ({ confidence: 0.4, because: "always helps" }) }),
        scene.strategy("broken", {
          canHandle: () => {
            throw new Error("no idea");
          },
        }),
        scene.strategy("boastful", { canHandle: () => ({ confidence: 7, because: "me" }) }),
      ],
    });
    await recovery.report({ type: "down", target: "a", evidence: { restarts: 0 } });
    await recovery.report({ type: "down", target: "b", evidence: { restarts: 4 } });
    await advance(1);
    expect(scene.repairs.map(({ by, target }) => `${by} ${target}`)).toEqual(["restart a", "replace b"]);
    const started = scene.entries.filter(({ decision }) => decision === "started");
    expect(started.map(({ because }) => because)).toEqual([
      "attempt 1 with restart (restart: 0.9, it was not restarted yet; replace: 0.4, always helps; " +
        "broken: cannot: it threw no idea; boastful: cannot: its confidence is 7)",
      "attempt 1 with replace (restart: cannot; replace: 0.4, always helps; " +
        "broken: cannot: it threw no idea; boastful: cannot: its confidence is 7)",
    ]);
  });

  it("goes to another one when the first has failed twice", async () => {
    const sure = (confidence: number) => () => ({ confidence, because: "so" });
    const recovery = scene.recovery({
      strategies: [
        scene.strategy("restart", { canHandle: sure(0.9) }),
        scene.strategy("replace", { canHandle: sure(0.4) }),
      ],
    });
    scene.failures.set("a", 2);
    await recovery.report({ type: "down", target: "a" });
    await advance(20_000);
    expect(scene.repairs.map(({ by }) => by)).toEqual(["restart", "restart", "replace"]);
  });

  it("calls a person at once where nothing can help", async () => {
    const recovery = scene.recovery({ strategies: [scene.strategy("a", { handles: ["down"] })] });
    await recovery.report({ type: "up", target: "x" });
    expect(scene.calls[0]?.wanted.because).toBe("nothing can help: no strategy handles up");
  });
});

describe("verification", () => {
  it("of a strategy that says it is done while the target is reported again has failed", async () => {
    const recovery = scene.recovery({ verifyMs: 10_000 });
    await recovery.report({ type: "down", target: "a" });
    await advance(5_000);
    await recovery.report({ type: "down", target: "a" });
    const [task] = (await recovery.snapshot()).open;
    expect(task?.attempts).toMatchObject([{ outcome: "notVerified" }]);
    expect(task?.status).toBe("waiting");
  });

  it("asks until the target is well, or its time is over", async () => {
    const wellFrom = new Map([
      ["a", 3_000],
      ["b", 20_000],
    ]);
    let asked = 0;
    const recovery = scene.recovery({
      verifyMs: 10_000,
      maxAttempts: 1,
      verify: ({ target }) => {
        asked++;
        if (scene.clock.now() < 1_000) throw new Error("nobody there");
        return scene.clock.now() >= (wellFrom.get(target) ?? 0);
      },
    });
    await recovery.report({ type: "down", target: "a" });
    await recovery.report({ type: "down", target: "b" });
    await advance(4_000);
    expect((await recovery.snapshot()).closed.map(({ target }) => target)).toEqual(["a"]);
    await advance(8_000);
    expect(scene.calls.map(({ target }) => target)).toEqual(["b"]);
    const failed = scene.entries.find(({ decision }) => decision === "failed");
    expect(failed?.because).toBe("not well after 10000 ms: it says that it is not; no attempt is left");
    expect(asked).toBeGreaterThan(10);
    expect(asked).toBeLessThanOrEqual(16);
  });

  it("does not wait for an answer longer than the trial", async () => {
    const recovery = scene.recovery({ verify: () => new Promise(() => undefined) });
    await recovery.report({ type: "down", target: "a" });
    await advance(700);
    expect(scene.decisions("a")).toEqual(["accepted", "started", "succeeded", "failed"]);
    expect(scene.entries.at(-1)?.because).toContain("not well after 500 ms: no answer");
  });
});

describe("an attempt", () => {
  it("that takes too long is told to end, and has failed", async () => {
    const recovery = scene.recovery({ timeoutMs: 50 });
    await recovery.report({ type: "down", target: "a" });
    await advance(60);
    expect(scene.repairs).toMatchObject([{ endedAt: 50 }]);
    const [task] = (await recovery.snapshot()).open;
    expect(task?.attempts).toMatchObject([{ outcome: "timedOut", error: { code: "ATTEMPT_TIMED_OUT" } }]);
  });

  it("that does not end keeps everything else from its target until it does, and a person is called", async () => {
    scene.repairMs = 60_000;
    scene.deaf.add("a");
    const recovery = scene.recovery({ timeoutMs: 1_000, graceMs: 1_000, maxRunning: 1 });
    await recovery.report({ type: "down", target: "a" });
    await recovery.report({ type: "other", target: "a" });
    await advance(1);
    scene.repairMs = 100;
    await recovery.report({ type: "down", target: "b" });
    await advance(2_100);
    expect(scene.calls).toMatchObject([{ target: "a", wanted: { because: "restart does not end", isStuck: true } }]);
    // It does not keep others waiting.
    expect(scene.repairs.map(({ target }) => target)).toEqual(["a", "b"]);
    await advance(57_000);
    expect(scene.repairs.filter(({ target }) => target === "a")).toHaveLength(1);
    await advance(5_000);
    // It ended well after all.
    expect((await recovery.snapshot()).personsWanted).toEqual([]);
    expect(scene.repairs.filter(({ target }) => target === "a").length).toBeGreaterThan(1);
    expect(scene.repairs.filter(({ target }) => target === "a")[0]?.endedAt).toBe(60_000);
  });

  it("that does not end is given up when a person answers for it", async () => {
    scene.repairMs = 600_000;
    scene.deaf.add("a");
    const recovery = scene.recovery({ timeoutMs: 1_000, graceMs: 1_000 });
    await recovery.report({ type: "down", target: "a" });
    await advance(2_100);
    scene.deaf.delete("a");
    scene.repairMs = 100;
    await recovery.acknowledge("a", { by: "kim" });
    await advance(1_000);
    expect(scene.repairs).toHaveLength(2);
    expect((await recovery.snapshot()).closed[0]?.attempts).toMatchObject([
      { outcome: "abandoned" },
      { outcome: "succeeded" },
    ]);
  });

  it("goes on when the target is well before it is done: it may be why", async () => {
    const recovery = scene.recovery();
    await recovery.report({ type: "down", target: "a" });
    await advance(50);
    await recovery.recovered("a", { because: "it answers" });
    await advance(10);
    expect((await recovery.snapshot()).open).toMatchObject([{ status: "running", isWellAgain: true }]);
    await advance(50);
    expect(scene.decisions("a")).toEqual(["accepted", "started", "recoveredMeanwhile", "recovered"]);
    expect(scene.repairs).toMatchObject([{ endedAt: 100 }]);
  });

  it("ends when the target is well, where the strategy says so", async () => {
    const recovery = scene.recovery({ strategies: [scene.strategy("failover", { endsWhenWell: true })] });
    await recovery.report({ type: "down", target: "a" });
    await advance(50);
    await recovery.recovered("a");
    await advance(1);
    expect(scene.repairs).toMatchObject([{ endedAt: 50 }]);
    expect((await recovery.snapshot()).closed).toMatchObject([{ outcome: "recovered" }]);
    expect(scene.decisions("a").slice(2)).toEqual(["recoveredMeanwhile", "toldToEnd", "recovered"]);
  });

  it("has a key of its own, and what it throws at once is a failure", async () => {
    const contexts: RecoveryContext[] = [];
    const run = (context: RecoveryContext): void => {
      contexts.push(context);
      if (context.attempt === 1) throw new RangeError("out of nodes");
    };
    const recovery = scene.recovery({ strategies: [{ name: "s", handles: ["*"], run }] });
    await recovery.report({ type: "down", target: "a" });
    await advance(3_000);
    expect(contexts.map(({ attempt }) => attempt)).toEqual([1, 2]);
    expect(new Set(contexts.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(2);
    expect((await recovery.snapshot()).closed[0]?.attempts[0]?.error).toMatchObject({ message: "out of nodes" });
  });
});

describe("a trial", () => {
  it("ends when the target is told to be well meanwhile", async () => {
    let asked = 0;
    const recovery = scene.recovery({
      verifyMs: 10_000,
      verify: () => {
        asked++;
        return false;
      },
    });
    await recovery.report({ type: "down", target: "a" });
    await advance(2_500);
    expect(asked).toBe(3);
    await recovery.recovered("a");
    await advance(10_000);
    expect(asked).toBe(3);
    expect((await recovery.snapshot()).closed).toMatchObject([{ outcome: "recovered" }]);
  });
});

describe("the last attempt", () => {
  it("of what has turned out to be a symptom calls nobody", async () => {
    const recovery = scene.recovery({
      maxAttempts: 1,
      dependsOn: { orders: ["database"] },
      symptomGraceMs: 1_000,
      causeWaitMs: 0,
    });
    scene.failures.set("orders", 9);
    await recovery.report({ type: "down", target: "orders" });
    scene.repairMs = 5_000;
    await recovery.report({ type: "down", target: "database" });
    await advance(3_000);
    expect(scene.calls).toEqual([]);
    expect((await recovery.snapshot()).open[0]).toMatchObject({
      target: "orders",
      heldBy: "database",
      attemptCount: 1,
    });
    await advance(10_000);
    // The cause is over, and this is not: now somebody is wanted.
    expect(scene.calls.map(({ target }) => target)).toEqual(["orders"]);
  });
});
