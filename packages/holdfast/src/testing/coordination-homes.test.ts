import { describe, it } from "vitest";
import {
  createMember,
  createMemoryMember,
  remoteCoordination,
  serveCoordination,
  type Member,
} from "../coordination/index.ts";
import { simulate, type World } from "../runtime/index.ts";
import { coordinationConformance, VirtualClock } from "./index.ts";

coordinationConformance({
  name: "a member in memory",
  describe,
  it,
  async run(test) {
    const clock = new VirtualClock();
    const coordination = createMemoryMember({ clock });
    await test({ coordination, other: coordination, sleep: (ms) => clock.advance(ms) });
    await coordination.close();
  },
});

const hosts = ["a", "b", "c"];

function start(world: World, name: string): Promise<Member> {
  const process = world.process(name);
  process.start(() => undefined);
  const peer = { host: name, port: 2380 };
  const members = hosts.map((host) => ({ name: host, peer: { host, port: 2380 } }));
  return createMember({
    runtime: process.runtime,
    name,
    directory: "/data",
    peer,
    cluster: { name: "homes", members },
    clientUrls: [],
    httpUrls: [],
  });
}

coordinationConformance({
  name: "a simulated cluster of three",
  describe,
  it,
  async run(test) {
    await simulate({ seed: 1 }, async (world) => {
      const members = await Promise.all(hosts.map((host) => start(world, host)));
      while (!members.some((member) => member.status().role === "leader")) await world.clock.sleep(50);
      const leader = members.find((member) => member.status().role === "leader")!;
      const follower = members.find((member) => member !== leader)!;
      await test({ coordination: follower, other: leader, sleep: (ms) => world.clock.sleep(ms) });
      for (const member of members) await member.close();
    });
  },
});

coordinationConformance({
  name: "a simulated cluster of three, over its own protocol",
  describe,
  it,
  async run(test) {
    await simulate({ seed: 1 }, async (world) => {
      const members = await Promise.all(hosts.map((host) => start(world, host)));
      for (const [at, member] of members.entries()) {
        const { network, clock } = world.process(hosts[at]!).runtime;
        const service = serveCoordination({ member, clock });
        await network.listen({ host: hosts[at]!, port: 2379 }, (connection) => service.accept(connection));
      }
      world.process("client").start(() => undefined);
      const { runtime } = world.process("client");
      const endpoints = hosts.map((host) => `${host}:2379`);
      const coordination = remoteCoordination({ runtime, endpoints });
      const other = remoteCoordination({ runtime, endpoints: endpoints.toReversed() });
      await test({ coordination, other, sleep: (ms) => world.clock.sleep(ms) });
      await coordination.close();
      await other.close();
      for (const member of members) await member.close();
    });
  },
});
