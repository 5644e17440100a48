import { describe, expect, it } from "vitest";
import { simulate, type World } from "../../runtime/index.ts";
import type { Coordination } from "../coordination.ts";
import { createMember } from "../member.ts";
import { remoteCoordination } from "./remote-coordination.ts";
import { serveCoordination } from "./remote-service.ts";
import type { ReplicatedMember } from "../replicated-member.ts";

const hosts = ["a", "b", "c"];
const endpoints = hosts.map((host) => `${host}:2379`);
const bytes = (value: string): Uint8Array => new TextEncoder().encode(value);
const text = (value: Uint8Array): string => new TextDecoder().decode(value);
const everything = { key: new Uint8Array(1), rangeEnd: new Uint8Array(1) };

const members = new Map<string, ReplicatedMember>();

/** A member, and what serves it, in a process of its own. */
function start(world: World, name: string): void {
  world.process(name).start(async (runtime) => {
    const member = await createMember({
      runtime,
      name,
      directory: "/data",
      peer: { host: name, port: 2380 },
      cluster: { name: "remote", members: hosts.map((host) => ({ name: host, peer: { host, port: 2380 } })) },
      clientUrls: [],
      httpUrls: [],
      snapshotEntries: 100,
      trailingEntries: 20,
    });
    members.set(name, member);
    const service = serveCoordination({ member, clock: runtime.clock });
    await runtime.network.listen({ host: name, port: 2379 }, (connection) => service.accept(connection));
  });
}

function client(
  world: World,
  host: string,
  order: readonly string[] = endpoints,
): ReturnType<typeof remoteCoordination> {
  world.process(host).start(() => undefined);
  return remoteCoordination({ runtime: world.process(host).runtime, endpoints: order, timeoutMs: 20_000 });
}

function leaderHost(): string {
  return hosts.find((host) => members.get(host)?.status().role === "leader") ?? "a";
}

/** One fault after the other, each over before the next. */
async function harass(world: World): Promise<void> {
  for (let round = 0; round < 12; round++) {
    await world.clock.sleep(world.random.integer(50, 250));
    const draw = round % 4;
    const victim = world.random.integer(0, 1) === 0 ? leaderHost() : hosts[world.random.integer(0, 2)]!;
    if (draw === 0) {
      if (world.network.breakConnections("client") > 0) world.fault("client-cut", "client");
    } else if (draw === 1) {
      if (world.network.breakConnections("watcher") > 0) world.fault("watcher-cut", "watcher");
    } else if (draw === 2) {
      world.fault("member-killed", victim);
      world.process(victim).kill();
      await world.clock.sleep(world.random.integer(100, 600));
      start(world, victim);
    } else {
      // Its peers do not hear it, its clients do: they must find out by themselves.
      const others = hosts.filter((host) => host !== victim);
      world.fault("member-cut-off", victim);
      const heal = world.network.partition([victim], others);
      await world.clock.sleep(world.random.integer(500, 2_500));
      heal();
    }
  }
}

async function write(
  world: World,
  coordination: Coordination,
  writer: number,
  acknowledged: Map<string, number>,
  until: () => boolean,
): Promise<void> {
  for (let at = 0; !until(); at++) {
    const key = `writes/${writer}/${at}`;
    const { header } = await coordination.put({ key: bytes(key), value: bytes(key) });
    acknowledged.set(key, header.revision);
    await world.clock.sleep(world.random.next() * 20);
  }
}

describe("over lines that break and members that die", () => {
  it.each([1, 2, 3, 4, 5, 6])("every write is applied once and watches tell all of them (seed %i)", async (seed) => {
    const { faults } = await simulate({ seed }, async (world) => {
      members.clear();
      for (const host of hosts) start(world, host);
      const coordination = client(world, "client");
      const watching = client(world, "watcher", endpoints.toReversed());
      const watcher = await watching.watch({ ...everything, startRevision: 1 });
      const acknowledged = new Map<string, number>();
      let over = false;
      const writers = Array.from({ length: 8 }, (_, at) => write(world, coordination, at, acknowledged, () => over));
      await harass(world);
      over = true;
      await Promise.all(writers);

      const { pairs, header } = await coordination.range(everything);
      expect(pairs.length).toBe(acknowledged.size);
      expect(pairs.length).toBeGreaterThan(100);
      // The first revision of an empty store is 1; one more for each put, and none for a put sent again.
      expect(header.revision).toBe(1 + pairs.length);
      for (const pair of pairs) {
        expect(pair.version).toBe(1);
        expect(acknowledged.get(text(pair.key))).toBe(pair.modRevision);
      }
      const told: number[] = [];
      while (told.length < pairs.length) {
        const { value } = await watcher.next();
        for (const event of value!.events) told.push(event.pair.modRevision);
      }
      expect(told).toEqual(pairs.map((pair) => pair.modRevision).sort((left, right) => left - right));
      await coordination.close();
      await watching.close();
    });
    const { "client-cut": clientCut = 0, "watcher-cut": watcherCut = 0, "member-killed": killed = 0 } = faults;
    expect(Math.min(clientCut, watcherCut, killed + (faults["member-cut-off"] ?? 0))).toBeGreaterThan(0);
  });
});
