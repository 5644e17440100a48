import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createErrorAggregator } from "../../errors/index.ts";
import type { Member, MembershipEvent, MembershipListener } from "../../membership/index.ts";
import { circuitBreaker } from "../../resilience/index.ts";
import type { HealthState } from "../../telemetry/index.ts";
import { RecoveryScene } from "./testing/recovery-scene.ts";
import { watchAggregator } from "./watch-aggregator.ts";
import { watchBreakers } from "./watch-breakers.ts";
import { watchHealth } from "./watch-health.ts";
import { watchMembership } from "./watch-membership.ts";

let scene: RecoveryScene;
beforeEach(() => {
  scene = new RecoveryScene();
});
afterEach(async () => {
  await scene.close();
  expect(scene.errors).toEqual([]);
});

const noted = (): string[] => scene.entries.map(({ target, decision }) => `${target} ${decision}`);

/** A list of members that tells of its changes, as membership does. */
class Members {
  readonly name = "self";
  readonly #members = new Map<string, Member>();
  readonly #listeners = new Set<MembershipListener>();

  constructor(names: readonly string[]) {
    for (const name of ["self", ...names]) this.#put(name, "alive");
  }

  #put(name: string, state: Member["state"]): Member {
    const member = { name, state, host: "10.0.0.1", port: 1, incarnation: 1, meta: new Uint8Array(0) };
    this.#members.set(name, member);
    return member;
  }

  change(type: "failed" | "return" | "left", name: string): void {
    const member = this.#put(name, type === "failed" ? "dead" : type === "left" ? "left" : "alive");
    const event: MembershipEvent = type === "failed" ? { type, member, from: "self" } : { type, member };
    for (const listener of this.#listeners) listener(event);
  }

  members(): readonly Member[] {
    return [...this.#members.values()];
  }

  subscribe(listener: MembershipListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

describe("watchMembership", () => {
  it("reports who is dead, until they return or leave; also who was dead before", async () => {
    const recovery = scene.recovery({ strategies: [] });
    const members = new Members(["a", "b", "c", "d"]);
    members.change("failed", "a");
    const stop = watchMembership(recovery, members, { priority: "high" });
    await scene.clock.advance(1);
    expect((await recovery.snapshot()).open).toMatchObject([{ type: "memberFailed", target: "a", priority: "high" }]);
    members.change("return", "a");
    members.change("failed", "b");
    members.change("left", "b");
    stop();
    members.change("failed", "c");
    await scene.clock.advance(1);
    expect(noted().filter((each) => !each.endsWith("personWanted"))).toEqual([
      "a accepted",
      "a recovered",
      "b accepted",
      "b recovered",
    ]);
  });

  it("doubts itself when most others are gone", async () => {
    const recovery = scene.recovery({ strategies: [] });
    const members = new Members(["a", "b", "c", "d"]);
    watchMembership(recovery, members);
    members.change("failed", "a");
    members.change("failed", "b");
    members.change("failed", "c");
    members.change("failed", "d");
    await scene.clock.advance(1);
    expect((await recovery.snapshot()).open.map(({ type, target }) => `${type} ${target}`)).toEqual([
      "memberFailed a",
      "memberFailed b",
      "membersLost self",
    ]);
    for (const name of ["a", "b", "c"]) members.change("return", name);
    await scene.clock.advance(1);
    expect((await recovery.snapshot()).open.map(({ type, target }) => `${type} ${target}`)).toEqual(["memberFailed d"]);
  });
});

describe("watchBreakers", () => {
  it("reports what a breaker guards while the breaker is open", async () => {
    const recovery = scene.recovery({ verifyMs: 60_000 });
    const onEvent = watchBreakers(recovery, { target: (name) => name.split("/")[0] ?? name });
    const options = { openMs: 1_000, clock: scene.clock, onEvent } as const;
    const read = circuitBreaker({ ...options, name: "orders/read" });
    const write = circuitBreaker({ ...options, name: "orders/write" });
    const failing = async (): Promise<void> => {
      for (const breaker of [read, write]) {
        for (let n = 0; n < 100; n++)
          await breaker.execute(() => Promise.reject(new Error("down"))).catch(() => undefined);
      }
    };
    await failing();
    expect((await recovery.snapshot()).open).toMatchObject([{ type: "breakerOpen", target: "orders", reports: 2 }]);
    await scene.clock.advance(1_500);
    const settle = async (breaker: typeof read): Promise<void> => {
      for (let n = 0; n < 200 && breaker.state !== "closed"; n++) {
        await breaker.execute(() => Promise.resolve(1)).catch(() => undefined);
        await scene.clock.advance(100);
      }
      expect(breaker.state).toBe("closed");
    };
    await settle(read);
    expect((await recovery.snapshot()).open).toHaveLength(1);
    await settle(write);
    expect((await recovery.snapshot()).open).toEqual([]);
    expect((await recovery.snapshot()).closed[0]?.record.at(-1)?.because).toBe("the breaker orders/write has closed");
  });
});

describe("watchAggregator", () => {
  it("reports an operation with too many errors, until there are few again", async () => {
    const recovery = scene.recovery({ strategies: [] });
    const errors = createErrorAggregator({
      windowMs: 10_000,
      frames: false,
      threshold: { raiseAt: 3 },
      kindThresholds: { system: { raiseAt: 1_000 } },
      clock: scene.clock,
      onThreshold: watchAggregator(recovery, { priority: "critical" }),
    });
    for (let n = 0; n < 2; n++) errors.record(new Error("deadlock detected"), { operation: "charge" });
    expect(scene.entries).toEqual([]);
    errors.record(new Error("deadlock detected"), { operation: "charge" });
    for (let n = 0; n < 3; n++) errors.record(new RangeError("no rows"), { operation: "charge" });
    const [task] = (await recovery.snapshot()).open;
    expect(task).toMatchObject({ type: "tooManyErrors", target: "charge", priority: "critical", reports: 2 });
    expect(task?.evidence).toMatchObject({ count: 3, message: "no rows" });
    await scene.clock.advance(20_000);
    errors.check();
    await scene.clock.advance(0);
    expect((await recovery.snapshot()).open).toEqual([]);
  });
});

describe("watchHealth", () => {
  it("reports components while they are unhealthy", async () => {
    const recovery = scene.recovery({ strategies: [] });
    const onHealth = watchHealth(recovery);
    const found = (states: Readonly<Record<string, HealthState | "unknown">>): void =>
      onHealth({
        components: Object.entries(states).map(([name, state]) => ({
          name,
          state,
          isCritical: name === "database",
          details: "12 of 100 connections",
          checkedAt: null,
        })),
      });
    found({ database: "unhealthy", cache: "degraded", mail: "unhealthy" });
    const { open } = await recovery.snapshot();
    expect(open.map(({ target, priority }) => `${target} ${priority}`)).toEqual(["database critical", "mail high"]);
    found({ database: "unknown", cache: "healthy", mail: "healthy" });
    expect((await recovery.snapshot()).open.map(({ target }) => target)).toEqual(["database"]);
    found({ cache: "healthy" });
    expect((await recovery.snapshot()).open).toEqual([]);
  });
});
