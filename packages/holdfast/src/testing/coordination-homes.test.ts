import { describe, it } from "vitest";
import { createMember, createMemoryMember, type Member } from "../coordination/index.ts";
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
