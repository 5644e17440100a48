import { describe, expect, it } from "vitest";
import type { Network } from "./runtime.ts";
import { simulate, simulationReport, type SimulationOptions, type SimulationResult, type World } from "./simulation.ts";

/** A node that talks to two others over streams and datagrams, and writes what it hears to its disk. */
function startNode(world: World, host: string, others: readonly string[]): void {
  world.process(host).start(async ({ clock, random, network, disk }) => {
    await disk.makeDirectory("/log");
    const file = await disk.open("/log/heard", { create: true });
    await disk.syncDirectory("/log");
    let offset = await file.size();
    const record = (bytes: Uint8Array): void => {
      const at = offset;
      offset += bytes.length;
      file.write(at, [bytes]).then(
        () => file.sync().catch(() => undefined),
        () => undefined,
      );
    };
    await network.listen({ host, port: 1 }, (connection) => {
      connection.handle({ onData: record, onClose: () => undefined });
    });
    const socket = await network.openDatagram({ host, port: 1 }, record);
    for (;;) {
      await clock.sleep(random.next() * 20);
      const to = others[random.integer(0, others.length - 1)] as string;
      socket.send(random.bytes(20), { host: to, port: 1 });
      void tell(network, to, random.bytes(2000));
    }
  });
}

async function tell(network: Network, host: string, bytes: Uint8Array): Promise<void> {
  try {
    const connection = await network.connect({ host, port: 1 }, { timeoutMs: 100 });
    connection.handle({ onData: () => undefined, onClose: () => undefined });
    connection.write(bytes);
    connection.end();
  } catch (error) {
    expect(error).toMatchObject({ code: expect.stringMatching(/^ECONNREFUSED|ETIMEDOUT$/) });
  }
}

const hosts = ["a", "b", "c"];

/** Three nodes, and every kind of fault, drawn. */
function busy(seed: number, change: (world: World) => void = () => undefined): Promise<SimulationResult<string>> {
  const options: SimulationOptions = {
    seed,
    network: { loss: 0.02, duplicate: 0.02, reorder: 0.05 },
    disk: { writeError: 0.001, syncError: 0.001, slowSync: 0.01, bitRot: 0.001 },
    clock: { maxSkewMs: 1000, maxDriftPpm: 100 },
  };
  return simulate(options, async (world) => {
    const { random, network, clock } = world;
    for (const host of hosts) startNode(world, host, hosts);
    change(world);
    for (let round = 0; round < 60; round++) {
      await clock.sleep(random.next() * 100);
      const host = hosts[random.integer(0, 2)] as string;
      const process = world.process(host);
      const faults = [
        () => process.crash(),
        () => process.kill(),
        () => process.pause(),
        () => process.resume(),
        () => network.isolate(host),
        () => network.heal(),
        () => network.clog(host, "a", 50),
        () => void network.breakConnections(host),
        () => process.clock.jump(random.integer(-100, 100)),
      ];
      faults[random.integer(0, faults.length - 1)]?.();
      if (process.state === "crashed") startNode(world, host, hosts);
    }
    return hosts.map((host) => world.process(host).disk.content("/log/heard")?.length ?? 0).join();
  });
}

describe("simulate", () => {
  it("gives the same run for the same seed, and another for another", async () => {
    const runs = [await busy(1), await busy(1), await busy(2)];
    expect(runs[0]).toEqual(runs[1]);
    expect(runs[0]?.steps).toBeGreaterThan(5000);
    expect(runs[2]?.traceHash).not.toBe(runs[0]?.traceHash);
    expect(runs[2]?.value).not.toBe(runs[0]?.value);
    for (const kind of [
      "crash",
      "kill",
      "pause",
      "isolation",
      "clog",
      "connection-reset",
      "datagram-lost",
      "wall-jump",
    ]) {
      expect(runs[0]?.faults[kind], kind).toBeGreaterThan(0);
    }
  });

  it("gives the same run beside others in the same thread, and real work in between", async () => {
    const alone = await busy(3);
    const together = await Promise.all([busy(3), busy(4), busy(3)]);
    expect(together[0]).toEqual(alone);
    expect(together[2]).toEqual(alone);
  });

  it("tells in the hash that a note, a draw or an event was added", async () => {
    const hashes = new Set([(await busy(5)).traceHash]);
    hashes.add((await busy(5, (world) => world.note("here"))).traceHash);
    hashes.add((await busy(5, (world) => void world.random.next())).traceHash);
    hashes.add((await busy(5, (world) => void world.clock.setTimer(50, () => undefined))).traceHash);
    expect(hashes.size).toBe(4);
  });

  it("keeps streams of draws apart: a fault in one place shifts nothing in another", async () => {
    const arrivals = (extra: boolean): Promise<SimulationResult<number[]>> =>
      simulate({ seed: 6 }, async (world) => {
        const times: number[] = [];
        for (const host of hosts) {
          world.process(host).start(async ({ network, clock }) => {
            const socket = await network.openDatagram({ host, port: 1 }, (_, from) => {
              if (host === "b" && from.host === "a") times.push(world.clock.now());
            });
            for (;;) {
              await clock.sleep(10);
              if (host === "a") socket.send(Uint8Array.of(1), { host: "b", port: 1 });
              if (extra && host === "c") socket.send(Uint8Array.of(1), { host: "b", port: 1 });
            }
          });
        }
        await world.clock.sleep(1000);
        return times;
      });
    const [without, together] = [await arrivals(false), await arrivals(true)];
    expect(without.value.length).toBeGreaterThan(50);
    expect(together.value).toEqual(without.value);
    expect(together.traceHash).not.toBe(without.traceHash);
  });

  it("runs everything an event caused, to the last microtask, before the next event and the step's callbacks", async () => {
    const log: string[] = [];
    const settle = async (name: string): Promise<void> => {
      for (let count = 0; count < 20; count++) await Promise.resolve();
      process.nextTick(() => void Promise.resolve().then(() => log.push(`${name} settled`)));
    };
    await simulate({ seed: 1 }, async (world) => {
      world.process("a").start(({ clock }) => {
        for (const name of ["x", "y"]) {
          clock.setTimer(10, () => {
            log.push(name);
            void settle(name);
          });
        }
      });
      await world.clock.sleep(5);
      const stop = world.onStep(() => log.push("step"));
      await world.clock.sleep(20);
      stop();
      await world.clock.sleep(20);
    });
    expect(log).toEqual(["step", "x", "x settled", "step", "y", "y settled", "step"]);
  });

  it.each([
    ["the test", async () => Promise.reject(new Error("boom"))],
    ["a process's main", async (world: World) => startAndWait(world, () => Promise.reject(new Error("boom")))],
    ["a timer", async (world: World) => startAndWait(world, ({ clock }) => void clock.setTimer(5, boom))],
    ["a step's callback", async (world: World) => (world.onStep(boom), startAndWait(world, () => undefined))],
  ] as [string, (world: World) => Promise<void>][])(
    "ends with what %s throws, and tells how the run went",
    async (_, main) => {
      const error = await simulate({ seed: 11 }, main).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      expect(error).toMatchObject({ message: "boom" });
      const report = simulationReport(error);
      expect(report).toMatchObject({ seed: 11, faults: {} });
      expect(report?.virtualMs).toBeLessThan(100);
      expect(report?.traceHash).toMatch(/^[0-9a-f]{16}$/);
    },
  );

  it("ends with what a handler of a connection throws", async () => {
    const run = simulate({ seed: 1 }, async (world) => {
      world.process("a").start(async ({ network }) => {
        await network.listen({ host: "a", port: 1 }, (server) => {
          server.handle({ onData: boom, onClose: () => undefined });
        });
        const client = await network.connect({ host: "a", port: 1 });
        client.handle({ onData: () => undefined, onClose: () => undefined });
        client.write(Uint8Array.of(1));
      });
      await world.clock.sleep(1000);
    });
    await expect(run).rejects.toThrow("boom");
  });

  it("ends a run that waits for ever, or does not end", async () => {
    const forever = (world: World): Promise<void> =>
      startAndWait(world, ({ clock }) => tick(clock.setTimer.bind(clock)), 1e9);
    await expect(simulate({ seed: 1 }, () => new Promise(() => undefined))).rejects.toThrow(
      /nothing is left to happen/,
    );
    await expect(simulate({ seed: 1, maxVirtualMs: 500 }, forever)).rejects.toThrow("beyond maxVirtualMs (500)");
    await expect(simulate({ seed: 1, maxSteps: 300 }, forever)).rejects.toThrow("beyond maxSteps (300)");
  });

  it("keeps the last lines of the trace", async () => {
    const { trace } = await simulate({ seed: 1, trace: 3 }, async (world) => {
      for (let count = 0; count < 10; count++) {
        world.note(`note ${count}`);
        await world.clock.sleep(1);
      }
    });
    expect(trace).toEqual(["9.000 world sleep", "9.000 note 9", "10.000 world sleep"]);
  });

  it.each([
    [{ seed: 0.5 }, "seed must be a safe integer (got 0.5)"],
    [{ seed: 1, network: { loss: 2 } }, "simulate.network.loss must be a number in 0..1 (got 2)"],
    [{ seed: 1, disk: { syncMs: -1 } }, "simulate.disk.syncMs must be a number >= 0 (got -1)"],
    [{ seed: 1, maxSteps: 0 }, "simulate.maxSteps must be a number > 0 (got 0)"],
  ])("refuses the options %j", async (options, message) => {
    await expect(simulate(options, () => undefined)).rejects.toThrow(message);
  });

  it("refuses what makes no sense: a second start, hosts that are not there, options too late", async () => {
    await simulate({ seed: 1 }, (world) => {
      const process = world.process("a");
      expect(() => process.runtime).toThrow("process a has not been started");
      process.start(() => undefined);
      expect(() => process.start(() => undefined)).toThrow("process a is running already");
      expect(() => world.process("a", {})).toThrow("process a exists already");
      expect(() => world.network.isolate("z")).toThrow('host must be a process of this world (got "z")');
    });
  });
});

function boom(): never {
  throw new Error("boom");
}

function tick(setTimer: (delayMs: number, callback: () => void) => unknown): void {
  setTimer(1, () => tick(setTimer));
}

async function startAndWait(
  world: World,
  main: Parameters<ReturnType<World["process"]>["start"]>[0],
  forMs = 1000,
): Promise<void> {
  world.process("a").start(main);
  await world.clock.sleep(forMs);
}
