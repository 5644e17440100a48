import { describe, expect, it } from "vitest";
import type { Connection } from "./runtime.ts";
import { simulate, type SimulationOptions, type SimulationResult, type World } from "./simulation.ts";

/** What one end of a connection was told, with the true time of it. */
interface End {
  connection: Connection;
  received: number[];
  receivedAt: number[];
  closed: string | undefined;
  closedAt: number;
}

interface Pair {
  world: World;
  client: End;
  server: End;
}

function listenTo(world: World, connection: Connection): End {
  const end: End = { connection, received: [], receivedAt: [], closed: undefined, closedAt: Number.NaN };
  connection.handle({
    onData(bytes) {
      end.received.push(...bytes);
      end.receivedAt.push(world.clock.now());
    },
    onClose(error) {
      end.closed = error === undefined ? "ended" : (error as Error & { code: string }).code;
      end.closedAt = world.clock.now();
    },
  });
  return end;
}

/** Connects process "a" to process "b" and runs `test` with both ends, two seconds into the run. */
function connected<T>(
  options: Partial<SimulationOptions>,
  test: (pair: Pair) => Promise<T>,
): Promise<SimulationResult<T>> {
  return simulate({ seed: 1, ...options }, async (world) => {
    let server: End | undefined;
    let client: End | undefined;
    world.process("b").start(async ({ network }) => {
      await network.listen({ host: "b", port: 1 }, (connection) => {
        server = listenTo(world, connection);
      });
    });
    world.process("a").start(async ({ network, clock }) => {
      await clock.sleep(1000);
      client = listenTo(world, await network.connect({ host: "b", port: 1 }));
    });
    world.process("c").start(() => undefined);
    await world.clock.sleep(2000);
    if (client === undefined || server === undefined) throw new Error("not connected after two seconds");
    return test({ world, client, server });
  });
}

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

describe("simulated streams", () => {
  it("take the latency of the link, each way", async () => {
    const options = { network: { latencyMs: 30, jitterMs: 0, split: 0 } };
    const { value } = await connected(options, async ({ world, client, server }) => {
      client.connection.write(bytes(1));
      client.connection.write(bytes(2));
      await world.clock.sleep(100);
      return server;
    });
    expect(value.received).toEqual([1, 2]);
    // One turn's writes are one segment.
    expect(value.receivedAt).toEqual([2030]);
  });

  it("reach their reader in pieces of any size", async () => {
    const options = { network: { split: 1 } };
    const { value } = await connected(options, async ({ world, client, server }) => {
      client.connection.write(bytes(1, 2, 3, 4));
      await world.clock.sleep(100);
      return server;
    });
    expect(value.received).toEqual([1, 2, 3, 4]);
    expect(value.receivedAt).toHaveLength(2);
  });

  it("lost bytes arrive late, in order", async () => {
    const options = { network: { loss: 0.4 } };
    const { value, faults } = await connected(options, async ({ world, client, server }) => {
      for (let count = 0; count < 50; count++) {
        client.connection.write(bytes(count));
        await world.clock.sleep(10);
      }
      await world.clock.sleep(15_000);
      return server;
    });
    expect(value.received).toEqual(Array.from({ length: 50 }, (_, index) => index));
    expect(faults["stream-retransmitted"]).toBeGreaterThan(10);
  });

  it("break at the sender when everything is lost", async () => {
    const { value, faults } = await connected({}, async ({ world, client, server }) => {
      world.network.setLink("a", "b", { loss: 1 });
      client.connection.write(bytes(1));
      await world.clock.sleep(25_000);
      return { client, server };
    });
    expect(value.client).toMatchObject({ closed: "ETIMEDOUT", closedAt: 22_000 });
    expect(value.server).toMatchObject({ closed: undefined, received: [] });
    expect(faults["connection-timeout"]).toBe(1);
  });

  it("hold bytes over a partition and deliver them after it heals", async () => {
    const { value, faults } = await connected({}, async ({ world, client, server }) => {
      world.network.partition(["a"], ["b", "c"]);
      client.connection.write(bytes(1));
      server.connection.write(bytes(9));
      await world.clock.sleep(5000);
      const during = [...server.received, ...client.received];
      client.connection.write(bytes(2));
      world.network.heal();
      await world.clock.sleep(1000);
      return { during, client, server };
    });
    expect(value.during).toEqual([]);
    expect(value.server).toMatchObject({ received: [1, 2], closed: undefined });
    expect(value.client).toMatchObject({ received: [9], closed: undefined });
    expect(faults).toMatchObject({ partition: 1, "stream-blocked": 2 });
  });

  it("also hold bytes that were under way when the partition came", async () => {
    const options = { network: { latencyMs: 50, jitterMs: 0 } };
    const { value, faults } = await connected(options, async ({ world, client, server }) => {
      client.connection.write(bytes(1));
      await world.clock.sleep(10);
      world.network.partition(["a"], ["b"]);
      await world.clock.sleep(1000);
      const during = server.received.length;
      world.network.heal();
      await world.clock.sleep(1000);
      return { during, after: server.received };
    });
    expect(value).toEqual({ during: 0, after: [1] });
    expect(faults["stream-blocked"]).toBe(1);
  });

  it("break when a partition outlasts their timeout, and the other side learns it when it sends", async () => {
    const { value, faults } = await connected({}, async ({ world, client, server }) => {
      world.network.partition(["a"], ["b"]);
      client.connection.write(bytes(1));
      await world.clock.sleep(21_000);
      world.network.heal();
      await world.clock.sleep(1000);
      const unaware = server.closed;
      server.connection.write(bytes(2));
      await world.clock.sleep(1000);
      return { unaware, client, server };
    });
    expect(value.client.closed).toBe("ETIMEDOUT");
    expect(value.unaware).toBeUndefined();
    expect(value.server).toMatchObject({ closed: "ECONNRESET", received: [] });
    expect(faults).toMatchObject({ "connection-timeout": 1, "connection-reset": 1 });
  });

  it("deliver over a one-way partition in the open direction, but break without confirmations", async () => {
    const { value } = await connected({}, async ({ world, client, server }) => {
      world.network.partition(["b"], ["a"], { oneWay: true });
      client.connection.write(bytes(1));
      server.connection.write(bytes(2));
      await world.clock.sleep(1000);
      const received = [client.received.length, server.received.length];
      await world.clock.sleep(24_000);
      return { received, client };
    });
    expect(value.received).toEqual([0, 1]);
    expect(value.client.closed).toBe("ETIMEDOUT");
  });

  it("survive a one-way partition that heals in time", async () => {
    const { value } = await connected({}, async ({ world, client, server }) => {
      world.network.isolate("b", "out");
      client.connection.write(bytes(1));
      await world.clock.sleep(10_000);
      world.network.heal();
      await world.clock.sleep(20_000);
      return { client, server };
    });
    expect(value.client.closed).toBeUndefined();
    expect(value.server.received).toEqual([1]);
  });

  it("pass nothing over a clogged link, and then everything", async () => {
    const { value, faults } = await connected({}, async ({ world, client, server }) => {
      client.connection.write(bytes(1));
      world.network.clog("a", "b", 3000);
      await world.clock.sleep(1);
      client.connection.write(bytes(2));
      server.connection.write(bytes(9));
      await world.clock.sleep(4000);
      return { client, server };
    });
    expect(value.server.received).toEqual([1, 2]);
    expect(value.server.receivedAt.every((at) => at >= 5000 && at < 5010)).toBe(true);
    expect(value.client.receivedAt[0]).toBeLessThan(2100);
    expect(faults["clog"]).toBe(1);
  });

  it("are reset on demand, at both ends, between two machines or all", async () => {
    const { value, faults } = await connected({}, async ({ world, client, server }) => {
      const others = world.network.breakConnections("a", "c");
      const these = world.network.breakConnections("b");
      await world.clock.sleep(1);
      return { others, these, client, server };
    });
    expect(value).toMatchObject({
      others: 0,
      these: 1,
      client: { closed: "ECONNRESET" },
      server: { closed: "ECONNRESET" },
    });
    expect(faults["connection-reset"]).toBe(2);
  });

  it("fill a bounded buffer towards a paused reader", async () => {
    const { value } = await connected({}, async ({ world, client, server }) => {
      world.process("b").pause();
      let sent = 0;
      while (client.connection.write(new Uint8Array(50_000)) || client.connection.bufferedBytes < 1_000_000) {
        sent += 50_000;
        await world.clock.sleep(10);
        if (client.connection.bufferedBytes > 500_000) break;
      }
      await world.clock.sleep(100_000);
      const paused = { buffered: client.connection.bufferedBytes, received: server.received.length };
      world.process("b").resume();
      await world.clock.sleep(1000);
      return {
        sent: sent + 50_000,
        paused,
        buffered: client.connection.bufferedBytes,
        received: server.received.length,
      };
    });
    expect(value.paused.received).toBe(0);
    expect(value.paused.buffered).toBeGreaterThan(200_000);
    expect(value.buffered).toBe(0);
    expect(value.received).toBeGreaterThan(500_000);
  });

  it("give the writer's bytes as they are when the turn ends, and never share memory", async () => {
    const shared = bytes(1, 2, 3);
    const { value } = await connected({ network: { split: 0 } }, async ({ world, client, server }) => {
      client.connection.write(shared);
      await world.clock.sleep(0);
      shared.fill(7);
      await world.clock.sleep(100);
      return server.received;
    });
    expect(value).toEqual([1, 2, 3]);
  });
});

describe("connecting", () => {
  it.each([
    ["a machine where nobody listens", "b", 99, "ECONNREFUSED"],
    ["a machine that does not exist", "nowhere", 1, "ENOTFOUND"],
    ["a machine that is off", "off", 1, "ETIMEDOUT"],
    ["a machine behind a partition", "cut", 1, "ETIMEDOUT"],
    ["a machine that cannot answer", "mute", 1, "ETIMEDOUT"],
  ])("to %s fails", async (_, host, port, code) => {
    const { value } = await simulate({ seed: 1 }, async (world) => {
      for (const name of ["b", "cut", "mute"]) {
        world.process(name).start(async ({ network }) => {
          await network.listen({ host: name, port: 1 }, () => undefined);
        });
      }
      world.process("off").crash();
      world.process("a");
      world.network.partition(["a"], ["cut"]);
      world.network.isolate("mute", "out");
      let outcome = "waiting";
      world.process("a").start(async ({ network, clock }) => {
        await clock.sleep(100);
        const start = clock.now();
        await network.connect({ host, port }, { timeoutMs: 700 }).then(
          () => (outcome = "connected"),
          (error: Error & { code: string }) => (outcome = error.code),
        );
        if (code === "ETIMEDOUT") expect(clock.now() - start).toBeCloseTo(700);
      });
      await world.clock.sleep(5000);
      return outcome;
    });
    expect(value).toBe(code);
  });

  it("waits for a partition to heal or a machine to come back", async () => {
    const { value } = await simulate({ seed: 1 }, async (world) => {
      const serve = (name: string): void =>
        world.process(name).start(async ({ network }) => {
          await network.listen({ host: name, port: 1 }, () => undefined);
        });
      world.process("off").crash();
      world.process("cut");
      serve("cut");
      world.network.isolate("cut");
      const connectedAt: Record<string, number> = {};
      world.process("a").start(async ({ network }) => {
        await Promise.all(
          ["off", "cut"].map(async (host) => {
            // Just started, the machine may still refuse.
            for (;;) {
              try {
                await network.connect({ host, port: 1 });
                break;
              } catch (error) {
                expect(error).toMatchObject({ code: "ECONNREFUSED" });
              }
            }
            connectedAt[host] = world.clock.now();
          }),
        );
      });
      await world.clock.sleep(3000);
      world.network.heal();
      await world.clock.sleep(3000);
      serve("off");
      await world.clock.sleep(3000);
      return connectedAt;
    });
    expect(value["cut"]).toBeGreaterThan(3000);
    expect(value["cut"]).toBeLessThan(3100);
    expect(value["off"]).toBeGreaterThan(6000);
    expect(value["off"]).toBeLessThan(6100);
  });

  it("refuses to listen under another machine's name", async () => {
    await simulate({ seed: 1 }, async (world) => {
      world.process("b");
      world.process("a").start(async ({ network }) => {
        await expect(network.listen({ host: "b", port: 1 }, () => undefined)).rejects.toMatchObject({
          code: "EADDRNOTAVAIL",
        });
        world.note("checked");
      });
      await world.clock.sleep(10);
      expect(world.traceLines().some((line) => line.endsWith("checked"))).toBe(true);
    });
  });
});
