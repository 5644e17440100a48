import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../testing/index.ts";
import { faultRegistry, type FaultRegistry } from "./fault-registry.ts";
import type { LiveTarget } from "./live-fault.ts";
import { runLiveSchedule, type LiveFaultDescription } from "./live-schedule.ts";
import { checkNetworkFault, type NetworkFaultKind } from "./network-fault.ts";

/** A link with the network's kinds, which writes down when what began and ended. */
function link(name: string, clock: VirtualClock, log: string[], breaks = false): LiveTarget {
  return {
    name,
    kinds: ["delay", "loss", "clog"],
    optedIn: () => true,
    check: (kind, parameters) => checkNetworkFault(kind as NetworkFaultKind, parameters),
    inject({ kind }) {
      if (breaks) throw new Error("no such wire");
      log.push(`${clock.now()} +${kind} ${name}`);
    },
    remove: ({ kind }) => void log.push(`${clock.now()} -${kind} ${name}`),
  };
}

function setUp(breaks = false): { clock: VirtualClock; log: string[]; registry: FaultRegistry } {
  const clock = new VirtualClock();
  const log: string[] = [];
  const targets = ["a", "b"].map((name) => link(name, clock, log, breaks));
  return { clock, log, registry: faultRegistry({ clock, targets }) };
}

const certain: LiveFaultDescription = {
  seed: 1,
  lengthMs: 10_000,
  faults: [
    { id: "slow", type: "delay", targets: ["a"], atMs: 1_000, durationMs: 2_000, delayMs: 50 },
    { type: "clog", targets: "all", atMs: 9_000, durationMs: 5_000 },
  ],
};

describe("a schedule of live faults", () => {
  it("injects each at its moment, and ends with everything taken back", async () => {
    const { clock, log, registry } = setUp();
    const injection = runLiveSchedule({ registry, clock }, certain);
    await clock.advance(20_000);
    expect(log).toEqual([
      "1000 +delay a",
      "3000 -delay a",
      "9000 +clog a",
      "9000 +clog b",
      "10000 -clog a",
      "10000 -clog b",
    ]);
    const { faults, refused } = await injection.finished;
    expect(faults.map(({ id, state, reason }) => [id, state, reason])).toEqual([
      ["slow", "removed", "expired"],
      ["clog-1", "removed", "removed"],
      ["clog-2", "removed", "removed"],
    ]);
    expect([refused, registry.faults, clock.pending]).toEqual([[], [], 0]);
  });

  it("draws moments, numbers and targets from its seed", async () => {
    const drawn: LiveFaultDescription = {
      seed: 7,
      lengthMs: 60_000,
      faults: [
        { type: "loss", targets: "one", probability: 0.5, perMs: 1_000, durationMs: [10, 900], share: [0.1, 0.9] },
      ],
    };
    const runs = [0, 1].map(() => {
      const { clock, registry } = setUp();
      return runLiveSchedule({ registry, clock }, drawn).schedule;
    });
    expect(runs[0]).toEqual(runs[1]);
    expect(runs[0]!.length).toBeGreaterThan(20);
    expect(new Set(runs[0]!.map(({ target }) => target)).size).toBe(2);
    const { clock, log, registry } = setUp();
    const injection = runLiveSchedule({ registry, clock }, drawn);
    await clock.advance(60_000);
    expect((await injection.finished).faults.length).toBe(runs[0]!.length);
    expect(log.length).toBe(2 * runs[0]!.length);
  });

  it("is healed at any moment, and then nothing more begins", async () => {
    const { clock, log, registry } = setUp();
    const injection = runLiveSchedule({ registry, clock }, certain);
    await clock.advance(1_500);
    injection.heal();
    await clock.advance(20_000);
    expect(log).toEqual(["1000 +delay a", "1500 -delay a"]);
    expect((await injection.finished).faults).toMatchObject([{ id: "slow", reason: "removed" }]);
    expect(clock.pending).toBe(0);
  });

  it("tells what could not begin", async () => {
    const { clock, registry } = setUp(true);
    const injection = runLiveSchedule({ registry, clock }, certain);
    await clock.advance(20_000);
    const { faults, refused } = await injection.finished;
    expect(faults).toEqual([]);
    expect(refused.map(({ request, error }) => [request.target, (error as { code: string }).code])).toEqual([
      ["a", "FAULT_FAILED"],
      ["a", "FAULT_FAILED"],
      ["b", "FAULT_FAILED"],
    ]);
  });

  it.each<[string, object, string]>([
    ["an unknown target", { targets: ["c"] }, 'faults[0].targets[0] must be "a" or "b" (got "c")'],
    ["an unknown kind", { type: "flood" }, '"a" has not agreed to faults of kind "flood"'],
    ["a parameter out of range", { delayMs: -1 }, "parameters.delayMs must be a number >= 0 and <= 3600000 (got -1)"],
    ["a parameter that is none", { speed: 1 }, "parameters.speed is no option"],
    ["no moment", { atMs: undefined }, "faults[0].atMs must be a number >= 0 (got undefined)"],
    ["too long", { durationMs: 1e9 }, "fault.durationMs must be a number >= 1 and <= 600000 (got 1000000000)"],
    ["no kind", { type: 7 }, "faults[0].type must be text (got 7)"],
  ])("with %s is refused before anything begins", async (_, change, message) => {
    const { clock, log, registry } = setUp();
    const faults = [{ ...certain.faults[0], ...change }] as LiveFaultDescription["faults"];
    expect(() => runLiveSchedule({ registry, clock }, { ...certain, faults })).toThrow(message);
    await clock.advance(20_000);
    expect(log).toEqual([]);
  });
});
