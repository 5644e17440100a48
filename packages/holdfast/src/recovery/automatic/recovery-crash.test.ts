import { describe, expect, it } from "vitest";
import { MortalCoordination, type Death } from "../plans/testing/mortal-coordination.ts";
import type { AutomaticRecovery } from "./automatic-recovery.ts";
import { RecoveryStore } from "./recovery-store.ts";
import { RecoveryScene } from "./testing/recovery-scene.ts";

const common = { prefix: "r/", ttlSeconds: 2, maxAttempts: 5 };

async function untilActing(scene: RecoveryScene, ...recoveries: AutomaticRecovery[]): Promise<AutomaticRecovery> {
  for (let waited = 0; waited < 60_000; waited += 50) {
    const acting = recoveries.find(({ isActing }) => isActing);
    if (acting !== undefined) return acting;
    await scene.clock.advance(50);
  }
  throw new Error("nobody acts");
}

interface Outcome {
  readonly asked: number;
  readonly died: boolean;
  readonly late: number;
  readonly again: number;
}

/** Two processes of which the first dies, or stands still, at one request; what was reported is repaired all the same. */
async function run(death: Death | undefined, fate: "dies" | "standsStill"): Promise<Outcome> {
  const scene = new RecoveryScene();
  scene.repairMs = 300;
  scene.failures.set("a", 1);
  const line = new MortalCoordination(scene.member, death);
  const isGone = (): boolean => fate === "dies" && !line.alive;
  const mortal = scene.strategy("restart", {
    async run(context) {
      await checkRecorded(scene, context.task.target, context.task.id);
      // A dead process does nothing, and tells nobody.
      if (!isGone()) await scene.repair("first", context);
      if (isGone()) await new Promise(() => undefined);
    },
  });
  const first = scene.recovery({ ...common, name: "first", coordination: line.coordination, strategies: [mortal] });
  while (!first.isActing && line.alive) await scene.clock.advance(10);
  const second = scene.recovery({ ...common, name: "second", coordination: scene.member });
  const reported = [
    second.report({ type: "down", target: "a", priority: "high" }),
    second.report({ type: "slow", target: "b" }),
  ];
  await scene.until(Promise.all(reported));
  for (let waited = 0; waited < 120_000; waited += 100) {
    await scene.clock.advance(100);
    const { closed } = await scene.until(second.snapshot());
    if (closed.length === 2) break;
  }
  // The one that stood still goes on now, with what it had in hand.
  line.resume();
  await scene.clock.advance(10_000);
  const { open, closed } = await scene.until(second.snapshot());
  expect(open).toEqual([]);
  expect(closed.map(({ target, outcome }) => `${target} ${outcome}`).toSorted()).toEqual([
    "a recovered",
    "b recovered",
  ]);
  for (const { record, attempts } of closed) {
    expect(record.map(({ decision }) => decision).slice(0, 2)).toEqual(["accepted", "started"]);
    expect(record.at(-1)?.decision).toBe("recovered");
    expect(attempts.at(-1)?.outcome).toBe("succeeded");
    expect(attempts.map(({ number }) => number)).toEqual(attempts.map((_, at) => at + 1));
    expect(attempts.length).toBeLessThanOrEqual(3);
  }
  // Under one key at the most: by the process that died, and by the one that took over, with a greater token.
  for (const repairs of Map.groupBy(scene.repairs, ({ key }) => key).values()) {
    const tokens = repairs.map(({ token }) => token ?? 0);
    expect(tokens).toEqual([...new Set(tokens)].toSorted((one, other) => one - other));
  }
  const again = scene.entries.filter(({ decision }) => decision === "startedAgain").length;
  const outcome = { asked: line.asked, died: death !== undefined && line.late + again > 0, late: line.late, again };
  await scene.close();
  expect(scene.errors).toEqual([]);
  return outcome;
}

/** What begins is recorded before. */
async function checkRecorded(scene: RecoveryScene, target: string, id: string): Promise<void> {
  const { clock, random } = scene;
  const state = await new RecoveryStore(scene.member, "r/", { clock, random }).load(new AbortController().signal);
  const task = state.targets.get(target)?.tasks.find((each) => each.id === id);
  if (task?.status !== "running" && task?.status !== "verifying" && !state.closed.has(id)) {
    scene.errors.push(new Error(`${target} begins, and is ${task?.status ?? "not recorded"}`));
  }
}

describe("recoveries whose process dies", () => {
  it("are gone on with by another one, at whatever request it dies", async () => {
    const whole = await run(undefined, "dies");
    expect(whole.asked).toBeGreaterThan(8);
    let again = 0;
    let died = 0;
    for (let request = 1; request <= whole.asked; request++) {
      for (const when of ["before", "after"] as const) {
        const outcome = await run({ request, when }, "dies");
        again += outcome.again;
        if (outcome.died) died++;
      }
    }
    // It happened, and mattered.
    expect(died).toBeGreaterThan(5);
    expect(again).toBeGreaterThan(5);
  });

  it("are not disturbed by one that stood still, and comes back", async () => {
    let late = 0;
    for (const request of [3, 4, 5, 6, 8]) late += (await run({ request, when: "before" }, "standsStill")).late;
    expect(late).toBeGreaterThan(0);
  });

  it("are handed over at once by one that closes, and what is recorded is read by all", async () => {
    const scene = new RecoveryScene();
    const first = scene.recovery({ ...common, name: "first", coordination: scene.member });
    await untilActing(scene, first);
    const second = scene.recovery({ ...common, name: "second", coordination: scene.member, maxRunning: 1 });
    scene.repairMs = 5_000;
    await scene.until(first.report({ type: "down", target: "a" }));
    await scene.clock.advance(1_000);
    expect(second.isActing).toBe(false);
    expect(await scene.until(second.snapshot())).toMatchObject({ isActing: false, open: [{ status: "running" }] });
    const before = scene.clock.now();
    await scene.until(first.close());
    await untilActing(scene, second);
    expect(scene.clock.now() - before).toBeLessThan(500);
    await scene.clock.advance(8_000);
    const { closed } = await scene.until(second.snapshot());
    expect(closed).toMatchObject([{ attempts: [{ number: 1, interruptions: 1, outcome: "succeeded" }] }]);
    expect(closed[0]?.record.map(({ because }) => because)).toContain(
      "attempt 1 with restart was interrupted: second begins it again",
    );
    await scene.close();
  });

  it("are begun by the one that leads in the store's eyes, also while another one still believes that it does", async () => {
    const scene = new RecoveryScene();
    const patient = { ...common, ttlSeconds: 60, coordination: scene.member };
    const first = scene.recovery({ ...patient, name: "first" });
    await untilActing(scene, first);
    const [lease] = (await scene.member.leases()).leases;
    const second = scene.recovery({ ...patient, name: "second" });
    await scene.clock.advance(100);
    // Somebody takes the lease away. Its holder hears of it with its next keep-alive only.
    await scene.member.leaseRevoke({ id: lease! });
    await scene.until(second.report({ type: "down", target: "a" }));
    await scene.clock.advance(10);
    expect(scene.repairs.map(({ token }) => token)).toEqual([expect.any(Number)]);
    await scene.clock.advance(2_000);
    const { closed } = await scene.until(second.snapshot());
    expect(closed).toMatchObject([{ outcome: "recovered", attempts: [{ number: 1, interruptions: 0 }] }]);
    expect(second.metrics.decisions).toEqual({ accepted: 1, started: 1, succeeded: 1, recovered: 1 });
    expect(first.metrics.decisions).toEqual({});
    expect(first.isActing).toBe(false);
    await scene.close();
    expect(scene.errors).toEqual([]);
  });

  it("call a person again where nobody knows whether the first call came through", async () => {
    const scene = new RecoveryScene();
    const none = { ...common, strategies: [], coordination: scene.member };
    const first = scene.recovery({ ...none, name: "first" });
    await untilActing(scene, first);
    await scene.until(first.report({ type: "down", target: "a" }));
    await scene.clock.advance(100);
    expect(scene.calls).toHaveLength(1);
    const second = scene.recovery({ ...none, name: "second" });
    await scene.until(first.close());
    await untilActing(scene, second);
    await scene.clock.advance(100);
    expect(scene.calls).toHaveLength(2);
    expect(scene.calls[1]).toEqual(scene.calls[0]);
    await scene.close();
  });

  it("have failed after too many interruptions: it may be the strategy that kills them", async () => {
    const scene = new RecoveryScene();
    scene.repairMs = 5_000;
    const names = ["first", "second", "third"];
    for (const [at, name] of names.entries()) {
      const recovery = scene.recovery({ ...common, name, coordination: scene.member, maxInterruptions: 1 });
      await untilActing(scene, recovery);
      if (at === 0) await scene.until(recovery.report({ type: "down", target: "a" }));
      await scene.clock.advance(1_000);
      if (at < 2) await scene.until(recovery.close());
    }
    expect(scene.decisions("a").slice(0, 4)).toEqual(["accepted", "started", "startedAgain", "failed"]);
    expect(scene.entries[3]?.because).toMatch(/^interrupted 2 times; /);
    await scene.clock.advance(20_000);
    expect(scene.decisions("a").at(-1)).toBe("recovered");
    await scene.close();
  });
});
