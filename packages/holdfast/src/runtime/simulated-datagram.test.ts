import { describe, expect, it } from "vitest";
import type { DatagramSocket } from "./runtime.ts";
import { simulate, type SimulationOptions, type SimulationResult, type World } from "./simulation.ts";

/** Sends numbered datagrams from "a" to "b", one each millisecond, while `during` does things; tells what arrived. */
function send(
  count: number,
  options: Partial<SimulationOptions>,
  during: (world: World, sent: number) => void = () => undefined,
): Promise<SimulationResult<number[]>> {
  return simulate({ seed: 1, ...options }, async (world) => {
    const received: number[] = [];
    let socket: DatagramSocket | undefined;
    world.process("b").start(async ({ network }) => {
      await network.openDatagram({ host: "b", port: 1 }, (bytes) => received.push(bytes[0] as number));
    });
    world.process("a").start(async ({ network }) => {
      socket = await network.openDatagram({ host: "a", port: 1 }, () => undefined);
    });
    await world.clock.sleep(100);
    for (let number = 0; number < count; number++) {
      during(world, number);
      socket?.send(Uint8Array.of(number), { host: "b", port: 1 });
      await world.clock.sleep(1);
    }
    await world.clock.sleep(10_000);
    return received;
  });
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

describe("simulated datagrams", () => {
  it("arrive in order, once, over a link without faults", async () => {
    const { value, faults } = await send(50, { network: { jitterMs: 0 } });
    expect(value).toEqual(upTo(50));
    expect(faults).toEqual({});
  });

  it("get lost, and each loss is counted", async () => {
    const { value, faults } = await send(200, { network: { loss: 0.3, jitterMs: 0 } });
    expect(faults["datagram-lost"]).toBeGreaterThan(30);
    expect(value).toHaveLength(200 - (faults["datagram-lost"] ?? 0));
  });

  it("arrive twice, and each duplicate is counted", async () => {
    const { value, faults } = await send(100, { network: { duplicate: 0.3, jitterMs: 0 } });
    expect(faults["datagram-duplicated"]).toBeGreaterThan(10);
    expect(value).toHaveLength(100 + (faults["datagram-duplicated"] ?? 0));
  });

  it("overtake each other, and each one overtaken is counted", async () => {
    const { value, faults } = await send(100, { network: { reorder: 0.2, jitterMs: 0.5 } });
    expect(value.toSorted((a, b) => a - b)).toEqual(upTo(100));
    const overtaken = value.filter((number, at) => value.slice(0, at).some((earlier) => earlier > number));
    expect(overtaken.length).toBeGreaterThan(5);
    expect(faults["datagram-reordered"]).toBe(overtaken.length);
  });

  it("are lost to a partition, also those under way, and arrive again after it heals", async () => {
    const { value, faults } = await send(30, { network: { latencyMs: 2.5, jitterMs: 0 } }, (world, sent) => {
      if (sent === 10) world.network.partition(["a"], ["b"]);
      if (sent === 20) world.network.heal();
    });
    // Datagrams 8 and 9 were on their way.
    expect(value).toEqual([...upTo(8), ...upTo(30).slice(20)]);
    expect(faults).toEqual({ partition: 1, "datagram-blocked": 12 });
  });

  it("wait for a clogged link", async () => {
    const { value, faults } = await send(10, { network: { jitterMs: 0 } }, (world, sent) => {
      if (sent === 2) world.network.clog("a", "b", 1000);
    });
    expect(value).toEqual(upTo(10));
    expect(faults).toEqual({ clog: 1 });
  });

  it("wait for a paused process in a bounded queue", async () => {
    const { value, faults } = await send(256 + 44, { network: { jitterMs: 0 } }, (world, sent) => {
      const receiver = world.process("b");
      if (sent === 0) receiver.pause();
      if (sent === 299) world.clock.setTimer(500, () => receiver.resume());
    });
    expect(value).toHaveLength(256);
    expect(faults).toEqual({ pause: 1, "datagram-dropped": 44 });
  });

  it("are lost to a machine that is off or has no such socket", async () => {
    const { value, faults } = await send(10, {}, (world, sent) => {
      if (sent === 5) world.process("b").crash();
      if (sent === 8) world.process("b").start(() => undefined);
    });
    expect(value.every((number) => number < 6)).toBe(true);
    expect(faults).toEqual({ crash: 1 });
  });
});
