import { describe, expect, it } from "vitest";
import { simulate, type World } from "../runtime/index.ts";
import { checkFaults } from "./check-faults.ts";
import type { FaultModel } from "./fault.ts";
import type { FaultTarget } from "./fault-targets.ts";
import { injectFaults } from "./inject-faults.ts";
import { MessageTap } from "./message-tap.ts";
import { tappedNetwork, turnBit } from "./tapped-network.ts";

const names = ["a", "b", "c"];

/** Three nodes that store something and send it to each other every 10 ms. */
function makeNodes(world: World): Map<string, FaultTarget> {
  const targets = new Map<string, FaultTarget>();
  for (const name of names) {
    const process = world.process(name);
    const tap = new MessageTap({ falsify: turnBit, isReliable: false });
    const start = (): void =>
      process.start(async ({ network: inner, clock, disk }) => {
        const network = tappedNetwork(inner, { datagrams: tap, streams: tap, clock, nameOf: (host) => host });
        const socket = await network.openDatagram({ host: name, port: 1 }, () => undefined);
        const file = await disk.open("/file", { create: true });
        const bytes = new Uint8Array(100);
        for (;;) {
          await file.write(0, [bytes]);
          for (const host of names) if (host !== name) socket.send(bytes, { host, port: 1 });
          await clock.sleep(10);
        }
      });
    targets.set(name, { process, start, taps: [tap] });
    start();
  }
  return targets;
}

async function run<T>(main: (world: World, targets: Map<string, FaultTarget>) => Promise<T>): Promise<T> {
  return (await simulate({ seed: 5 }, (world) => main(world, makeNodes(world)))).value;
}

describe("faults together", () => {
  it("of one kind at one target end with the last of them", async () => {
    const states = await run(async (world, targets) => {
      const both = (fault: object): object[] => [
        { targets: ["a"], atMs: 100, durationMs: 300, ...fault },
        { targets: ["a"], atMs: 200, durationMs: 400, ...fault },
      ];
      const faults = [
        ...both({ type: "clockStop" }),
        ...both({ type: "clockDrift", ppm: 1_000 }),
        ...both({ type: "slow", targets: ["b"] }),
        { type: "clockDrift", ppm: 7, targets: ["a"], atMs: 450, durationMs: 50 },
      ];
      injectFaults(world, { nodes: targets }, checkFaults({ seed: 1, lengthMs: 10_000, faults }));
      const seen: unknown[] = [];
      for (const at of [50, 150, 300, 420, 460, 550, 700]) {
        await world.clock.sleep(at - Math.round(world.clock.now()));
        const { isStopped, driftPpm } = targets.get("a")!.process.clock;
        // It is drawn between minus 0 and 0.
        seen.push([at, isStopped, driftPpm + 0, targets.get("b")!.process.state]);
      }
      return seen;
    });
    expect(states).toEqual([
      [50, false, 0, "running"],
      [150, true, 1_000, "paused"],
      [300, true, 1_000, "paused"],
      [420, true, 1_000, "paused"],
      [460, true, 7, "paused"],
      [550, true, 1_000, "paused"],
      [700, false, 0, "running"],
    ]);
  });

  it("leave a target alone that still recovers, and one that is down", async () => {
    const { struck } = await run(async (world, targets) => {
      const injection = injectFaults(
        world,
        { nodes: targets },
        {
          seed: 1,
          lengthMs: 5_000,
          faults: [
            { type: "fullDisk", targets: ["a"], atMs: 100, durationMs: 100, recoveryMs: 1_000 },
            { type: "clockStop", targets: ["a"], atMs: 1_100, durationMs: 100 },
            { type: "clockStop", targets: ["a"], atMs: 1_300, durationMs: 100 },
            { type: "crash", targets: ["b"], atMs: 100, durationMs: 500 },
            { type: "crash", targets: ["b"], atMs: 200, durationMs: 500 },
            { type: "slow", targets: ["b"], atMs: 200, durationMs: 500 },
            { type: "partition", targets: "all", atMs: 2_000, durationMs: 500 },
            { type: "partition", shape: "bridge", targets: ["a"], atMs: 200, durationMs: 500 },
          ],
        },
      );
      await injection.finished;
      return injection;
    });
    expect(struck).toEqual({ fullDisk: 1, clockStop: 1, crash: 1 });
  });

  it("end at once when everything is healed, and none begins any more", async () => {
    const { before, struck, states } = await run(async (world, targets) => {
      const injection = injectFaults(
        world,
        { nodes: targets },
        {
          seed: 1,
          lengthMs: 5_000,
          faults: [
            { type: "crash", targets: ["a"], atMs: 100, durationMs: 3_000, recoveryMs: 1_000 },
            { type: "slow", targets: ["b"], share: 0.5, atMs: 100, durationMs: 3_000 },
            { type: "clockStop", targets: ["c"], atMs: 100, durationMs: 3_000 },
            { type: "crash", targets: "all", atMs: 300, durationMs: 10 },
          ],
        },
      );
      await world.clock.sleep(110);
      const states = (): unknown[] =>
        [...targets.values()].map(({ process }) => [process.state, process.clock.isStopped]);
      const before = states();
      injection.heal();
      injection.heal();
      await injection.finished;
      await world.clock.sleep(1_000);
      return { before, struck: injection.struck, states: states() };
    });
    expect(before).toEqual([
      ["crashed", false],
      ["paused", false],
      ["running", true],
    ]);
    expect(struck).toEqual({ crash: 1, slow: 1, clockStop: 1 });
    expect(states).toEqual(Array.from({ length: 3 }, () => ["running", false]));
  });
});

describe("targets that are found when the moment has come", () => {
  it("are struck once, at once or within the time they may take", async () => {
    const { struck, stopped } = await run(async (world, targets) => {
      let stopped = 0;
      const injection = injectFaults(
        world,
        {
          nodes: targets,
          selectors: {
            now: (found) => {
              found(["a"]);
              found(["b"]);
              return undefined;
            },
            later: (found) => {
              const timer = world.clock.setTimer(200, () => found(["c"]));
              return () => {
                stopped++;
                timer.cancel();
              };
            },
          },
        },
        {
          seed: 1,
          lengthMs: 2_000,
          faults: [
            { type: "crash", targets: "now", atMs: 10, durationMs: 10 },
            { type: "slow", targets: "later", atMs: 10, waitMs: 300, durationMs: 10 },
            { type: "clockStop", targets: "later", atMs: 10, waitMs: 100, durationMs: 10 },
            { type: "fullDisk", targets: "later", atMs: 10, durationMs: 10 },
            { type: "reset", targets: "later", atMs: 1_900, waitMs: 500, durationMs: 10 },
          ],
        },
      );
      await injection.finished;
      return { struck: injection.struck, stopped };
    });
    expect(struck).toEqual({ crash: 1, slow: 1 });
    // Also the one whose target was found.
    expect(stopped).toBe(4);
  });

  it("are refused before anything happens when nobody knows them", async () => {
    const refused = run(async (world, targets) => {
      injectFaults(
        world,
        { nodes: targets },
        {
          seed: 1,
          lengthMs: 1,
          faults: [{ type: "clog", targets: "leader", atMs: 0, durationMs: 1 }],
        },
      );
    });
    await expect(refused).rejects.toThrow('faults[0].targets must be "all" or "one" or "some" or "a" or "b" or "c"');
  });
});

it("the same seed gives the same run, another draws other faults", async () => {
  const hash = async (seed: number): Promise<string> => {
    const { traceHash } = await simulate({ seed: 1 }, async (world) => {
      const targets = makeNodes(world);
      const models: FaultModel[] = [
        {
          type: "byzantine",
          behaviour: "wrong",
          share: 0.5,
          targets: "some",
          probability: 0.5,
          perMs: 100,
          durationMs: 90,
        },
        { type: "corruptDisk", bits: 2, targets: "one", probability: 0.5, perMs: 100, durationMs: 1 },
      ];
      await injectFaults(world, { nodes: targets }, { seed, lengthMs: 1_000, faults: models }).finished;
    });
    return traceHash;
  };
  expect(await hash(1)).toBe(await hash(1));
  expect(await hash(2)).not.toBe(await hash(1));
});
