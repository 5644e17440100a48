import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { degradation } from "../../resilience/index.ts";
import { createTelemetry, type DegradationFact } from "../../telemetry/index.ts";
import { VirtualClock } from "../../testing/index.ts";
import { createDegradationManager, type DegradationManager } from "./degradation-manager.ts";
import { degradationThresholds, type DegradationManagerOptions } from "./manager-options.ts";

let clock: VirtualClock;
let events: DegradationFact[];
const managers: DegradationManager[] = [];
beforeEach(() => {
  clock = new VirtualClock();
  events = [];
});
afterEach(async () => {
  for (const manager of managers.splice(0)) await manager.close();
  expect(clock.pending).toBe(0);
});

function managerOf(
  services: DegradationManagerOptions["services"],
  options: Partial<DegradationManagerOptions> = {},
): DegradationManager {
  const manager = createDegradationManager({ services, clock, onEvent: (event) => events.push(event), ...options });
  managers.push(manager);
  return manager;
}

function calls(manager: DegradationManager, service: string, count: number, failures: number): void {
  for (let n = 0; n < count; n++) manager.service(service).record(n < failures);
}

const modes = (manager: DegradationManager): Record<string, string> =>
  Object.fromEntries(Object.entries(manager.snapshot().services).map(([name, { mode }]) => [name, mode]));

describe("by error rate", () => {
  it("a service is judged every 30 s: partial above 0.1, normal again below 0.05", async () => {
    const manager = managerOf({ a: {} });
    calls(manager, "a", 100, 11);
    await clock.advance(29_999);
    expect(manager.service("a").mode).toBe("normal");
    await clock.advance(1);
    expect(manager.service("a").mode).toBe("partial");
    expect(manager.snapshot().services["a"]).toMatchObject({ because: "its error rate is 0.110", calls: 0 });
    calls(manager, "a", 100, 7);
    await clock.advance(30_000);
    expect(manager.service("a").mode).toBe("partial");
    await clock.advance(60_000);
    calls(manager, "a", 100, 4);
    await clock.advance(30_000);
    expect(manager.service("a").mode).toBe("normal");
    expect(events.filter(({ type }) => type === "serviceModeChanged")).toMatchObject([
      { from: "normal", to: "partial", errorRate: 0.11 },
      { from: "partial", to: "normal", errorRate: 0.04 },
    ]);
  });

  it("a service is in full mode above 0.5, and leaves it step by step", async () => {
    const manager = managerOf({ a: {} });
    calls(manager, "a", 20, 12);
    await clock.advance(30_000);
    expect(manager.service("a").mode).toBe("full");
    const seen: string[] = [];
    for (let n = 0; n < 4; n++) {
      calls(manager, "a", 20, 0);
      await clock.advance(30_000);
      seen.push(manager.service("a").mode);
    }
    expect(seen).toEqual(["partial", "normal", "normal", "normal"]);
  });

  it("few calls say nothing, and neither do those of before the last change", async () => {
    const manager = managerOf({ a: {} });
    calls(manager, "a", 9, 9);
    await clock.advance(30_000);
    expect(manager.service("a").mode).toBe("normal");
    calls(manager, "a", 100, 30);
    manager.check();
    expect(manager.service("a").mode).toBe("partial");
    calls(manager, "a", 9, 0);
    await clock.advance(120_000);
    expect(manager.service("a").mode).toBe("partial");
  });

  it("has a preset for caches", async () => {
    const manager = managerOf({ c: { thresholds: degradationThresholds.cache } });
    calls(manager, "c", 100, 6);
    await clock.advance(10_000);
    expect(manager.service("c").mode).toBe("partial");
    await clock.advance(20_000);
    calls(manager, "c", 1_000, 19);
    await clock.advance(10_000);
    expect(manager.service("c").mode).toBe("normal");
  });

  it("a service in full mode is measured by one call in a while", async () => {
    const manager = managerOf({ a: {} });
    expect(manager.service("a").admits()).toBe(true);
    manager.service("a").markDown("gone");
    const admitted: number[] = [];
    for (let at = 0; at < 12_000; at += 500) {
      if (manager.service("a").admits()) admitted.push(at);
      await clock.advance(500);
    }
    expect(admitted).toEqual([0, 5_000, 10_000]);
    manager.override("full", "a");
    await clock.advance(10_000);
    expect(manager.service("a").admits()).toBe(false);
  });
});

describe("by what a service depends on", () => {
  const shop = {
    page: { dependsOn: ["orders", { service: "reviews", optional: true }] },
    orders: { dependsOn: ["database"] },
    reviews: {},
    database: {},
  } as const;

  it("it is degraded at once, without errors of its own, and so is what depends on it", () => {
    const manager = managerOf(shop);
    manager.service("database").markDown("no connection");
    expect(modes(manager)).toEqual({ database: "full", orders: "full", page: "full", reviews: "normal" });
    const { services } = manager.snapshot();
    expect(services["database"]?.because).toBe("it is down: no connection");
    expect(services["page"]?.because).toBe("orders, which it needs, is in full mode");
    expect(events.map((event) => (event.type === "serviceModeChanged" ? event.service : event.type))).toEqual([
      "database",
      "orders",
      "page",
      "overallModeChanged",
    ]);
  });

  it("does less without what is optional, and the same with less of it", async () => {
    const manager = managerOf(shop);
    manager.service("reviews").markDown("gone");
    expect(modes(manager)).toEqual({ database: "normal", orders: "normal", page: "partial", reviews: "full" });
    manager.service("reviews").markUp();
    await clock.advance(30_000);
    expect(modes(manager)).toMatchObject({ page: "normal", reviews: "partial" });
    await clock.advance(30_000);
    expect(modes(manager)).toMatchObject({ page: "normal", reviews: "normal" });
  });

  it("gets well with it, not before its hold is over, one step at a time", async () => {
    const manager = managerOf(shop);
    manager.service("database").markDown("no connection");
    await clock.advance(1_000);
    manager.service("database").markUp();
    await clock.advance(28_999);
    expect(modes(manager)).toMatchObject({ database: "full", orders: "full" });
    await clock.advance(1);
    expect(modes(manager)).toMatchObject({ database: "partial", orders: "partial", page: "partial" });
    await clock.advance(30_000);
    expect(modes(manager)).toMatchObject({ database: "normal", orders: "normal", page: "normal" });
  });

  it.each([
    [
      { a: { dependsOn: ["b"] }, b: { dependsOn: [{ service: "c" }] }, c: { dependsOn: ["a"] } },
      "degradationManager.services must have no cycle: a -> b -> c -> a",
    ],
    [{ a: { dependsOn: ["x"] } }, "degradationManager.services.a.dependsOn[0] must be one of the services"],
    [
      { a: { features: [{ name: "f", priority: 1 }] }, b: { features: [{ name: "f", priority: 1 }] } },
      "degradationManager.services.b.features[0].name must be a name of its own",
    ],
    [
      { a: { thresholds: { leave: 0.1 } } },
      "degradationManager.services.a.thresholds.leave must be below enter, 0.1 (got 0.1)",
    ],
  ])("refuses %j", (services, message) => {
    expect(() => createDegradationManager({ services })).toThrow(message);
  });
});

describe("overall", () => {
  it("is partial while more than 0.1 of the services are degraded, and full when all are", async () => {
    const names = Array.from({ length: 20 }, (_, n) => `s${n}`);
    const manager = managerOf(Object.fromEntries(names.map((name) => [name, {}])));
    const seen: string[] = [];
    for (const name of names) {
      manager.service(name).markDown("gone");
      seen.push(manager.mode);
    }
    expect(seen).toEqual([...Array(2).fill("normal"), ...Array(17).fill("partial"), "full"]);
    for (const name of names.slice(1)) manager.service(name).markUp();
    await clock.advance(60_000);
    // One of twenty is not below 0.05.
    expect(manager.mode).toBe("partial");
    manager.service("s0").markUp();
    await clock.advance(120_000);
    expect(manager.mode).toBe("normal");
    expect(manager.snapshot()).toMatchObject({
      modeChanges: 4,
      durationsMs: { full: 60_000, partial: 30_000, normal: 90_000 },
    });
  });

  it("can be set by hand until that is lifted, whatever is measured", async () => {
    const manager = managerOf({ a: {}, b: {} });
    manager.override("normal", "a");
    manager.service("a").markDown("gone");
    calls(manager, "a", 100, 100);
    await clock.advance(300_000);
    expect(modes(manager)).toEqual({ a: "normal", b: "normal" });
    manager.override("full");
    expect([manager.mode, manager.service("b").mode, manager.service("a").mode]).toEqual(["full", "full", "normal"]);
    await clock.advance(300_000);
    expect(manager.mode).toBe("full");
    manager.lift("a");
    expect(manager.service("a").mode).toBe("full");
    manager.lift();
    expect(modes(manager)).toEqual({ a: "full", b: "normal" });
    expect(manager.mode).toBe("partial");
    expect(manager.snapshot().services["a"]).toMatchObject({ isDown: true, isForced: false });
  });
});

describe("features", () => {
  const features = [
    { name: "search", priority: 7 },
    { name: "reviews", priority: 3 },
    { name: "recommendations", priority: 1 },
    { name: "checkout", priority: 9 },
    { name: "wishlist", priority: 3 },
  ];
  const off = (manager: DegradationManager): string[] =>
    features.filter(({ name }) => !manager.allows(name)).map(({ name }) => name);

  it("go level by level while it presses, and come back in reverse", async () => {
    const manager = managerOf({ a: { features } });
    calls(manager, "a", 100, 20);
    await clock.advance(30_000);
    expect(off(manager)).toEqual(["recommendations"]);
    calls(manager, "a", 100, 20);
    await clock.advance(30_000);
    expect(off(manager)).toEqual(["reviews", "recommendations", "wishlist"]);
    calls(manager, "a", 100, 20);
    await clock.advance(30_000);
    // Above partialPriority nothing goes in partial mode.
    expect(off(manager)).toEqual(["reviews", "recommendations", "wishlist"]);
    await clock.advance(60_000);
    calls(manager, "a", 100, 0);
    await clock.advance(30_000);
    expect(manager.service("a").mode).toBe("normal");
    expect(off(manager)).toEqual(["recommendations"]);
    await clock.advance(29_999);
    expect(off(manager)).toEqual(["recommendations"]);
    await clock.advance(1);
    expect(off(manager)).toEqual([]);
    const told = events.flatMap((event) =>
      event.type === "featureShed" || event.type === "featureRestored" ? [`${event.type} ${event.feature}`] : [],
    );
    expect(told).toEqual([
      "featureShed recommendations",
      "featureShed reviews",
      "featureShed wishlist",
      "featureRestored wishlist",
      "featureRestored reviews",
      "featureRestored recommendations",
    ]);
  });

  it("go all at once in full mode, except what matters most, and overall by the overall mode", () => {
    const manager = managerOf({ a: { features }, b: {} }, { features: [{ name: "animations", priority: 0 }] });
    manager.service("a").markDown("gone");
    expect(off(manager)).toEqual(["search", "reviews", "recommendations", "wishlist"]);
    expect(manager.mode).toBe("partial");
    expect(manager.allows("animations")).toBe(false);
    expect(() => manager.allows("magic")).toThrow("degradationManager.feature must be one of the features declared");
    manager.override("normal");
    expect(off(manager)).toEqual([]);
    expect(manager.allows("animations")).toBe(true);
  });
});

describe("what is to be seen", () => {
  it("is in health and telemetry", () => {
    const telemetry = createTelemetry({ clock, nodeId: "n1" });
    const told: string[] = [];
    telemetry.subscribe(({ type, nodeId }) => told.push(`${nodeId} ${type}`));
    const manager = managerOf(
      { a: {}, b: { dependsOn: [{ service: "a", optional: true }], features: [{ name: "f", priority: 1 }] }, c: {} },
      {
        telemetry,
        onEvent: () => {
          throw new Error("a broken listener");
        },
      },
    );
    manager.service("a").markDown("gone");
    expect(manager.health()).toEqual([
      { name: "a", state: "unhealthy", details: "it is down: gone" },
      { name: "b", state: "degraded", details: "a, which it uses, is in full mode" },
      { name: "c", state: "healthy", details: "nothing is the matter" },
    ]);
    expect(told).toEqual(["n1 serviceModeChanged", "n1 serviceModeChanged", "n1 featureShed", "n1 overallModeChanged"]);
  });

  it("can have a say in a group of services with a degraded way", async () => {
    const manager = managerOf({ database: {}, popular: { dependsOn: ["database"] } });
    const group = degradation({ clock });
    const items = group.service("popular", {
      full: () => "for you",
      degraded: () => "for everybody",
      shouldDegrade: () => manager.service("popular").mode !== "normal",
    });
    expect(await items.run(undefined)).toBe("for you");
    manager.service("database").markDown("gone");
    await group.check();
    await items.run(undefined);
    expect(await items.run(undefined)).toBe("for everybody");
    await group.close();
  });
});
