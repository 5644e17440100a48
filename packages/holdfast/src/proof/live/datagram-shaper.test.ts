import { describe, expect, it } from "vitest";
import { seededRandom } from "../../runtime/index.ts";
import { VirtualClock } from "../../testing/index.ts";
import { DatagramShaper } from "./datagram-shaper.ts";
import type { FaultParameters } from "./live-fault.ts";
import { checkNetworkFault, networkFault, type NetworkFaultKind } from "./network-fault.ts";
import { StruckConnection, type ProxyFault } from "./struck-connection.ts";

class Flow {
  readonly clock: VirtualClock = new VirtualClock();
  readonly log: [at: number, what: string][] = [];
  readonly shaper: DatagramShaper;
  strikes: number = 0;

  constructor(maxHeldBytes: number = 1_000_000) {
    this.shaper = new DatagramShaper({
      clock: this.clock,
      random: seededRandom(1),
      maxHeldBytes,
      send: (bytes) => this.log.push([Math.round(this.clock.now()), Buffer.from(bytes).toString("latin1")]),
    });
  }

  set(given: Partial<Record<NetworkFaultKind, FaultParameters>>): void {
    const connection = new StruckConnection(seededRandom(1));
    const faults = Object.entries(given).map(([kind, parameters]): ProxyFault => {
      const known = kind as NetworkFaultKind;
      return { fault: networkFault(kind, known, checkNetworkFault(known, parameters)), strike: () => this.strikes++ };
    });
    this.shaper.setFaults(connection.inDirection(connection.meet(faults), "down"));
  }

  push(...texts: readonly string[]): void {
    for (const text of texts) this.shaper.push(Buffer.from(text, "latin1"));
  }

  get texts(): string[] {
    return this.log.map(([, what]) => what);
  }
}

const numbers = Array.from({ length: 1_000 }, (_, at) => String(at));

describe("a flow of datagrams", () => {
  it("passes everything at once without faults", () => {
    const flow = new Flow();
    flow.push(...numbers);
    expect(flow.texts).toEqual(numbers);
  });

  it("loss: a share is lost", async () => {
    const flow = new Flow();
    flow.set({ loss: { share: 0.3 } });
    flow.push(...numbers);
    await flow.clock.advance(0);
    expect(flow.texts.length).toBeGreaterThan(650);
    expect(flow.texts.length).toBeLessThan(750);
    expect(flow.strikes).toBe(1_000 - flow.texts.length);
  });

  it("duplication: a share comes twice, soon after", async () => {
    const flow = new Flow();
    flow.set({ duplication: { share: 0.2, withinMs: 50 } });
    flow.push(...numbers);
    await flow.clock.advance(100);
    expect(new Set(flow.texts).size).toBe(1_000);
    expect(flow.texts.length).toBe(1_000 + flow.strikes);
    expect(flow.strikes).toBeGreaterThan(150);
    expect(flow.log.every(([at]) => at <= 50)).toBe(true);
  });

  it("reordering: a share is overtaken, and nothing is lost", async () => {
    const flow = new Flow();
    flow.set({ reordering: { share: 0.2, withinMs: 20 } });
    for (const number of numbers) {
      flow.push(number);
      await flow.clock.advance(1);
    }
    await flow.clock.advance(30);
    expect(flow.texts).not.toEqual(numbers);
    expect(flow.texts.toSorted((one, other) => Number(one) - Number(other))).toEqual(numbers);
    expect(flow.strikes).toBeGreaterThan(150);
  });

  it("delay and bandwidth: late, and no faster than that", async () => {
    const flow = new Flow();
    flow.set({ delay: { delayMs: 40 }, bandwidth: { bytesPerSecond: 1_000 } });
    flow.push("x".repeat(10), "y".repeat(10));
    await flow.clock.advance(100);
    expect(flow.log.map(([at]) => at)).toEqual([50, 60]);
  });

  it.each(["blackHole", "partition"] as const)("%s: all are lost, and later ones pass", async (kind) => {
    const flow = new Flow();
    flow.set({ [kind]: {} });
    flow.push("a", "b");
    flow.set({});
    flow.push("c");
    await flow.clock.advance(100);
    expect([flow.texts, flow.strikes]).toEqual([["c"], 2]);
  });

  it("clog: they wait, up to the bound, and then all of them pass", async () => {
    const flow = new Flow(3);
    flow.set({ clog: {} });
    flow.push("a", "b", "c", "d");
    await flow.clock.advance(1_000);
    expect([flow.texts, flow.clock.pending]).toEqual([[], 0]);
    flow.set({});
    expect(flow.texts).toEqual(["a", "b", "c"]);
  });

  it("corrupt: a bit turns", () => {
    const flow = new Flow();
    flow.set({ corrupt: { share: 1 } });
    flow.push("a");
    expect(flow.texts[0]).not.toBe("a");
  });

  it("what is held leaves when the faults go, and nothing after the end", async () => {
    const flow = new Flow();
    flow.set({ delay: { delayMs: 50_000 } });
    flow.push("a", "b");
    flow.set({});
    expect(flow.texts).toEqual(["a", "b"]);
    flow.set({ delay: { delayMs: 10 } });
    flow.push("c");
    flow.shaper.close();
    await flow.clock.advance(100);
    expect([flow.texts, flow.clock.pending]).toEqual([["a", "b"], 0]);
  });
});
