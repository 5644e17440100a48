import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { bulkhead, circuitBreaker, fallback, pipeline, retry, timeout } from "../resilience/index.ts";
import { VirtualClock } from "../testing/index.ts";
import { eventRooms, eventTypes, type TelemetryEvent } from "./event.ts";
import { telemetryListener } from "./listener.ts";
import { createTelemetry } from "./telemetry.ts";

function watched() {
  const clock = new VirtualClock();
  const telemetry = createTelemetry({ clock, nodeId: "n1" });
  const told: TelemetryEvent[] = [];
  return { clock, telemetry, told, onEvent: telemetryListener(telemetry) };
}

describe("telemetryListener", () => {
  it("publishes what policies tell, with plain errors and null for what has no number", async () => {
    const { clock, telemetry, told, onEvent } = watched();
    telemetry.subscribe((event) => told.push(event));
    const common = { name: "stock", onEvent, clock };
    const breaker = circuitBreaker({ ...common, window: { kind: "consecutive", failures: 2 } });
    const policy = pipeline(fallback("none", common), retry({ ...common, maxAttempts: 2, jitter: "none" }), breaker);
    const call = policy.execute(() => Promise.reject(Object.assign(new TypeError("no way"), { code: "ENOWAY" })));
    await clock.advance(1_000);
    expect(await call).toBe("none");
    breaker.forceOpen();

    const error = { name: "TypeError", code: "ENOWAY", message: "no way" };
    const stamp = { nodeId: "n1", policy: "stock" };
    expect(told).toMatchObject([
      { ...stamp, type: "retry", attempt: 1, delayMs: 100, error },
      { ...stamp, type: "breakerOpened", from: "closed", to: "open", reason: "failures" },
      { ...stamp, type: "retriesExhausted", attempts: 2, reason: "attempts", error, retryingMs: 100 },
      { ...stamp, type: "fallbackUsed", error: { code: "RETRIES_EXHAUSTED" }, target: 0 },
      { ...stamp, type: "breakerForcedOpen", openMs: null },
    ]);
    expect(JSON.parse(JSON.stringify(told))).toEqual(told);
  });

  it("keeps policies from making an event that nobody listens to", async () => {
    const { clock, telemetry, told, onEvent } = watched();
    let asked = 0;
    const counting = { ...clockOf(clock), wallTime: () => (asked++, clock.wallTime()) };
    const breaker = circuitBreaker({ name: "b", onEvent, clock: counting });
    breaker.forceOpen();
    await expect(breaker.execute(() => 1)).rejects.toMatchObject({ code: "CIRCUIT_OPEN" });
    expect(asked).toBe(0);
    const stop = telemetry.subscribe((event) => told.push(event), { types: ["breakerRejected"] });
    await expect(breaker.execute(() => 1)).rejects.toMatchObject({ code: "CIRCUIT_OPEN" });
    expect(asked).toBe(1);
    stop();
    await expect(breaker.execute(() => 1)).rejects.toMatchObject({ code: "CIRCUIT_OPEN" });
    expect([asked, told.length]).toEqual([1, 1]);
  });

  it("publishes nothing that is no event of the union", () => {
    const { telemetry, told, onEvent } = watched();
    telemetry.subscribe((event) => told.push(event));
    onEvent({ type: "toString" });
    onEvent({ type: "somethingElse" });
    expect([told, onEvent.wants("constructor"), onEvent.wants("retry")]).toEqual([[], false, true]);
  });

  it("tells of a plan what was recorded, as it is", () => {
    const { telemetry, told, onEvent } = watched();
    telemetry.subscribe((event) => told.push(event));
    const error = { kind: "service", message: "gone" };
    onEvent({ type: "stepFailed", at: 5, execution: "e", plan: "p", step: "s", attempt: 1, error } as never);
    expect(told).toMatchObject([{ type: "stepFailed", execution: "e", step: "s", error }]);
    expect(told[0]?.at).not.toBe(5);
  });

  it("survives an error whose properties throw, and one that is no error", () => {
    const { telemetry, told, onEvent } = watched();
    telemetry.subscribe((event) => told.push(event));
    const hostile = {
      get message(): string {
        throw new Error("never");
      },
    };
    onEvent({ type: "retry", policy: "p", attempt: 1, delayMs: 0, error: hostile } as never);
    onEvent({ type: "retry", policy: "p", attempt: 1, delayMs: 0, error: "text" } as never);
    onEvent({ type: "retry", policy: "p", attempt: 1, delayMs: 0, error: undefined } as never);
    expect(told.map((event) => ("error" in event ? event.error : undefined))).toEqual([
      { name: "thrown", code: null, message: "" },
      { name: "thrown", code: null, message: "text" },
      null,
    ]);
  });
});

/** The methods of a clock, for one that differs in one of them. */
function clockOf(clock: VirtualClock) {
  return {
    now: () => clock.now(),
    setTimer: clock.setTimer.bind(clock),
    sleep: clock.sleep.bind(clock),
    defer: clock.defer.bind(clock),
  };
}

describe("the events of policies, redundancy and plans", () => {
  const root = join(import.meta.dirname, "..");

  /** Every `type` that an event of these files may have. */
  function typesOf(...paths: readonly string[]): string[] {
    const texts = paths.map((path) => readFileSync(join(root, path), "utf8"));
    return texts.flatMap((text) =>
      [...text.matchAll(/^ +(?:\| .*)?readonly type:((?:\s*\|?\s*"\w+")+)/gm)].flatMap(([, names = ""]) =>
        [...names.matchAll(/"(\w+)"/g)].map(([, name]) => name ?? ""),
      ),
    );
  }

  it("are all in the union", () => {
    const policies = ["breaker-event", "bulkhead", "cache", "concurrency-limiter", "degrade", "error-handler"];
    const more = ["fallback", "hedge", "negative-cache", "rate-limiter", "retry-options", "throttle"];
    const files = [...policies, ...more, "tiered-timeout", "timeout"].map((name) => `resilience/${name}.ts`);
    const found = typesOf(...files).filter((type) => eventRooms[type as never] !== "resilience");
    expect(found).toEqual([]);
    expect(typesOf(...files)).toEqual(expect.arrayContaining(["breakerRejected", "timedOut", "cacheHit", "hedgeWon"]));
    const recovery = typesOf("recovery/redundancy-event.ts", "recovery/plans/plan-event.ts");
    expect(recovery.length).toBeGreaterThan(15);
    expect(recovery.filter((type) => !eventTypes.includes(type as never))).toEqual([]);
  });

  it("have the fields that the union promises", async () => {
    const { clock, telemetry, told, onEvent } = watched();
    telemetry.subscribe((event) => told.push(event));
    const full = bulkhead({ maxConcurrent: 1, maxQueue: 0, onEvent, clock, name: "b" });
    const held = full.tryAcquire();
    await expect(full.execute(() => 1)).rejects.toMatchObject({ code: "BULKHEAD_FULL" });
    held?.release();
    const slow = timeout({ timeoutMs: 10, onEvent, clock, name: "t" }).execute(() => clock.sleep(100));
    const settled = expect(slow).rejects.toMatchObject({ code: "OPERATION_TIMED_OUT" });
    await clock.advance(200);
    await settled;
    const stamp = { at: expect.any(Number) as number, nodeId: "n1", seq: expect.any(Number) as number };
    const facts = [
      { type: "bulkheadRejected", policy: "b", active: 1, waiting: 0 },
      { type: "timedOut", policy: "t", timeoutMs: 10, attempt: 1, mode: "abandoning" },
      { type: "lateOutcome", policy: "t", outcome: "fulfilled", durationMs: 100, attempt: 1 },
    ];
    expect(told).toEqual(facts.map((fact) => ({ ...stamp, ...fact })));
  });
});
