import { describe, expect, it } from "vitest";
import {
  simulate,
  type Clock,
  type Network,
  type Runtime,
  type SimulatedProcess,
  type World,
} from "../runtime/index.ts";
import type { FaultType } from "./fault.ts";
import { checkFaults, faultTypes } from "./check-faults.ts";
import type { FaultTarget } from "./fault-targets.ts";
import { injectFaults, type Injection } from "./inject-faults.ts";
import { MessageTap } from "./message-tap.ts";
import { tappedNetwork, turnBit } from "./tapped-network.ts";

const names = ["a", "b", "c"] as const;
type Name = (typeof names)[number];

interface Arrival {
  readonly from: Name;
  readonly to: Name;
  readonly at: number;
}

/** Three nodes that write to their disks and send each other numbered datagrams, every 10 ms by their own clocks. */
class Nodes {
  readonly world: World;
  readonly targets: Map<string, FaultTarget> = new Map();
  readonly arrivals: Arrival[] = [];
  readonly announced: string[] = [];
  /** Writes that failed, by code. */
  readonly failures: string[] = [];
  readonly starts: Map<Name, number> = new Map();

  constructor(world: World) {
    this.world = world;
    for (const name of names) {
      const process = world.process(`host-${name}`);
      const datagrams = new MessageTap({ falsify: turnBit, isReliable: false });
      const streams = new MessageTap({ falsify: turnBit, isReliable: true });
      const start = (): void => process.start((runtime) => this.#live(name, runtime, { datagrams, streams }));
      this.targets.set(name, { process, start, taps: [datagrams, streams] });
      start();
    }
  }

  async #live(
    name: Name,
    runtime: Runtime,
    taps: { readonly datagrams: MessageTap<Uint8Array>; readonly streams: MessageTap<Uint8Array> },
  ): Promise<void> {
    const { clock, disk } = runtime;
    this.starts.set(name, (this.starts.get(name) ?? 0) + 1);
    const nameOf = (host: string): string => host.replace("host-", "");
    const network = tappedNetwork(runtime.network, { ...taps, clock, nameOf });
    const file = await disk.open("/log", { create: true });
    const host = `host-${name}`;
    const socket = await network.openDatagram({ host, port: 1 }, (bytes, from) => {
      this.arrivals.push({ from: nameOf(from.host) as Name, to: name, at: this.world.clock.now() });
      expect(bytes).toHaveLength(2);
    });
    const ignore = { onData: () => undefined, onClose: () => undefined };
    await network.listen({ host, port: 2 }, (connection) => connection.handle(ignore));
    const next = names[(names.indexOf(name) + 1) % names.length]!;
    for (let number = 0; ; number++) {
      for (const other of names) {
        if (other !== name) socket.send(Uint8Array.of(number >> 8, number), { host: `host-${other}`, port: 1 });
      }
      if (number % 5 === 0) void this.#connect(network, clock, next);
      void this.#write(file, number);
      await clock.sleep(10);
    }
  }

  /** A connection that ends after the next has begun: one is always open. */
  async #connect(network: Network, clock: Clock, to: Name): Promise<void> {
    try {
      const connection = await network.connect({ host: `host-${to}`, port: 2 }, { timeoutMs: 50 });
      connection.handle({ onData: () => undefined, onClose: () => undefined });
      connection.write(Uint8Array.of(1));
      clock.setTimer(70, () => connection.destroy());
    } catch {
      // Cut off.
    }
  }

  async #write(file: Awaited<ReturnType<Runtime["disk"]["open"]>>, number: number): Promise<void> {
    try {
      await file.write(number * 2, [Uint8Array.of(number >> 8, number)]);
      await file.sync();
      await file.read(0, 100);
    } catch (error) {
      this.failures.push((error as { code: string }).code);
    }
  }

  arrived(from: Name, to: Name, after: number, before: number): number {
    return this.arrivals.filter((one) => one.from === from && one.to === to && one.at >= after && one.at < before)
      .length;
  }
}

interface Seen {
  readonly injection: Injection;
  readonly nodes: Nodes;
  readonly after: Readonly<Record<string, number>>;
  readonly later: Readonly<Record<string, number>>;
  /** Of "a", in the middle of the fault and at the end. */
  readonly during: State;
  readonly atTheEnd: State;
}

interface State {
  readonly state: string;
  readonly skewMs: number;
  readonly driftPpm: number;
  readonly isStopped: boolean;
}

function stateOf({ state, clock: { skewMs, driftPpm, isStopped } }: SimulatedProcess): State {
  // Drawn between minus 0 and 0.
  return { state, skewMs, driftPpm: driftPpm + 0, isStopped };
}

/** One fault from the second second to the third, and two seconds to see that it is gone. */
async function live(fault: object): Promise<Seen> {
  const { value } = await simulate({ seed: 3 }, async (world): Promise<Seen> => {
    const nodes = new Nodes(world);
    const injection = injectFaults(
      world,
      { nodes: nodes.targets, announce: (name, state) => nodes.announced.push(`${name} ${state}`) },
      checkFaults({
        seed: 1,
        lengthMs: 2_500,
        faults: [{ targets: ["a"], atMs: 1_000, durationMs: 1_000, ...fault }],
      }),
    );
    const { process } = nodes.targets.get("a")!;
    await world.clock.sleep(1_500);
    const during = stateOf(process);
    await injection.finished;
    await world.clock.sleep(500);
    const after = world.faults;
    await world.clock.sleep(2_000);
    return { injection, nodes, after, later: world.faults, during, atTheEnd: stateOf(process) };
  });
  return value;
}

/** By type: how it is described, what it counts as, and what it does. */
const rows: readonly {
  readonly fault: { readonly type: FaultType; readonly [option: string]: unknown };
  readonly happened: readonly string[];
  readonly check: (seen: Seen) => void;
}[] = [
  {
    fault: { type: "crash", recoveryMs: 200 },
    happened: ["crash"],
    check: ({ nodes, during }) => {
      expect(during.state).toBe("crashed");
      expect(nodes.starts.get("a")).toBe(2);
      expect(nodes.arrived("a", "b", 1_100, 2_190)).toBe(0);
      expect(nodes.arrived("a", "b", 2_200, 2_300)).toBeGreaterThan(7);
    },
  },
  {
    fault: { type: "crash", how: "kill" },
    happened: ["kill"],
    check: ({ during }) => expect(during.state).toBe("crashed"),
  },
  {
    fault: { type: "failStop", recoveryMs: 100 },
    happened: ["fail-stop", "kill"],
    check: ({ nodes }) => expect(nodes.announced).toEqual(["a stopped", "a back"]),
  },
  {
    fault: { type: "slow" },
    happened: ["pause"],
    check: ({ nodes, during }) => {
      expect(during.state).toBe("paused");
      expect(nodes.arrived("a", "b", 1_100, 2_000)).toBe(0);
      expect(nodes.starts.get("a")).toBe(1);
    },
  },
  {
    fault: { type: "slow", share: 0.7, everyMs: 50 },
    happened: ["pause"],
    check: ({ nodes, later }) => {
      expect(later["pause"]).toBe(20);
      // One round in each of the intervals, and one more in the 15 ms that it runs on.
      expect(nodes.arrived("a", "b", 1_000, 2_000)).toBeLessThan(60);
      expect(nodes.arrived("a", "b", 1_000, 2_000)).toBeGreaterThan(30);
    },
  },
  {
    fault: { type: "byzantine", behaviour: "silent" },
    happened: ["message-silenced"],
    check: ({ nodes }) => {
      expect(nodes.arrived("a", "b", 1_100, 2_000)).toBe(0);
      expect(nodes.arrived("b", "a", 1_100, 2_000)).toBeGreaterThan(80);
    },
  },
  {
    fault: { type: "byzantine", behaviour: "delayed", delayMs: 300 },
    happened: ["message-delayed"],
    check: ({ nodes }) => {
      expect(nodes.arrived("a", "b", 1_020, 1_290)).toBe(0);
      expect(nodes.arrived("a", "b", 1_310, 2_000)).toBeGreaterThan(60);
    },
  },
  {
    fault: { type: "byzantine", behaviour: "duplicate", share: 0.5, delayMs: 5 },
    happened: ["message-duplicated"],
    check: ({ nodes }) => expect(nodes.arrived("a", "b", 1_000, 2_000)).toBeGreaterThan(125),
  },
  {
    fault: { type: "byzantine", behaviour: "wrong", share: 0.5 },
    happened: ["message-wrong"],
    check: ({ nodes }) => expect(nodes.arrived("a", "b", 1_000, 2_000)).toBeGreaterThan(80),
  },
  {
    fault: { type: "partition" },
    happened: ["partition", "datagram-blocked"],
    check: ({ nodes }) => {
      expect(nodes.arrived("a", "b", 1_010, 2_000) + nodes.arrived("b", "a", 1_010, 2_000)).toBe(0);
      expect(nodes.arrived("b", "c", 1_010, 2_000)).toBeGreaterThan(80);
    },
  },
  {
    fault: { type: "partition", shape: "oneWay" },
    happened: ["partition", "datagram-blocked"],
    check: ({ nodes }) => {
      expect(nodes.arrived("a", "b", 1_010, 2_000)).toBe(0);
      expect(nodes.arrived("b", "a", 1_010, 2_000)).toBeGreaterThan(80);
    },
  },
  {
    fault: { type: "partition", shape: "bridge", targets: ["a", "b"] },
    happened: ["partition", "datagram-blocked"],
    check: ({ nodes }) => {
      expect(nodes.arrived("b", "c", 1_010, 2_000) + nodes.arrived("c", "b", 1_010, 2_000)).toBe(0);
      expect(nodes.arrived("a", "c", 1_010, 2_000)).toBeGreaterThan(80);
      expect(nodes.arrived("b", "a", 1_010, 2_000)).toBeGreaterThan(80);
    },
  },
  {
    fault: { type: "delay", delayMs: 200, jitterMs: 1 },
    happened: [],
    check: ({ nodes }) => {
      expect(nodes.arrived("a", "b", 1_020, 1_190)).toBe(0);
      expect(nodes.arrived("b", "a", 1_020, 1_190)).toBe(0);
      expect(nodes.arrived("b", "c", 1_020, 1_190)).toBeGreaterThan(12);
    },
  },
  {
    fault: { type: "loss", share: 0.5 },
    happened: ["datagram-lost", "stream-retransmitted"],
    check: ({ nodes }) => expect(nodes.arrived("a", "b", 1_000, 2_000)).toBeLessThan(75),
  },
  {
    fault: { type: "duplication", share: 0.5 },
    happened: ["datagram-duplicated", "message-duplicated"],
    check: ({ nodes }) => expect(nodes.arrived("a", "b", 1_000, 2_000)).toBeGreaterThan(125),
  },
  {
    fault: { type: "reordering", share: 0.5, withinMs: 50 },
    happened: ["message-late"],
    check: ({ nodes }) => expect(nodes.arrived("a", "b", 1_000, 2_000)).toBeGreaterThan(80),
  },
  {
    fault: { type: "clog" },
    happened: ["clog"],
    check: ({ nodes }) => {
      expect(nodes.arrived("a", "b", 1_010, 1_999)).toBe(0);
      expect(nodes.arrived("a", "b", 1_999, 2_010)).toBeGreaterThan(80);
    },
  },
  {
    fault: { type: "reset" },
    happened: ["connection-reset"],
    check: ({ nodes }) => expect(nodes.failures).toEqual([]),
  },
  {
    fault: { type: "corruptDisk", bits: 3 },
    happened: ["bit-rot"],
    check: ({ later }) => expect(later["bit-rot"]).toBe(3),
  },
  {
    fault: { type: "corruptDisk", share: 0.5 },
    happened: ["bit-rot"],
    check: ({ later }) => expect(later["bit-rot"]).toBeGreaterThan(25),
  },
  {
    fault: { type: "fullDisk", freeBytes: 10 },
    happened: ["disk-full"],
    check: ({ nodes, later }) => {
      expect(new Set(nodes.failures)).toEqual(new Set(["ENOSPC"]));
      // Five more writes of two bytes fit.
      expect(later["disk-full"]).toBeGreaterThan(80);
      expect(later["disk-full"]).toBeLessThan(97);
    },
  },
  {
    fault: { type: "slowDisk", extraMs: 5, share: 0.5 },
    happened: ["slow-sync"],
    check: ({ nodes, later }) => {
      expect(later["slow-sync"]).toBeGreaterThan(25);
      expect(nodes.failures).toEqual([]);
    },
  },
  {
    fault: { type: "failingSync", share: 0.5 },
    happened: ["sync-failed"],
    check: ({ nodes }) => expect(new Set(nodes.failures)).toEqual(new Set(["EIO"])),
  },
  {
    fault: { type: "clockSkew", byMs: -5_000 },
    happened: ["wall-jump"],
    check: ({ during }) => expect(during.skewMs).toBeCloseTo(-5_000),
  },
  {
    fault: { type: "clockDrift", ppm: -500_000 },
    happened: ["clock-drift"],
    check: ({ nodes, during }) => {
      expect(during.driftPpm).toBe(-500_000);
      expect(nodes.arrived("a", "b", 1_000, 2_000)).toBeLessThan(55);
    },
  },
  {
    fault: { type: "clockStop" },
    happened: ["clock-stopped"],
    check: ({ nodes, during }) => {
      expect(during.isStopped).toBe(true);
      expect(nodes.arrived("a", "b", 1_010, 2_000)).toBe(0);
    },
  },
];

describe("each fault", () => {
  it.each(rows.map((row) => [JSON.stringify(row.fault), row] as const))(
    "%s happens for its time, and is gone after it",
    async (_, { fault, happened, check }) => {
      const seen = await live(fault);
      expect(seen.injection.struck).toEqual({ [fault.type]: 1 });
      for (const kind of happened) expect(seen.injection.happened[kind], kind).toBeGreaterThan(0);
      check(seen);
      expect(seen.later).toEqual(seen.after);
      const { nodes } = seen;
      for (const from of names) {
        for (const to of names) if (to !== from) expect(nodes.arrived(from, to, 3_500, 4_500)).toBeGreaterThan(80);
      }
      const { skewMs, ...state } = seen.atTheEnd;
      expect(state).toEqual({ state: "running", driftPpm: 0, isStopped: false });
      // A clock that ran slow or stood still is behind for good; one that jumped has jumped back.
      if (fault.type === "clockSkew") expect(skewMs).toBeCloseTo(0);
    },
  );

  it("is in the table", () => {
    expect(new Set(rows.map(({ fault }) => fault.type))).toEqual(new Set(faultTypes));
  });
});
