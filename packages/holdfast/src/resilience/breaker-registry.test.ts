import { describe, expect, it } from "vitest";
import { VirtualClock } from "../testing/index.ts";
import { breakerRegistry, type BreakerRegistry } from "./breaker-registry.ts";

const options = { window: { kind: "consecutive", failures: 1 }, openMs: 100 } as const;

function open(registry: BreakerRegistry, key: string): void {
  registry.get(key).tryAcquire()?.failure(new Error("broken"));
  expect(registry.get(key).state).toBe("open");
}

describe("breakerRegistry", () => {
  it("has a breaker for each key", async () => {
    const registry = breakerRegistry({ create: () => options });
    await expect(registry.execute("a", () => Promise.reject(new Error("broken")))).rejects.toThrow("broken");
    await expect(registry.execute("a", () => 1)).rejects.toThrow("circuit breaker a is open");
    expect(await registry.execute("b", () => 1)).toBe(1);
    expect([...registry.entries()].map(([key]) => key)).toEqual(["a", "b"]);
    expect(registry.delete("a")).toBe(true);
    expect(await registry.execute("a", () => 1)).toBe(1);
  });

  it("forgets closed breakers that are idle, and no open ones", async () => {
    const clock = new VirtualClock();
    const registry = breakerRegistry({ create: () => ({ ...options, openMs: 3_000_000 }), maxIdleMs: 1000, clock });
    open(registry, "open");
    registry.get("idle");
    await clock.advance(600);
    const used = registry.get("used");
    await clock.advance(600);
    registry.get("new");
    expect([...registry.entries()].map(([key]) => key)).toEqual(["open", "used", "new"]);
    expect(registry.get("used")).toBe(used);
  });

  it("never keeps more than its entries; makes room of the closed, then of what only waits for probes", async () => {
    const clock = new VirtualClock();
    const registry = breakerRegistry({ create: () => options, maxEntries: 3, maxIdleMs: 1000, clock });
    for (const key of ["a", "b", "c", "d"]) registry.get(key);
    expect([...registry.entries()].map(([key]) => key)).toEqual(["b", "c", "d"]);
    for (const key of ["b", "c", "d"]) open(registry, key);
    expect(registry.get("e")).not.toBe(registry.get("e"));
    expect(registry).toMatchObject({ size: 3, overflowed: 2 });
    await clock.advance(1000);
    expect(registry.get("f")).toBe(registry.get("f"));
    expect([...registry.entries()].map(([key]) => key)).toEqual(["c", "d", "f"]);
  });

  it("never forgets one that was set by hand", async () => {
    const clock = new VirtualClock();
    const registry = breakerRegistry({ create: () => options, maxEntries: 1, maxIdleMs: 10, clock });
    registry.get("a").forceOpen();
    await clock.advance(1e6);
    registry.get("b");
    expect(registry.get("a").state).toBe("forcedOpen");
  });

  it("forgets the one that nobody asked for the longest", () => {
    const registry = breakerRegistry({ create: () => options, maxEntries: 3 });
    for (const key of ["a", "b", "c", "a", "d"]) registry.get(key);
    expect([...registry.entries()].map(([key]) => key)).toEqual(["c", "a", "d"]);
  });

  it("forgets at most sixteen at a time, and not before they were idle for as long as that", async () => {
    const clock = new VirtualClock();
    const registry = breakerRegistry({ create: () => options, maxIdleMs: 1000, clock });
    for (let key = 0; key < 20; key++) registry.get(`idle ${key}`);
    await clock.advance(999);
    registry.get("x");
    expect(registry.size).toBe(21);
    await clock.advance(1);
    registry.get("y");
    expect(registry.size).toBe(21 - 16 + 1);
    registry.get("z");
    expect([...registry.entries()].map(([key]) => key)).toEqual(["x", "y", "z"]);
  });

  it.each([
    { closedAt: 15, kept: true },
    { closedAt: 16, kept: false },
  ])("looks for room among the sixteen longest unused: the closed one is number $closedAt", ({ closedAt, kept }) => {
    const registry = breakerRegistry({ create: () => options, maxEntries: 17 });
    for (let key = 0; key < 17; key++) {
      if (key === closedAt) registry.get("closed");
      else open(registry, `open ${key}`);
    }
    registry.get("new");
    expect(registry.overflowed).toBe(kept ? 0 : 1);
    expect([...registry.entries()].some(([key]) => key === "closed")).toBe(!kept);
  });

  it("keeps one that waits for its probes and was in use of late", async () => {
    const clock = new VirtualClock();
    const registry = breakerRegistry({ create: () => options, maxEntries: 1, maxIdleMs: 1000, clock });
    await clock.advance(5000);
    open(registry, "a");
    await clock.advance(999);
    expect(registry.get("b").state).toBe("closed");
    expect(registry).toMatchObject({ size: 1, overflowed: 1 });
    await clock.advance(1);
    registry.get("b");
    expect([...registry.entries()].map(([key]) => key)).toEqual(["b"]);
  });

  it.each([
    ["breakerRegistry.create must be a function", {}],
    ["breakerRegistry.maxEntries must be an integer >= 1 (got 0)", { create: () => options, maxEntries: 0 }],
    ["breakerRegistry.maxIdleMs must be a number >= 1 (got -1)", { create: () => options, maxIdleMs: -1 }],
    ["breakerRegistry.size is no option", { create: () => options, size: 5 }],
  ])("refuses: %s", (message, bad) => {
    expect(() => breakerRegistry(bad as Parameters<typeof breakerRegistry>[0])).toThrow(message);
  });
});
