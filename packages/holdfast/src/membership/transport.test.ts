import { describe, expect, it } from "vitest";
import { nodeRuntime, simulate, type Address, type Connection, type Runtime } from "../runtime/index.ts";
import type { Message } from "./message.ts";
import { PacketCodec } from "./packet.ts";
import { noTransportMetrics, type TransportMetrics } from "./transport-metrics.ts";
import { openTransport, type Transport } from "./transport.ts";

interface Side {
  readonly transport: Transport;
  readonly metrics: TransportMetrics;
  readonly told: string[];
}

const ping: Message = { type: "nack", seq: 1 };

async function open(
  { network, clock }: Runtime,
  listen: Address,
  options: { maxStreamBytes?: number; answers?: boolean } = {},
): Promise<Side> {
  const metrics = noTransportMetrics();
  const told: string[] = [];
  const codec = new PacketCodec({
    label: "",
    keyring: undefined,
    maxClockSkewMs: 1000,
    wallTime: () => clock.wallTime(),
    onDrop: (reason) => metrics.dropped[reason]++,
  });
  const transport: Transport = await openTransport({
    network,
    clock,
    codec,
    metrics,
    listen,
    streamTimeoutMs: 1000,
    maxStreamBytes: options.maxStreamBytes ?? 65_536,
    handler: {
      onPacket: (_, messages) => told.push(`packet of ${messages.length}`),
      onRequest(connection, messages) {
        told.push(`request of ${messages.length}`);
        if (options.answers === true) transport.reply({ connection, messages: [...messages, ping] });
        else transport.release(connection);
      },
      onAnswer: (exchange, messages) => told.push(`answer ${exchange} of ${messages.length}`),
      onFailed: (exchange) => told.push(`failed ${exchange}`),
    },
  });
  return { transport, metrics, told };
}

describe("openTransport", () => {
  it("takes one port for datagrams and streams, and gives both back", async () => {
    const runtime = nodeRuntime();
    const first = await open(runtime, { host: "127.0.0.1", port: 0 });
    const { address } = first.transport;
    await expect(open(runtime, address)).rejects.toMatchObject({ code: "EADDRINUSE" });
    await first.transport.close();
    await first.transport.close();
    await (await open(runtime, address)).transport.close();
  });

  it("ends every request in one answer or one failure", async () => {
    await simulate({ seed: 1, network: { streamTimeoutMs: 500 } }, async (world) => {
      const [a, b, silent] = ["a", "b", "silent"].map((host) => world.process(host));
      for (const process of [a!, b!, silent!]) process.start(() => undefined);
      const asking = await open(a!.runtime, { host: "a", port: 1 });
      await open(b!.runtime, { host: "b", port: 1 }, { answers: true });
      await open(silent!.runtime, { host: "silent", port: 1 });
      const hosts = ["b", "silent", "nobody"];
      hosts.forEach((host, at) => {
        asking.transport.request({ exchange: at, to: { host, port: 1 }, messages: [ping], timeoutMs: 800 });
      });
      asking.transport.request({ exchange: 9, to: { host: "b", port: 99 }, messages: [ping], timeoutMs: 800 });
      await world.clock.sleep(5000);
      expect(asking.told.toSorted()).toEqual(["answer 0 of 2", "failed 1", "failed 2", "failed 9"]);
      expect(asking.metrics).toMatchObject({ streamsOpened: 4, streamsFailed: 3 });
    });
  });

  it("opens no more than 64 streams at once, and fails the rest", async () => {
    await simulate({ seed: 2 }, async (world) => {
      const [a, b] = [world.process("a"), world.process("b")];
      for (const process of [a, b]) process.start(() => undefined);
      const asking = await open(a.runtime, { host: "a", port: 1 });
      const busy = await open(b.runtime, { host: "b", port: 1 });
      for (let at = 0; at < 70; at++) {
        asking.transport.request({ exchange: at, to: { host: "b", port: 1 }, messages: [ping], timeoutMs: 300 });
      }
      await world.clock.sleep(1000);
      expect(busy.told).toHaveLength(64);
      expect(asking.told).toHaveLength(70);
      expect(asking.metrics).toMatchObject({ streamsOpened: 64, streamsFailed: 70 });
    });
  });

  it("turns callers away beyond 64, and closes on those who say nothing or too much", async () => {
    await simulate({ seed: 3 }, async (world) => {
      const [a, stranger] = [world.process("a"), world.process("stranger")];
      for (const process of [a, stranger]) process.start(() => undefined);
      const asked = await open(a.runtime, { host: "a", port: 1 });
      let closed = 0;
      const call = async (): Promise<Connection> => {
        const connection = await stranger.runtime.network.connect({ host: "a", port: 1 });
        connection.handle({ onData: () => undefined, onClose: () => void closed++ });
        return connection;
      };
      const calls: Connection[] = [];
      for (let at = 0; at < 66; at++) calls.push(await call());
      await world.clock.sleep(100);
      expect(asked.metrics).toMatchObject({ streamsAccepted: 64, streamsRefused: 2 });
      expect(closed).toBe(2);
      // A length of 2^24, and the start of a packet that never ends.
      calls[0]!.write(Uint8Array.of(0, 0, 0, 1));
      calls[1]!.write(Uint8Array.of(9, 0, 0, 0, 1));
      await world.clock.sleep(2000);
      expect(closed).toBe(66);
      expect(asked.metrics.dropped).toMatchObject({ oversized: 1, truncated: 1 });
      expect(asked.told).toEqual([]);
      await call();
      await world.clock.sleep(100);
      expect(asked.metrics.streamsAccepted).toBe(65);
    });
  });

  it("drops a datagram above what members send", async () => {
    await simulate({ seed: 4 }, async (world) => {
      const [a, stranger] = [world.process("a"), world.process("stranger")];
      for (const process of [a, stranger]) process.start(() => undefined);
      const asked = await open(a.runtime, { host: "a", port: 1 });
      const socket = await stranger.runtime.network.openDatagram({ host: "stranger", port: 0 }, () => undefined);
      socket.send(new Uint8Array(8193), { host: "a", port: 1 });
      await world.clock.sleep(100);
      expect(asked.metrics).toMatchObject({ packetsReceived: 1, bytesReceived: 8193, dropped: { oversized: 1 } });
    });
  });
});
