import { describe, expect, it } from "vitest";
import type { Connection, Runtime } from "./runtime.ts";
import { simulate, type World } from "./simulation.ts";

/** "a" holds a connection to "b" and sends a byte on it every `everyMs`, if asked; tells what "a" learns. */
async function conversation(world: World, everyMs?: number): Promise<{ closed: string; closedAt: number }> {
  const learned = { closed: "nothing", closedAt: 0 };
  world.process("b").start(async ({ network }) => {
    await network.listen({ host: "b", port: 1 }, (server) => {
      server.handle({ onData: () => undefined, onClose: () => undefined });
    });
  });
  world.process("a").start(async ({ network, clock }) => {
    await clock.sleep(100);
    const connection: Connection = await network.connect({ host: "b", port: 1 });
    connection.handle({
      onData: () => undefined,
      onClose(error) {
        learned.closed = (error as (Error & { code: string }) | undefined)?.code ?? "ended";
        learned.closedAt = world.clock.now();
      },
    });
    for (;;) {
      await clock.sleep(everyMs ?? 1_000_000);
      connection.write(Uint8Array.of(1));
    }
  });
  await world.clock.sleep(1000);
  return learned;
}

describe("when a process ends", () => {
  it("by a kill, its machine resets its connections", async () => {
    const { value, faults } = await simulate({ seed: 1 }, async (world) => {
      const learned = await conversation(world);
      world.process("b").kill();
      await world.clock.sleep(100);
      return learned;
    });
    expect(value.closed).toBe("ECONNRESET");
    expect(value.closedAt).toBeLessThan(1050);
    expect(faults).toEqual({ kill: 1, "connection-reset": 1 });
  });

  it("by a crash, the other side learns nothing while it is silent", async () => {
    const { value } = await simulate({ seed: 1 }, async (world) => {
      const learned = await conversation(world);
      world.process("b").crash();
      await world.clock.sleep(300_000);
      world.process("b").start(() => undefined);
      await world.clock.sleep(300_000);
      return learned;
    });
    expect(value.closed).toBe("nothing");
  });

  it("by a crash, one that sends gets a reset once the machine is back", async () => {
    const { value } = await simulate({ seed: 1 }, async (world) => {
      const learned = await conversation(world, 100);
      world.process("b").crash();
      await world.clock.sleep(5000);
      expect(learned.closed).toBe("nothing");
      world.process("b").start(() => undefined);
      await world.clock.sleep(1000);
      return learned;
    });
    expect(value.closed).toBe("ECONNRESET");
    expect(value.closedAt).toBeGreaterThan(6000);
  });

  it("by a crash for good, one that sends times out", async () => {
    const { value, faults } = await simulate({ seed: 1 }, async (world) => {
      const learned = await conversation(world, 100);
      world.process("b").crash();
      await world.clock.sleep(30_000);
      return learned;
    });
    expect(value.closed).toBe("ETIMEDOUT");
    expect(faults).toMatchObject({ crash: 1, "connection-timeout": 1 });
  });

  it.each(["crash", "kill"] as const)("by a %s, nothing of its life happens any more", async (end) => {
    const { value } = await simulate({ seed: 1 }, async (world) => {
      const happened: string[] = [];
      const process = world.process("b");
      let old: Runtime | undefined;
      process.start(async (runtime) => {
        old = runtime;
        await runtime.disk.makeDirectory("/d");
        const file = await runtime.disk.open("/d/f", { create: true });
        await runtime.network.listen({ host: "b", port: 1 }, () => happened.push("accepted"));
        await runtime.network.openDatagram({ host: "b", port: 2 }, () => happened.push("message"));
        await runtime.disk.lock("/d");
        runtime.clock.setTimer(50, () => happened.push("timer"));
        runtime.clock.defer(() => happened.push("defer"));
        void runtime.clock.sleep(50).then(() => happened.push("sleep"));
        void file.write(0, [Uint8Array.of(1)]).then(() => happened.push("write"));
        void runtime.network.connect({ host: "b", port: 1 }).then(() => happened.push("connect"));
        process[end]();
        // The rest of this turn still runs, as a machine would not stop between two instructions; it has no effect.
        void file.write(0, [Uint8Array.of(2)]).then(() => happened.push("write after"));
        void runtime.network.listen({ host: "b", port: 3 }, () => undefined).then(() => happened.push("listen after"));
        runtime.clock.setTimer(1, () => happened.push("timer after"));
        throw new Error("nobody is there to fail");
      });
      await world.clock.sleep(1000);
      expect(process.state).toBe("crashed");
      process.start(async (runtime) => {
        expect(runtime).not.toBe(old);
        expect(process.runtime).toBe(runtime);
        await runtime.disk.makeDirectory("/d");
        const lock = await runtime.disk.lock("/d");
        await lock.release();
        const listener = await runtime.network.listen({ host: "b", port: 1 }, () => undefined);
        happened.push(`new life on port ${listener.address.port}`);
      });
      await world.clock.sleep(1000);
      return happened;
    });
    expect(value).toEqual(["new life on port 1"]);
  });
});

describe("a paused process", () => {
  it("gets what came due and what arrived after it resumes, in order, while time went on", async () => {
    const { value, faults } = await simulate({ seed: 1 }, async (world) => {
      const happened: [string, number][] = [];
      const b = world.process("b");
      b.start(async ({ clock, network }) => {
        const note = (what: string): void => void happened.push([what, Math.round(clock.now() - start)]);
        await network.listen({ host: "b", port: 1 }, (server) => {
          note("accepted");
          server.handle({ onData: (bytes) => note(`data ${bytes.length}`), onClose: () => note("closed") });
        });
        const start = clock.now();
        clock.setTimer(200, () => note("late timer"));
        clock.setTimer(100, () => note("timer"));
      });
      world.process("a").start(async ({ clock, network }) => {
        await clock.sleep(300);
        const connection = await network.connect({ host: "b", port: 1 });
        connection.handle({ onData: () => undefined, onClose: () => undefined });
        connection.write(new Uint8Array(1));
        await clock.sleep(10);
        connection.end();
      });
      await world.clock.sleep(50);
      b.pause();
      expect(b.state).toBe("paused");
      await world.clock.sleep(950);
      expect(happened).toEqual([]);
      b.resume();
      await world.clock.sleep(100);
      return happened;
    });
    expect(value.map(([what]) => what)).toEqual(["timer", "late timer", "accepted", "data 1", "closed"]);
    expect(value.every(([, at]) => at >= 990)).toBe(true);
    expect(faults).toEqual({ pause: 1 });
  });

  it("can be killed, and then nothing that was held happens", async () => {
    const { value } = await simulate({ seed: 1 }, async (world) => {
      const learned = await conversation(world, 10);
      world.process("b").pause();
      await world.clock.sleep(100);
      world.process("b").kill();
      await world.clock.sleep(100);
      return learned.closed;
    });
    expect(value).toBe("ECONNRESET");
  });

  it("can be crashed, and whoever waits for it to confirm times out", async () => {
    const { value } = await simulate({ seed: 1 }, async (world) => {
      const learned = await conversation(world, 10);
      world.process("b").pause();
      await world.clock.sleep(100);
      world.process("b").crash();
      await world.clock.sleep(30_000);
      return learned.closed;
    });
    expect(value).toBe("ETIMEDOUT");
  });
});

describe("a simulated clock", () => {
  it("is skewed and drifts within its bounds, differently on every machine", async () => {
    await simulate({ seed: 4, clock: { maxSkewMs: 5000, maxDriftPpm: 500 } }, async (world) => {
      const clocks = ["a", "b", "c"].map((host) => world.process(host).clock);
      expect(new Set(clocks.map((clock) => clock.skewMs)).size).toBe(3);
      const before = clocks.map((clock) => clock.skewMs);
      await world.clock.sleep(1_000_000);
      for (const [index, clock] of clocks.entries()) {
        expect(Math.abs(before[index] as number)).toBeLessThanOrEqual(5000);
        expect(Math.abs(clock.driftPpm)).toBeLessThanOrEqual(500);
        expect(clock.skewMs - (before[index] as number)).toBeCloseTo(clock.driftPpm, 2);
      }
    });
  });

  it("jumps the wall time both ways, and never the monotonic time", async () => {
    const { faults } = await simulate({ seed: 1 }, async (world) => {
      const process = world.process("a");
      process.start(() => undefined);
      await world.clock.sleep(10);
      const { clock } = process.runtime;
      for (const jump of [60_000, -90_000]) {
        const [now, wall] = [clock.now(), clock.wallTime()];
        process.clock.jump(jump);
        expect(clock.wallTime() - wall).toBeCloseTo(jump, -1);
        expect(clock.now()).toBe(now);
      }
    });
    expect(faults).toEqual({ "wall-jump": 2 });
  });

  it("that runs at another rate never goes backwards, and its timers last as long as it counts", async () => {
    const { value, faults } = await simulate({ seed: 1 }, async (world) => {
      const process = world.process("a");
      let fired = 0;
      process.start(({ clock }) => {
        process.clock.setDrift(-500_000);
        clock.setTimer(100, () => {
          fired = world.clock.now();
        });
      });
      await world.clock.sleep(50);
      const before = process.runtime.clock.now();
      process.clock.setDrift(1000);
      expect(process.runtime.clock.now()).toBe(before);
      await world.clock.sleep(1000);
      expect(process.runtime.clock.now() - before).toBeCloseTo(1001);
      return fired;
    });
    expect(value).toBeCloseTo(200);
    expect(faults).toEqual({ "clock-drift": 2 });
  });
});
