import { describe, expect, it } from "vitest";
import { simulate, type World } from "../runtime/index.ts";
import { createMember } from "./member.ts";
import type { ReplicatedMember } from "./replicated-member.ts";
import { restoreMember } from "./restore-member.ts";

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const clusterOf = (name: string, hosts: readonly string[]) => {
  return { name, members: hosts.map((host) => ({ name: host, peer: { host, port: 2380 } })) };
};

async function startMember(
  world: World,
  cluster: string,
  hosts: readonly string[],
  name: string,
): Promise<ReplicatedMember> {
  return await createMember({
    runtime: world.process(name).runtime,
    name,
    directory: "/data",
    peer: { host: name, port: 2380 },
    cluster: clusterOf(cluster, hosts),
    clientUrls: [],
    httpUrls: [],
  });
}

async function backup(member: ReplicatedMember): Promise<{ readonly chunks: Uint8Array[]; readonly size: number }> {
  const state = await member.maintenance.backup();
  const chunks: Uint8Array[] = [];
  for await (const chunk of state.chunks) chunks.push(Uint8Array.from(chunk));
  return { chunks, size: state.size };
}

describe("a backup", () => {
  it("starts a cluster of other members with the keys, leases and users of the old one", async () => {
    await simulate({ seed: 1 }, async (world) => {
      for (const host of ["a", "b", "c", "d"]) world.process(host).start(() => undefined);
      const old = await startMember(world, "old", ["a"], "a");
      await world.clock.sleep(3000);
      for (let at = 0; at < 300; at++) await old.put({ key: text(`k${at}`), value: new Uint8Array(500).fill(at) });
      const { id } = await old.leaseGrant({ id: 0n, ttlSeconds: 60 });
      await old.put({ key: text("leased"), value: text("1"), lease: id });
      await old.maintenance.raiseAlarm({ member: old.id, type: "NOSPACE" });
      const { chunks, size } = await backup(old);
      expect(chunks.reduce((sum, chunk) => sum + chunk.length, 0)).toBe(size);
      expect(chunks.length).toBeGreaterThan(2);
      const { revision } = old.status();
      const hosts = ["b", "c", "d"];
      for (const host of hosts) {
        const options = { directory: "/data", name: host, cluster: clusterOf("new", hosts), chunks };
        const { disk } = world.process(host).runtime;
        expect(await restoreMember({ disk, ...options })).toEqual({ revision });
        await expect(restoreMember({ disk, ...options })).rejects.toThrow("seed.directory must be empty");
      }
      const all = await Promise.all(hosts.map((host) => startMember(world, "new", hosts, host)));
      await world.clock.sleep(3000);
      for (const member of all) {
        const { pairs, header } = await member.range({ key: text("k299") });
        expect([pairs[0]?.value, header.revision]).toEqual([new Uint8Array(500).fill(299), revision]);
        expect(
          member
            .members()
            .map(({ name }) => name)
            .toSorted(),
        ).toEqual(hosts);
        expect(member.status().alarms).toEqual([]);
        expect((await member.leases()).leases).toEqual([id]);
      }
      await all[0]!.put({ key: text("after"), value: text("1") });
      expect((await all[2]!.range({ key: text("after") })).count).toBe(1);
    });
  });

  it("is refused when it is none", async () => {
    await simulate({ seed: 1 }, async (world) => {
      world.process("a").start(() => undefined);
      const { disk } = world.process("a").runtime;
      const options = { disk, directory: "/data", name: "a", cluster: clusterOf("new", ["a"]) };
      await expect(restoreMember({ ...options, chunks: [text("nonsense")] })).rejects.toMatchObject({
        code: "MALFORMED",
      });
      await expect(restoreMember({ ...options, name: "b", chunks: [] })).rejects.toMatchObject({
        code: "INVALID_ARGUMENT",
      });
      await expect(disk.list("/data")).rejects.toMatchObject({ code: "ENOENT" });
    });
  });
});
