import { describe, expect, it } from "vitest";
import type { MembershipEvent } from "../../../packages/holdfast/src/membership/swim-effects.ts";
import { measureHealing } from "./experiments.ts";
import { SwimCluster, type SimulatedMember } from "./swim-cluster.ts";

interface Observed {
  readonly at: number;
  readonly observer: string;
  readonly event: MembershipEvent;
}

function record(cluster: SwimCluster): Observed[] {
  const events: Observed[] = [];
  cluster.onEvent = (observer, event) => events.push({ at: cluster.now, observer: observer.name, event });
  return events;
}

function failuresOf(events: readonly Observed[]): string[] {
  return events.flatMap(({ event }) => (event.type === "failed" ? [event.member.name] : []));
}

describe("a cluster of SWIM members", () => {
  it.each([2, 5, 16, 64])("of %i that join through one agrees in seconds, and stays so", (size) => {
    const cluster = new SwimCluster({ size, seed: size });
    const events = record(cluster);
    for (const member of cluster.members.slice(1)) cluster.join(member, cluster.member(0));
    expect(cluster.advanceUntil(() => cluster.agreed, 10_000)).toBeLessThan(2_000);
    cluster.advance(60_000);
    expect(cluster.agreed).toBe(true);
    expect(events.filter(({ event }) => event.type === "suspect")).toEqual([]);
    expect(cluster.invariants!.checks).toBeGreaterThan(50 * size);
  });

  it.each([1, 2, 3, 4, 5])("notices a failure and a return, whatever is lost on the way (seed %i)", (seed) => {
    const cluster = new SwimCluster({ size: 16, seed, loss: 0.2, acquainted: true });
    const events = record(cluster);
    cluster.advance(10_000);
    const victim = cluster.member(seed);
    cluster.kill(victim);
    cluster.advanceUntil(() => cluster.believers(victim, "dead") === 15, 60_000);
    expect(new Set(failuresOf(events))).toEqual(new Set([victim.name]));
    cluster.restart(victim);
    cluster.join(victim, cluster.member(0));
    cluster.advanceUntil(() => cluster.agreed, 10_000);
    expect(victim.swim.self.member.incarnation).toBeGreaterThan(0);
    expect(cluster.lostPackets).toBeGreaterThan(100);
  });

  it("finds a member that comes back without joining, as long as it is remembered", () => {
    const cluster = new SwimCluster({ size: 8, seed: 1, acquainted: true });
    const victim = cluster.member(3);
    cluster.kill(victim);
    cluster.advanceUntil(() => cluster.believers(victim, "dead") === 7, 60_000);
    cluster.advance(60_000);
    cluster.restart(victim);
    cluster.advanceUntil(() => cluster.agreed, 120_000);
    expect(victim.swim.live).toBe(8);
  });

  it("takes a graceful leave for no failure, among 64, in less than a second", () => {
    const cluster = new SwimCluster({ size: 64, seed: 1, acquainted: true });
    cluster.advance(3_000);
    const events = record(cluster);
    const leaver = cluster.member(5);
    cluster.feed(leaver, { type: "leave", now: cluster.now });
    const others = cluster.members.filter((member) => member !== leaver);
    const told = (): boolean => others.every((observer) => cluster.belief(observer, leaver) === "left");
    expect(cluster.advanceUntil(told, 10_000)).toBeLessThan(1_000);
    cluster.advanceUntil(() => events.some(({ event }) => event.type === "departed"), 10_000);
    cluster.kill(leaver);
    cluster.advance(60_000);
    expect(failuresOf(events)).toEqual([]);
    expect(events.filter(({ event }) => event.type === "left")).toHaveLength(63);
  });

  it.each([
    [0, 64],
    // Broadcasts are not repaired: what loss costs is what is meant by best effort.
    [0.2, 60],
  ])("hears a broadcast, with a loss of %f, once each, at %i members of 64", (loss, least) => {
    const cluster = new SwimCluster({ size: 64, seed: 1, loss, acquainted: true });
    const events = record(cluster);
    cluster.feed(cluster.member(0), { type: "broadcast", now: 0, payload: Uint8Array.of(1, 2, 3) });
    cluster.advance(10_000);
    const heard = events.filter(({ event }) => event.type === "user").map(({ observer }) => observer);
    expect(new Set(heard).size).toBe(heard.length);
    expect(heard.length).toBeGreaterThanOrEqual(least);
  });
});

describe("a partition", () => {
  it.each([
    [10, 5],
    [10, 1],
    [40, 13],
  ])("of %i members with %i on one side heals within two push/pull periods", (size, minority) => {
    for (let seed = 1; seed <= 5; seed++) {
      const cluster = new SwimCluster({ size, seed, acquainted: true });
      cluster.advance(5_000);
      cut(cluster, minority);
      const [left, right] = [cluster.members.slice(0, minority), cluster.members.slice(minority)];
      const holdForDead = (observers: readonly SimulatedMember[], subjects: readonly SimulatedMember[]): boolean =>
        observers.every((observer) => subjects.every((subject) => cluster.belief(observer, subject) === "dead"));
      cluster.advanceUntil(() => holdForDead(left, right) && holdForDead(right, left), 600_000);
      expect(cluster.cutPackets).toBeGreaterThan(0);
      // Long enough that nobody gossips to the dead any more: only looking for them can help.
      cluster.advance(120_000);
      cluster.passes = () => true;
      const healedMs = cluster.advanceUntil(() => cluster.agreed, 600_000);
      expect(healedMs).toBeLessThan(2 * 30_000 * (size > 32 ? 2 : 1));
    }
  });
});

describe("a cut that heals", () => {
  it.each([
    // Two members that hold each other for dead and one that is alone: each asks the others, one a second.
    [3, 1, 15_000, 0, 1_500, 4_000],
    [5, 2, 20_000, 0, 1_500, 4_000],
    // Longer than anybody gossips to the dead.
    [3, 1, 120_000, 0, 1_500, 4_000],
    [16, 5, 20_000, 0, 3_000, 15_000],
    [5, 2, 20_000, 0.1, 3_000, 10_000],
  ])(
    "of %i members, %i on one side, %i ms long, with a loss of %f: all hold all for alive after %i ms mostly, and %i at most",
    (size, minority, cutMs, loss, medianMs, mostMs) => {
      const runs = Array.from({ length: 20 }, (_, at) => measureHealing({ size, minority, cutMs, loss, seed: at + 1 }));
      const agreed = runs.map(({ agreedMs }) => agreedMs).toSorted((left, right) => left - right);
      expect(runs.every(({ deaths }) => deaths > 0)).toBe(true);
      expect(agreed[10]).toBeLessThan(medianMs);
      expect(agreed.at(-1)).toBeLessThan(mostMs);
    },
  );
});

describe("a process that stands still", () => {
  it("is not believed dead for two seconds, and declares nobody dead when it goes on", () => {
    for (let seed = 1; seed <= 3; seed++) {
      const cluster = new SwimCluster({ size: 16, seed, acquainted: true, swim: { profile: "local" } });
      const events = record(cluster);
      const member = cluster.member(0);
      let pauses = 0;
      for (let second = 0; second < 300; second += 5) {
        cluster.at(second * 1_000, () => {
          cluster.pause(member, 2_000);
          pauses++;
        });
      }
      cluster.advance(330_000);
      expect(pauses).toBe(60);
      // A hold-up in which nothing was due is none. As the member trusts itself less, less is due.
      expect(events.filter(({ event }) => event.type === "stalled").length).toBeGreaterThan(15);
      expect(failuresOf(events)).toEqual([]);
      expect(cluster.agreed).toBe(true);
    }
  });

  it.each([
    [true, 0],
    [false, 1],
  ])(
    "while it holds another for suspect, with stallAware %s, declares %i dead that have objected",
    (stallAware, deaths) => {
      const cluster = new SwimCluster({ size: 16, seed: 1, acquainted: true, swim: { stallAware } });
      const events = record(cluster);
      cluster.advance(5_000);
      const [observer, suspect] = [cluster.member(0), cluster.member(1)];
      cluster.slow(suspect, 8_000);
      cluster.advanceUntil(() => cluster.belief(observer, suspect) === "suspect", 8_000);
      cluster.pause(observer, 40_000);
      cluster.advance(60_000);
      const wrongly = events.filter(({ event }) => event.type === "failed" && event.member.name === suspect.name);
      expect(wrongly.map(({ observer }) => observer)).toEqual(
        deaths === 0 ? [] : expect.arrayContaining([observer.name]),
      );
      expect(cluster.agreed).toBe(true);
    },
  );

  it("for a minute is declared dead, and on waking accuses nobody and is taken back", () => {
    const cluster = new SwimCluster({ size: 16, seed: 1, acquainted: true });
    const events = record(cluster);
    cluster.advance(5_000);
    const member = cluster.member(0);
    cluster.pause(member, 60_000);
    cluster.advance(59_000);
    expect(cluster.believers(member, "dead")).toBe(15);
    cluster.advance(20_000);
    expect(cluster.agreed).toBe(true);
    expect(events.filter(({ observer, event }) => observer === member.name && event.type === "suspect")).toEqual([]);
    expect(new Set(failuresOf(events))).toEqual(new Set([member.name]));
  });
});

/** Cuts the first members off from the rest. */
function cut(cluster: SwimCluster, count: number): void {
  cluster.passes = (from, to) => from.index < count === to.index < count;
}
