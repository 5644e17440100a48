import type { ServiceReport } from "holdfast/telemetry";
import { describe, expect, it } from "vitest";
import { ServiceShelf } from "./service-shelf.ts";

function report(instance: string, at = 1): ServiceReport {
  return { service: "shop", instance, at, startedAt: 0, health: null, policies: [], errors: [], omitted: 0 };
}

function shelfAt(options: Partial<ConstructorParameters<typeof ServiceShelf>[0]> = {}) {
  const time = { now: 0 };
  let changes = 0;
  const shelf = new ServiceShelf({ now: () => time.now, onChange: () => changes++, ...options });
  return { shelf, time, changes: () => changes };
}

const instances = (shelf: ServiceShelf): string[] => shelf.all().map(({ instance, at }) => `${instance}@${at}`);

describe("the shelf of reports", () => {
  it("keeps the last one of each instance, by name", () => {
    const { shelf, changes } = shelfAt();
    shelf.take(report("b"), 100);
    shelf.take(report("a", 1), 100);
    shelf.take(report("a", 2), 100);
    expect(instances(shelf)).toEqual(["a@2", "b@1"]);
    expect(changes()).toBe(3);
    expect(shelf.ownVersion).toBe(3);
  });

  it("forgets whoever has fallen silent, and has room for others then", () => {
    const { shelf, time } = shelfAt({ maxInstances: 1 });
    shelf.take(report("a"), 100);
    expect(() => shelf.take(report("b"), 100)).toThrow("there are reports of 1 instances already");
    expect(shelf.refused).toBe(1);
    time.now = 14_999;
    expect(shelf.sweep()).toBe(false);
    time.now = 15_000;
    expect(shelf.sweep()).toBe(true);
    shelf.take(report("b"), 100);
    expect(instances(shelf)).toEqual(["b@1"]);
  });

  it("takes a flood of names no further than its bounds, and goes on with those it has", () => {
    const { shelf } = shelfAt({ maxInstances: 200, maxBytes: 1_000 });
    for (let at = 0; at < 1_000; at++) {
      const flood = (): void => shelf.take(report(`i${at}`), 100);
      if (at < 10) flood();
      else expect(flood).toThrow("at most 200");
    }
    shelf.take(report("i3", 2), 100);
    expect(shelf.all()).toHaveLength(10);
    expect(() => shelf.take(report("i3", 3), 101)).toThrow("1000 bytes");
    expect(shelf.refused).toBe(991);
  });

  it("shows what other members got, and hands on only what came here", () => {
    const { shelf, time, changes } = shelfAt();
    time.now = 1_000;
    shelf.take(report("a", 1), 100);
    shelf.takeOthers([
      { report: report("b", 1), ageMs: 500 },
      { report: report("old", 1), ageMs: 15_000 },
    ]);
    expect(instances(shelf)).toEqual(["a@1", "b@1"]);
    expect(shelf.own().map(({ report: { instance }, ageMs }) => [instance, ageMs])).toEqual([["a", 0]]);
    // The same again, and an older word than the one that is there, change nothing.
    const before = changes();
    shelf.takeOthers([
      { report: report("b", 1), ageMs: 400 },
      { report: report("a", 0), ageMs: 900 },
    ]);
    expect([instances(shelf), changes()]).toEqual([["a@1", "b@1"], before]);
    // The instance reports elsewhere now.
    time.now = 2_000;
    shelf.takeOthers([{ report: report("a", 2), ageMs: 0 }]);
    expect(instances(shelf)).toEqual(["a@2", "b@1"]);
    expect(shelf.own()).toEqual([]);
  });
});
