import type { ServiceReport } from "holdfast/telemetry";
import { describe, expect, it } from "vitest";
import { ServiceShelf } from "./service-shelf.ts";

function report(instance: string, at = 1, startedAt = 0): ServiceReport {
  return { service: "shop", instance, at, startedAt, health: null, policies: [], errors: [], omitted: 0 };
}

function shelfAt(options: Partial<ConstructorParameters<typeof ServiceShelf>[0]> = {}) {
  const time = { now: 0 };
  let changes = 0;
  const urgent: boolean[] = [];
  const onChange = (isUrgent: boolean): void => {
    changes++;
    urgent.push(isUrgent);
  };
  const shelf = new ServiceShelf({ now: () => time.now, onChange, ...options });
  return { shelf, time, changes: () => changes, urgent };
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
    expect(shelf.refused).toMatchObject({ count: 1, detail: expect.stringContaining("1 instances already") });
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
    expect(shelf.refused?.count).toBe(991);
  });

  it("has one process for each name: the one that started last", () => {
    const { shelf } = shelfAt();
    shelf.take(report("a", 1, 100), 100);
    // It was started again before the first was missed.
    shelf.take(report("a", 2, 200), 100);
    expect(() => shelf.take(report("a", 3, 100), 100)).toThrow(
      "another process that started later reports as shop, instance a: give each an instance of its own",
    );
    expect([instances(shelf), shelf.refused?.count]).toEqual([["a@2"], 1]);
    // Nor does it take leave for the other.
    shelf.leave({ service: "shop", instance: "a", startedAt: 100 });
    expect(instances(shelf)).toEqual(["a@2"]);
    shelf.takeOthers([{ report: report("a", 4, 100), ageMs: 0 }]);
    expect(instances(shelf)).toEqual(["a@2"]);
  });

  it("drops at once who takes leave, wherever that is heard, and tells who left and who fell silent for a minute", () => {
    const [one, other] = [shelfAt(), shelfAt()];
    const both = [one, other];
    one.shelf.take(report("a"), 100);
    one.shelf.take(report("b"), 100);
    other.shelf.takeOthers(one.shelf.own(), one.shelf.left());
    one.shelf.leave({ service: "shop", instance: "a", startedAt: 0 });
    const told = one.shelf.own();
    other.shelf.takeOthers(told, one.shelf.left());
    for (const { shelf } of both) expect(instances(shelf)).toEqual(["b@1"]);
    // One that still tells of it brings it back nowhere.
    other.shelf.takeOthers([{ report: report("a"), ageMs: 100 }]);
    expect(instances(other.shelf)).toEqual(["b@1"]);
    for (const { time } of both) time.now = 16_000;
    for (const { shelf } of both) {
      expect(shelf.absent().map(({ instance, reason }) => [instance, reason])).toEqual([
        ["b", "silent"],
        ["a", "left"],
      ]);
    }
    // It was started again.
    one.shelf.take(report("a", 2, 300), 100);
    expect(one.shelf.absent().map(({ instance }) => instance)).toEqual(["b"]);
    one.time.now = 70_000;
    expect([one.shelf.sweep(), one.shelf.absent().length, one.shelf.sweep()]).toEqual([true, 1, false]);
  });

  it("counts what was refused here and elsewhere, with the last reason", () => {
    const { shelf, changes } = shelfAt({ maxInstances: 0 });
    expect([shelf.refused, shelf.ownRefused]).toEqual([undefined, undefined]);
    shelf.refusedBy("n2", { count: 2, detail: "the token is missing or wrong", at: 5 });
    expect(shelf.refused).toEqual({ count: 2, detail: "the token is missing or wrong", at: 5 });
    expect(() => shelf.take(report("a"), 1)).toThrow("at most 0");
    shelf.refusedBy("n2", { count: 3, detail: "the token is missing or wrong", at: 6 });
    const before = changes();
    shelf.refusedBy("n2", { count: 3, detail: "the token is missing or wrong", at: 6 });
    expect(changes()).toBe(before);
    expect(shelf.refused).toMatchObject({ count: 4, detail: expect.stringContaining("at most 0") });
    expect(shelf.ownRefused?.count).toBe(1);
  });

  it("tells of no more than so many that are absent", () => {
    const { shelf } = shelfAt();
    for (let at = 0; at < 1_000; at++) {
      shelf.take(report(`i${at}`), 100);
      shelf.leave({ service: "shop", instance: `i${at}`, startedAt: 0 });
    }
    expect(shelf.absent()).toHaveLength(50);
    expect(shelf.left()).toHaveLength(50);
  });

  it("hands on only what is new, and all to one that knows another shelf", () => {
    const { shelf } = shelfAt();
    for (const name of ["a", "b", "c"]) shelf.take(report(name), 100);
    const version = shelf.ownVersion;
    shelf.take(report("b", 2), 100);
    const told = (since: number): string[] => shelf.own(since).map(({ report: { instance } }) => instance);
    expect([told(version), told(shelf.ownVersion), told(99)]).toEqual([["b"], [], ["a", "c", "b"].toSorted()]);
  });

  it("says whether something is in another state, or only busier", () => {
    const { shelf, urgent } = shelfAt();
    const policy = { kind: "circuitBreaker", name: "bank", isForced: false, failureRatio: 0, durationMs: null };
    const none = { counts: {}, gauges: {}, configuration: {} };
    const with_ = (state: string, callsPerSecond: number): ServiceReport => ({
      ...report("a", callsPerSecond),
      policies: [{ ...policy, ...none, state, callsPerSecond }],
    });
    for (const each of [with_("closed", 1), with_("closed", 2), with_("open", 3)]) shelf.take(each, 100);
    expect(urgent).toEqual([true, false, true]);
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
