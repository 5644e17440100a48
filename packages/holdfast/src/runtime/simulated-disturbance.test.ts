import { describe, expect, it } from "vitest";
import { simulate, type World } from "./simulation.ts";

/** Sends a datagram from "a" to "b" every 10 ms for `forMs`; tells when each arrived, by its number. */
async function talk(world: World, forMs: number, meanwhile: (now: number) => void): Promise<Map<number, number[]>> {
  const arrived = new Map<number, number[]>();
  world.process("b").start(async ({ network }) => {
    await network.openDatagram({ host: "b", port: 1 }, (bytes) => {
      arrived.set(bytes[0]!, [...(arrived.get(bytes[0]!) ?? []), world.clock.now()]);
    });
  });
  world.process("a").start(async ({ network }) => {
    const socket = await network.openDatagram({ host: "a", port: 1 }, () => undefined);
    for (let number = 0; number * 10 < forMs; number++) {
      meanwhile(number * 10);
      socket.send(Uint8Array.of(number), { host: "b", port: 1 });
      await world.clock.sleep(10);
    }
  });
  await world.clock.sleep(forMs + 1_000);
  return arrived;
}

describe("cuts of the network", () => {
  it("are taken back one by one", async () => {
    const { value } = await simulate({ seed: 1 }, async (world) => {
      const mends: (() => void)[] = [];
      return talk(world, 100, (now) => {
        if (now === 20) mends.push(world.network.partition(["a"], ["b"]), world.network.isolate("b", "in"));
        if (now === 50) mends[0]!();
        if (now === 70) mends[1]!();
        // Taken back before: nothing happens.
        if (now === 80) mends[0]!();
      });
    });
    expect([...value.keys()]).toEqual([0, 1, 7, 8, 9]);
  });
});

describe("disturbances of a link", () => {
  it("add up, also before its first use, and each ends by itself", async () => {
    const { value, faults } = await simulate({ seed: 1, network: { latencyMs: 1, jitterMs: 0 } }, async (world) => {
      for (const host of ["a", "b"]) world.process(host);
      const ends = [
        world.network.disturb("a", "b", { latencyMs: 20 }),
        world.network.disturb("a", "b", { latencyMs: 30, duplicate: 1 }),
        world.network.disturb("b", "a", { loss: 1 }),
      ];
      return talk(world, 90, (now) => {
        if (now === 30) ends[1]!();
        if (now === 60) ends[0]!();
        if (now === 60) ends[0]!();
      });
    });
    const delays = [...value]
      .toSorted(([one], [other]) => one - other)
      .map(([number, times]) => times.map((time) => Math.round(time - number * 10)));
    expect(delays.map((all) => all.length)).toEqual([2, 2, 2, 1, 1, 1, 1, 1, 1]);
    expect(delays.map(([first]) => first)).toEqual([51, 51, 51, 21, 21, 21, 1, 1, 1]);
    // The later ones overtake the slowest.
    expect(faults).toEqual({ "datagram-duplicated": 3, "datagram-reordered": 5 });
  });

  it("leave what is set meanwhile", async () => {
    const { faults } = await simulate({ seed: 1 }, async (world) => {
      for (const host of ["a", "b"]) world.process(host);
      const end = world.network.disturb("a", "b", { duplicate: 1 });
      return talk(world, 40, (now) => {
        if (now === 20) world.network.setLinks({ loss: 1 });
        if (now === 20) end();
      });
    });
    expect(faults).toEqual({ "datagram-duplicated": 2, "datagram-lost": 2 });
  });

  it("refuse what is no share", async () => {
    const refused = simulate({ seed: 1 }, (world) => {
      for (const host of ["a", "b"]) world.process(host);
      world.network.disturb("a", "b", { loss: 2 });
    });
    await expect(refused).rejects.toThrow("disturb.loss must be a number in 0..1 (got 2)");
  });
});

describe("disturbances of a disk", () => {
  it("add to its own behaviour until they end", async () => {
    const { value, faults } = await simulate({ seed: 1 }, (world) => {
      const { disk } = world.process("a");
      return new Promise<(string | number)[]>((resolve) => {
        world.process("a").start(async (runtime) => {
          const outcomes: (string | number)[] = [];
          const file = await runtime.disk.open("/file", { create: true });
          const sync = async (): Promise<void> => {
            const before = world.clock.now();
            const outcome = await file.sync().then(
              () => "synced",
              (error: unknown) => (error as { code: string }).code,
            );
            outcomes.push(world.clock.now() - before > 400 ? `slowly ${outcome}` : outcome);
          };
          const ends = [disk.disturb({ syncError: 1 }), disk.disturb({ slowSync: 1, slowSyncMs: 500 })];
          await sync();
          ends[0]!();
          await sync();
          ends[1]!();
          await sync();
          resolve([...outcomes, ...disk.files()]);
        });
      });
    });
    expect(value).toEqual(["slowly EIO", "slowly synced", "synced", "/file"]);
    expect(faults).toEqual({ "sync-failed": 1, "slow-sync": 2 });
  });
});

describe("a clock that stands still", () => {
  it("says the same until it goes on, and holds timers back by that time, while input is worked on", async () => {
    const { value, faults } = await simulate({ seed: 1 }, async (world) => {
      const { clock } = world.process("b");
      const fired: [string, number][] = [];
      const readings: number[][] = [];
      let received = 0;
      world.process("b").start(async (runtime) => {
        await runtime.network.openDatagram({ host: "b", port: 1 }, () => received++);
        const note = (what: string) => () => fired.push([what, Math.round(world.clock.now())]);
        const read = (): void => void readings.push([runtime.clock.now(), runtime.clock.wallTime()]);
        runtime.clock.setTimer(300, note("before"));
        runtime.clock.setTimer(5_000, note("long before"));
        const cancelled = runtime.clock.setTimer(310, note("cancelled"));
        await world.clock.sleep(100);
        clock.stop();
        read();
        runtime.clock.setTimer(50, note("meanwhile"));
        await world.clock.sleep(1_000);
        read();
        cancelled.cancel();
        clock.setDrift(1_000);
        clock.setDrift(0);
        expect(clock.isStopped).toBe(true);
        clock.start();
        read();
        await world.clock.sleep(10);
        read();
      });
      world.process("a").start(async ({ network }) => {
        const socket = await network.openDatagram({ host: "a", port: 1 }, () => undefined);
        await world.clock.sleep(600);
        socket.send(Uint8Array.of(1), { host: "b", port: 1 });
        await world.clock.sleep(100);
        expect(received).toBe(1);
      });
      await world.clock.sleep(10_000);
      return { fired, readings };
    });
    const { fired, readings } = value;
    expect(fired).toEqual([
      ["meanwhile", 1_150],
      ["before", 1_300],
      ["long before", 6_000],
    ]);
    expect(readings[1]).toEqual(readings[0]);
    expect(readings[2]).toEqual(readings[0]);
    expect(readings[3]![0]! - readings[0]![0]!).toBeCloseTo(10);
    expect(faults["clock-stopped"]).toBe(1);
  });
});
