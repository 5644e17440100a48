import { describe, expect, it } from "vitest";
import { VirtualClock } from "../testing/index.ts";
import { degradation } from "./degrade.ts";
import { pipeline } from "./pipeline.ts";
import { timeout } from "./timeout.ts";

const boom = new Error("boom");

describe("a service of a degradation", () => {
  it("degrades a service above its one threshold, and lets it recover below the other", async () => {
    const group = degradation({ clock: new VirtualClock() });
    const degraded = (): string => "degraded";
    let works = false;
    const full = (): Promise<string> => (works ? Promise.resolve("full") : Promise.reject(boom));
    // What two failures and a success come to, to the last bit.
    const recoverBelow = [1, 1, 0].reduce((rate, error) => rate + (error - rate) * 0.1, 0);
    const one = group.service("one", { full, degraded, degradeAbove: 0.1, recoverBelow: 0.1 });
    const two = group.service("two", { full, degraded, degradeAbove: recoverBelow, recoverBelow });
    expect([one.health.degraded, two.health.degraded]).toEqual([false, false]);
    for (const service of [one, two, two]) await service.run(undefined);
    await group.check();
    expect(one.health).toEqual({ errorRate: 0.1, freshCalls: 0, degraded: false });
    expect(two.health.degraded).toBe(true);
    group.override("normal");
    works = true;
    await two.run(undefined);
    await group.check();
    expect(two.health).toMatchObject({ errorRate: recoverBelow, degraded: true });
    await two.run(undefined);
    expect(two.health.freshCalls).toBe(1);
    await group.check();
    expect(two.health.degraded).toBe(false);
    await group.close();
  });

  it("asks the degraded way for nobody once a time limit further out has passed, but counts the failure", async () => {
    const clock = new VirtualClock();
    const group = degradation({ clock });
    let asked = 0;
    const items = group.service("items", { full: () => 1, degraded: () => ++asked });
    const policy = pipeline(timeout({ clock, timeoutMs: 1_000 }), items.policy(undefined));
    const hangs = policy.execute(
      ({ signal }) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
    );
    hangs.catch(() => undefined);
    await clock.advance(1_000);
    await expect(hangs).rejects.toMatchObject({ code: "OPERATION_TIMED_OUT" });
    expect(group.metrics.services["items"]).toMatchObject({ fullCalls: 1, fullFailures: 1, degradedCalls: 0 });
    expect(asked).toBe(0);
    await group.close();
  });

  it.each<readonly [object, string]>([
    [{ full: 1 }, "degradation.service.full must be a function (got 1)"],
    [{ degraded: undefined }, "degradation.service.degraded must be a function (got undefined)"],
    [{ shouldDegrade: 1 }, "degradation.service.shouldDegrade must be a function (got 1)"],
    [{ degradeAbove: 2 }, "degradation.service.degradeAbove must be a number >= 0 and <= 1 (got 2)"],
    [{ recoverBelow: 0.6 }, "degradation.service.recoverBelow must be a number >= 0 and <= 0.5 (got 0.6)"],
    [
      { half: 1 },
      "degradation.service.half is no option; there are full, degraded, shouldDegrade, degradeAbove, recoverBelow",
    ],
  ])("refuses the service %j", async (options, message) => {
    const group = degradation({ clock: new VirtualClock() });
    const good = { full: () => 1, degraded: () => 2 };
    expect(() => group.service("a", { ...good, ...options })).toThrow(message);
    group.service("a", good);
    expect(() => group.service("a", good)).toThrow('degradation.service must have a name of its own (got "a")');
    await group.close();
  });
});
