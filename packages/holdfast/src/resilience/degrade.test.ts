import { describe, expect, it } from "vitest";
import { VirtualClock } from "../testing/index.ts";
import { degradation, type DegradationEvent, type DegradationOptions } from "./degrade.ts";
import { explain } from "./explain.ts";
import { FallbackFailedError } from "./fallback.ts";
import { pipeline } from "./pipeline.ts";
import { retry } from "./retry.ts";

const boom = new Error("boom");

/** A group of services, each of which works or not, and says by which way it answered. */
function setup(names: readonly string[], options: DegradationOptions = {}) {
  const clock = new VirtualClock();
  const events: DegradationEvent[] = [];
  const group = degradation({ ...options, clock, onEvent: (event) => events.push(event) });
  const broken = new Set<string>();
  const fullCalls = new Map<string, number>();
  const services = new Map(
    names.map((name) => [
      name,
      group.service(name, {
        full: () => {
          fullCalls.set(name, (fullCalls.get(name) ?? 0) + 1);
          return broken.has(name) ? Promise.reject(boom) : "full";
        },
        degraded: () => "degraded",
      }),
    ]),
  );
  const run = async (name: string, count = 1): Promise<unknown> => {
    let last: unknown;
    for (let turn = 0; turn < count; turn++) last = await services.get(name)?.run(undefined);
    return last;
  };
  return { clock, events, group, broken, run, fullCalls };
}

const twenty = Array.from({ length: 20 }, (_, at) => `service ${at}`);

describe("degradation", () => {
  it("answers by the degraded way when the full one fails, in every mode", async () => {
    const { run, broken, group } = setup(["a"]);
    expect(await run("a")).toBe("full");
    broken.add("a");
    expect(await run("a")).toBe("degraded");
    expect(group.mode).toBe("normal");
    expect(group.metrics.services["a"]).toMatchObject({ fullCalls: 2, fullFailures: 1, degradedCalls: 1 });
  });

  it("averages errors with a tenth for the newest", async () => {
    const { run, broken, group } = setup(["a"]);
    broken.add("a");
    await run("a", 2);
    broken.clear();
    await run("a");
    expect(group.metrics.services["a"]?.errorRate).toBeCloseTo((0.1 * 0.9 + 0.1) * 0.9);
  });

  it("enters partial mode above one threshold and leaves it below the other", async () => {
    const { run, broken, group, clock, events } = setup(twenty, { probeIntervalMs: 0 });
    const [first, second, third] = twenty as [string, string, string];
    for (const name of [first, second]) {
      broken.add(name);
      await run(name, 10);
    }
    await clock.advance(30_000);
    expect(group.mode).toBe("normal");
    broken.add(third);
    await run(third, 10);
    await clock.advance(30_000);
    expect(group.mode).toBe("partial");
    // One of twenty is the lower threshold exactly: neither above the one nor below the other.
    broken.clear();
    for (const name of [first, second]) await run(name, 20);
    await clock.advance(30_000);
    expect(group.mode).toBe("partial");
    await run(third, 20);
    await clock.advance(30_000);
    expect(group.mode).toBe("normal");
    expect(events.filter(({ type }) => type === "degradationModeChanged")).toMatchObject([
      { from: "normal", to: "partial", manual: false },
      { from: "partial", to: "normal", manual: false },
    ]);
    await group.close();
    expect(clock.pending).toBe(0);
  });

  it("runs only degraded services degraded in partial mode, and measures them by single calls", async () => {
    const { run, broken, group, clock, fullCalls } = setup(["a", "b"]);
    broken.add("a");
    await run("a", 10);
    expect(await group.check()).toBe("partial");
    expect(await run("b")).toBe("full");
    fullCalls.clear();
    await run("a", 100);
    expect(fullCalls.get("a")).toBe(1);
    await clock.advance(5_000);
    await run("a", 100);
    expect(fullCalls.get("a")).toBe(2);
  });

  it("takes success of the degraded way for no recovery", async () => {
    const { run, broken, group, clock } = setup(["a", "b"]);
    broken.add("a");
    await run("a", 10);
    await group.check();
    for (let check = 0; check < 10; check++) {
      await run("a", 100);
      await clock.advance(30_000);
    }
    expect(group.mode).toBe("partial");
    broken.clear();
    for (let probe = 0; probe < 20; probe++) {
      await run("a");
      await clock.advance(5_000);
    }
    expect(group.mode).toBe("normal");
    expect(await run("a")).toBe("full");
  });

  it("runs a degraded service the full way while the mode is normal", async () => {
    const { run, broken, group, fullCalls } = setup(twenty);
    broken.add("service 0");
    await run("service 0", 10);
    expect(await group.check()).toBe("normal");
    expect(group.metrics.services["service 0"]?.degraded).toBe(true);
    await run("service 0", 5);
    expect(fullCalls.get("service 0")).toBe(15);
  });

  it("tells once which service is degraded, and once that it recovered", async () => {
    const { run, broken, group, clock, events } = setup(twenty, { name: "shop" });
    expect(await group.check()).toBe("normal");
    broken.add("service 0");
    await run("service 0", 10);
    for (let check = 0; check < 3; check++) await group.check();
    broken.clear();
    await run("service 0", 20);
    for (let check = 0; check < 3; check++) await group.check();
    const rate = 1 - 0.9 ** 10;
    const common = { at: clock.wallTime(), policy: "shop", service: "service 0" };
    expect(events).toEqual([
      { type: "serviceDegraded", ...common, errorRate: expect.closeTo(rate) },
      { type: "serviceRecovered", ...common, errorRate: expect.closeTo(rate * 0.9 ** 20) },
    ]);
  });

  it("leaves full mode through partial mode, also when all services recover at once", async () => {
    const { run, broken, group } = setup(["a"], { probeIntervalMs: 0 });
    broken.add("a");
    await run("a", 10);
    await group.check();
    expect(await group.check()).toBe("full");
    broken.clear();
    await run("a", 20);
    expect([await group.check(), await group.check()]).toEqual(["partial", "normal"]);
  });

  it("goes to full mode step by step when every service is degraded, and back when any is healthy", async () => {
    const { run, broken, group } = setup(["a", "b"], { probeIntervalMs: 0 });
    for (const name of ["a", "b"]) {
      broken.add(name);
      await run(name, 10);
    }
    expect([await group.check(), await group.check()]).toEqual(["partial", "full"]);
    broken.delete("a");
    await run("a", 20);
    expect(await group.check()).toBe("partial");
    expect(await run("a")).toBe("full");
  });

  it("keeps an override until it is lifted, while measuring goes on", async () => {
    const { run, broken, group, clock, fullCalls, events } = setup(["a"]);
    group.override("full");
    expect(await run("a")).toBe("degraded");
    await clock.advance(300_000);
    expect(await run("a", 50)).toBe("degraded");
    expect([group.mode, fullCalls.size, group.metrics.overridden]).toEqual(["full", 0, true]);
    group.override("normal");
    broken.add("a");
    await run("a", 10);
    await clock.advance(60_000);
    expect(group.metrics).toMatchObject({ mode: "normal", measured: "full" });
    group.lift();
    expect([group.mode, group.metrics.overridden]).toEqual(["full", false]);
    expect(events.filter(({ type }) => type === "degradationModeChanged")).toMatchObject([
      { to: "full", policy: "", manual: true },
      { to: "normal", manual: true },
      { to: "full", manual: true },
    ]);
    const { durationsMs } = group.metrics;
    expect(durationsMs).toEqual({ normal: 60_000, partial: 0, full: 300_000 });
  });

  it("sheds features by priority", () => {
    const { group } = setup([], { features: { reviews: 2, search: 5, checkout: 9 } });
    const on = (): string[] => ["reviews", "search", "checkout"].filter((feature) => group.isEnabled(feature));
    expect(on()).toHaveLength(3);
    group.override("partial");
    expect(on()).toEqual(["search", "checkout"]);
    group.override("full");
    expect(on()).toEqual(["checkout"]);
    group.update({ fullPriority: 10, partialPriority: 6 });
    expect(on()).toEqual([]);
    group.override("partial");
    expect(on()).toEqual(["checkout"]);
    expect(() => group.isEnabled("other")).toThrow("degradation.feature must be one of the features declared");
  });

  it("hears each service's own say; one that throws or says nothing in time changes nothing", async () => {
    const clock = new VirtualClock();
    const group = degradation({ clock });
    let say: () => boolean | Promise<boolean> = () => true;
    const ways = { full: () => "full", degraded: () => "degraded" };
    group.service("a", { ...ways, shouldDegrade: () => say() });
    expect(await group.check()).toBe("partial");
    say = () => {
      throw boom;
    };
    expect(await group.check()).toBe("full");
    say = () => new Promise(() => undefined);
    const checked = group.check();
    await clock.advance(30_000);
    expect(await checked).toBe("full");
    say = () => Promise.resolve(false);
    await clock.advance(60_000);
    expect(group.mode).toBe("normal");
  });

  it("tells both failures, and neither counts nor answers a call that was given up", async () => {
    const group = degradation({ clock: new VirtualClock() });
    const second = new Error("second");
    const service = group.service("a", { full: () => Promise.reject(boom), degraded: () => Promise.reject(second) });
    const error = await service.run(undefined).catch((failure: unknown) => failure);
    expect(error).toBeInstanceOf(FallbackFailedError);
    expect(error).toMatchObject({ errors: [boom, second] });
    expect(group.metrics.services["a"]).toMatchObject({ degradedCalls: 1, degradedFailures: 1 });
    const waiting = group.service("b", {
      full: (_input: string, { signal }) =>
        new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
      degraded: () => "never",
    });
    const controller = new AbortController();
    const result = waiting.run("x", { signal: controller.signal });
    controller.abort(boom);
    await expect(result).rejects.toBe(boom);
    expect(group.metrics.services["b"]).toMatchObject({ fullCalls: 0, degradedCalls: 0 });
    await group.close();
  });

  it("takes part in a pipeline as a policy that explains itself", async () => {
    const clock = new VirtualClock();
    const group = degradation({ clock });
    const full = (): string => "never asked";
    const items = group.service("items", { full, degraded: (user: string) => `what ${user} may like` });
    const policy = pipeline(items.policy("ann"), retry({ clock, maxAttempts: 2 }));
    expect(await policy.execute(() => "chosen")).toBe("chosen");
    const failed = policy.execute(() => Promise.reject(boom));
    await clock.advance(1_000);
    expect(await failed).toBe("what ann may like");
    expect(group.metrics.services["items"]).toMatchObject({ fullCalls: 2, fullFailures: 1, degradedCalls: 1 });
    const title = 'degradableService "items"';
    expect(String(explain(policy))).toContain(`${title} (way: full, degradeAbove: 0.5, recoverBelow: 0.2)\n└─ retry`);
    group.override("full");
    expect(String(explain(items.policy("ann")))).toContain(`${title} (way: degraded, `);
    await group.close();
  });

  it("takes other options while calls and a check are under way", async () => {
    const clock = new VirtualClock();
    const group = degradation({ clock, features: { reviews: 2 }, checkIntervalMs: 30_000 });
    const answers = Promise.withResolvers<string>();
    const say = Promise.withResolvers<boolean>();
    const service = group.service("a", {
      full: () => answers.promise,
      degraded: () => "degraded",
      shouldDegrade: () => say.promise,
    });
    const running = service.run(undefined);
    await clock.advance(30_000);
    group.update({ checkIntervalMs: 1_000, features: { search: 5 } });
    expect(group.isEnabled("search")).toBe(true);
    expect(() => group.isEnabled("reviews")).toThrow("degradation.feature must be one of the features declared");
    say.resolve(true);
    await clock.advance(0);
    expect(group.mode).toBe("partial");
    // The check that ends now must not have set a second timer.
    expect(clock.pending).toBe(1);
    await clock.advance(999);
    expect(group.metrics.modeChanges).toBe(1);
    await clock.advance(1);
    expect(group.mode).toBe("full");
    expect(group.isEnabled("search")).toBe(false);
    group.update({ fullPriority: 5 });
    expect(group.isEnabled("search")).toBe(true);
    answers.resolve("full");
    expect(await running).toBe("full");
    expect(await group.close()).toBeUndefined();
    group.update({ checkIntervalMs: 5 });
    expect(clock.pending).toBe(0);
  });

  it("starts the interval anew when it is changed, and only then", async () => {
    const clock = new VirtualClock();
    const group = degradation({ clock, checkIntervalMs: 1_000 });
    let checks = 0;
    const shouldDegrade = (): boolean => ++checks < 0;
    group.service("a", { full: () => 1, degraded: () => 0, shouldDegrade });
    await clock.advance(900);
    group.update({ checkIntervalMs: 1_000, probeIntervalMs: 7 });
    await clock.advance(100);
    expect(checks).toBe(1);
    group.update({ checkIntervalMs: 200 });
    expect(clock.pending).toBe(1);
    await clock.advance(199);
    expect(checks).toBe(1);
    await clock.advance(1);
    expect(checks).toBe(2);
    await group.close();
  });

  it("measures as often as an update says", async () => {
    const { run, broken, group, clock, fullCalls } = setup(["a", "b"]);
    broken.add("a");
    await run("a", 10);
    await group.check();
    fullCalls.clear();
    await run("a", 5);
    group.update({ probeIntervalMs: 100 });
    await clock.advance(100);
    await run("a", 5);
    expect(fullCalls.get("a")).toBe(2);
    await group.close();
  });

  it("judges by the thresholds of an update, checked with those that stay, and changes nothing by one it refuses", async () => {
    const { run, broken, group } = setup(["a", "b", "c"]);
    expect(() => group.update({ enterThreshold: 0.04, checkIntervalMs: 1 })).toThrow(
      "degradation.leaveThreshold must be below enterThreshold, 0.04 (got 0.05)",
    );
    expect(() => group.update({ name: "x" } as never)).toThrow("degradation.name is no option");
    group.update({ enterThreshold: 0.4 });
    broken.add("a");
    await run("a", 10);
    expect(await group.check()).toBe("normal");
    group.update({ enterThreshold: 0.3 });
    expect(await group.check()).toBe("partial");
    await group.close();
  });

  it.each<readonly [DegradationOptions, string]>([
    [{ leaveThreshold: 0.1 }, "degradation.leaveThreshold must be below enterThreshold, 0.1 (got 0.1)"],
    [{ checkIntervalMs: 0 }, "degradation.checkIntervalMs must be an integer >= 1 (got 0)"],
    [{ fullPriority: 1 }, "degradation.fullPriority must be a number >= 5 (got 1)"],
    [{ features: { a: "x" as never } }, 'degradation.features.a must be a number >= -Infinity (got "x")'],
    [{ mode: "full" } as never, "degradation.mode is no option"],
    [{ enterThreshold: 1.1 }, "degradation.enterThreshold must be a number >= 0 and <= 1 (got 1.1)"],
    [{ leaveThreshold: -1 }, "degradation.leaveThreshold must be a number >= 0 and <= 1 (got -1)"],
    [{ probeIntervalMs: -1 }, "degradation.probeIntervalMs must be a number >= 0 (got -1)"],
    [{ partialPriority: Number.NaN }, "degradation.partialPriority must be a number >= -Infinity (got NaN)"],
    [{ onEvent: 1 as never }, "degradation.onEvent must be a function (got 1)"],
  ])("refuses %j", (options, message) => {
    expect(() => degradation(options)).toThrow(message);
  });

  it("refuses to override with what is no mode", async () => {
    const { group } = setup([]);
    expect(() => group.override("off" as never)).toThrow(
      'degradation.override must be "normal" or "partial" or "full" (got "off")',
    );
    expect(group.mode).toBe("normal");
    await group.close();
  });
});
