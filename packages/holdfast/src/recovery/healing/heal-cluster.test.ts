import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../testing/index.ts";
import { healCluster, type HealClusterOptions, type Healer, type HealingPorts } from "./heal-cluster.ts";
import type { HealingOrder } from "./healing-action.ts";
import { healingFactOf } from "./healing-fact-of.ts";
import type { Observation, ObservedMember } from "./observed-cluster.ts";

const well: Omit<ObservedMember, "id" | "name"> = {
  kind: "voter",
  isManaged: true,
  liveness: "answers",
  sinceMs: 60_000,
  lost: null,
  gossip: null,
  lagEntries: 0,
  isSlow: false,
  isDiskFull: false,
  load: null,
  zone: null,
  canRestart: false,
};

function seen(...lost: readonly string[]): Observation {
  const members = ["a", "b", "c"].map((id) => {
    return lost.includes(id)
      ? ({ ...well, id, name: id, liveness: "stopped", lost: "it burnt" } as const)
      : { ...well, id, name: id };
  });
  return { leader: "a", isSettled: true, members };
}

interface Scene {
  readonly clock: VirtualClock;
  readonly healer: Healer;
  readonly orders: HealingOrder[];
  readonly told: () => string[];
}

function scene(ports: Partial<HealingPorts>, options: Partial<HealClusterOptions> = {}): Scene {
  const clock = new VirtualClock();
  const orders: HealingOrder[] = [];
  const healer = healCluster({
    clock,
    desired: { voters: 3 },
    coolDownMs: 0,
    ...options,
    ports: {
      observe: ports.observe ?? (() => Promise.resolve(seen("c"))),
      act(order, given) {
        orders.push(order);
        return ports.act?.(order, given) ?? Promise.resolve({ outcome: "done" });
      },
    },
  });
  const told = (): string[] => healer.record.map(({ type, text }) => `${type}: ${text}`);
  return { clock, healer, orders, told };
}

describe("healCluster", () => {
  it("looks every second, does one thing at a time, and keeps a record", async () => {
    const running = Promise.withResolvers<{ outcome: "done" }>();
    const { clock, healer, orders, told } = scene({ act: () => running.promise });
    await clock.advance(10_000);
    expect(orders).toEqual([
      {
        action: { type: "addLearner", replaces: "c", zone: null },
        because: "c is lost: it burnt",
        seen: { voters: ["a", "b", "c"], learners: [] },
      },
    ]);
    running.resolve({ outcome: "done" });
    await clock.advance(1);
    expect(told().slice(0, 3)).toEqual([
      "weakened: c is lost: it burnt",
      "started: add a member in place of c",
      "ended: add a member in place of c",
    ]);
    expect(healer.record[2]).toMatchObject({ outcome: "done", reason: null });
    healer.close();
  });

  it("gives up what takes too long, and does not know how it ended", async () => {
    let aborted: unknown;
    const { clock, healer, orders } = scene(
      { act: (_, { signal }) => new Promise(() => signal.addEventListener("abort", () => (aborted = signal.reason))) },
      { actTimeoutMs: 5_000 },
    );
    await clock.advance(8_000);
    expect(healer.record.find(({ type }) => type === "ended")).toMatchObject({ outcome: "unknown", tookMs: 5_000 });
    expect(aborted).toMatchObject({ message: "it took too long" });
    expect(orders).toHaveLength(2);
    healer.close();
  });

  it("goes on when looks and actions fail, and forgets what it cannot have seen", async () => {
    const errors: unknown[] = [];
    let looks = 0;
    const { clock, healer, orders } = scene(
      {
        observe: () => (++looks === 3 ? Promise.reject(new Error("blind")) : Promise.resolve(seen("c"))),
        act: () => Promise.reject(new Error("broken")),
      },
      {
        confirmMs: 3_000,
        onError: (error) => errors.push(error),
        onDecision: () => {
          throw new Error("a listener");
        },
      },
    );
    await clock.advance(5_900);
    // Lost for three seconds without a gap: only from the look after the failed one on.
    expect(orders).toHaveLength(0);
    await clock.advance(600);
    expect(orders).toHaveLength(1);
    expect(errors.map(String)).toEqual(["Error: blind", "Error: broken"]);
    expect(healer.record.at(-1)).toMatchObject({ type: "ended", outcome: "failed", reason: "broken" });
    healer.close();
  });

  it("does nothing where it sees nothing, and while a look hangs", async () => {
    let looks = 0;
    const observe = (): Promise<Observation | undefined> => {
      looks++;
      return looks < 3 ? Promise.resolve(undefined) : new Promise(() => undefined);
    };
    const { clock, healer, orders } = scene({ observe });
    await clock.advance(21_000);
    expect([looks, orders.length, healer.observation]).toEqual([6, 0, undefined]);
    healer.close();
    await clock.advance(20_000);
    expect(looks).toBe(6);
  });

  it("lets the port look once more before it acts", async () => {
    const { clock, healer, orders } = scene({
      act: (_, { recheck }) => {
        expect(recheck(seen("c"))).toBeUndefined();
        const reason = recheck(seen("b", "c"))!;
        return Promise.resolve({ outcome: "refused", reason });
      },
    });
    await clock.advance(2_500);
    expect(orders).toHaveLength(1);
    expect(healer.record.at(-1)).toMatchObject({ outcome: "refused", reason: "1 of 3 voters would answer" });
    healer.close();
  });

  it("keeps a bounded record, and says each decision as a fact", async () => {
    let at = 0;
    const { clock, healer } = scene(
      { observe: () => Promise.resolve(at++ % 2 === 0 ? seen() : { ...seen(), leader: null }) },
      { maxRecord: 5, everyMs: 10 },
    );
    await clock.advance(1_000);
    expect(healer.record).toHaveLength(5);
    expect(
      healer.record
        .map(healingFactOf)
        .slice(-2)
        .toSorted((a, b) => (a.type < b.type ? 1 : -1)),
    ).toEqual([
      { type: "clusterWeakened", reason: "nobody leads" },
      { type: "clusterRestored", tookMs: 10 },
    ]);
    healer.close();
    const other = scene({}, { replacementsPerHour: 0 });
    await other.clock.advance(5_000);
    expect(other.healer.record.map(healingFactOf).map(({ type }) => type)).toEqual([
      "clusterWeakened",
      "healingWithheld",
      "healingPersonWanted",
    ]);
    other.healer.acknowledge();
    other.healer.close();
  });

  it.each<[Partial<HealClusterOptions>, string]>([
    [{ everyMs: 0 }, "healing.everyMs must be a number >= 1 (got 0)"],
    [{ maxRecord: 0 }, "healing.maxRecord must be an integer >= 1 (got 0)"],
    [{ ports: {} as HealingPorts }, "healing.ports must have observe and act"],
    [{ unknown: 1 } as Partial<HealClusterOptions>, "healing.unknown is no option"],
  ])("refuses %j", (options, message) => {
    const ports: HealingPorts = {
      observe: () => Promise.resolve(undefined),
      act: () => Promise.resolve({ outcome: "done" }),
    };
    expect(() => healCluster({ clock: new VirtualClock(), desired: { voters: 3 }, ports, ...options })).toThrow(
      message,
    );
  });
});
