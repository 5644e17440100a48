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

describe("a backup", () => {
  it("starts a cluster of other members with the keys, leases and users of the old one", async () => {
    await simulate({ seed: 1 }, async (world) => {
      for (const host of ["a", "b", "c", "d"]) world.process(host).start(() => undefined);
      const old = await startMember(world, "old", ["a"], "a");
      await world.clock.sleep(3000);
      for (let at = 0; at < 300; at++) await old.put({ key: text(`k${at}`), value: new Uint8Array(500).fill(at) });
      const { id } = await old.leaseGrant({ id: 0n, ttlSeconds: 60 });
      await old.put({ key: text("leased"), value: text("1"), lease: id });
      for (const value of ["1", "2"]) await old.put({ key: text("changed"), value: text(value) });
      await old.deleteRange({ key: text("k7") });
      await old.compact({ revision: 200 });
      await old.auth.change({ type: "roleAdd", name: "clerk" });
      await old.auth.change({ type: "userAdd", name: "ann" });
      await old.auth.change({ type: "userGrantRole", name: "ann", role: "clerk" });
      await old.maintenance.raiseAlarm({ member: old.id, type: "NOSPACE" });
      const backup = await old.maintenance.backup();
      const { revision } = old.status();
      expect(backup.revision).toBe(revision);
      // What comes after is not in it.
      await old.deleteRange({ key: text("k298") });
      const hosts = ["b", "c", "d"];
      for (const host of hosts) {
        const options = { directory: "/data", name: host, cluster: clusterOf("new", hosts), backup };
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
        expect((await member.leaseTimeToLive({ id, keys: true })).keys).toEqual([text("leased")]);
        expect((await member.auth.user("ann")).roles).toEqual(["clerk"]);
        expect((await member.range({ key: text("k298") })).count).toBe(1);
        const before = await member.range({ key: text("changed"), revision: revision - 2 });
        expect(before.pairs[0]?.value).toEqual(text("1"));
        await expect(member.range({ key: text("k1"), revision: 199 })).rejects.toMatchObject({ code: "COMPACTED" });
        const watcher = await member.watch({ key: text("k7"), startRevision: 201 });
        expect((await watcher.next()).value?.events.map(({ type }) => type)).toEqual(["delete"]);
        await watcher.close();
      }
      await all[0]!.put({ key: text("after"), value: text("1") });
      expect((await all[2]!.range({ key: text("after") })).count).toBe(1);
    });
  });

  it("is refused when it contradicts itself, and nothing is written", async () => {
    await simulate({ seed: 1 }, async (world) => {
      for (const host of ["a", "b"]) world.process(host).start(() => undefined);
      const old = await startMember(world, "old", ["a"], "a");
      await world.clock.sleep(3000);
      await old.put({ key: text("k"), value: text("v") });
      const backup = await old.maintenance.backup();
      const { disk } = world.process("b").runtime;
      const options = { disk, directory: "/data", name: "b", cluster: clusterOf("new", ["b"]), backup };
      for (const wrong of [{ backup: { ...backup, revision: 1 } }, { name: "c" }]) {
        await expect(restoreMember({ ...options, ...wrong })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
      }
      const cut = {
        ...backup,
        async *versions() {
          yield* backup.versions();
          throw new Error("cut short");
        },
      };
      await expect(restoreMember({ ...options, backup: cut })).rejects.toThrow("cut short");
      await expect(disk.list("/data")).rejects.toMatchObject({ code: "ENOENT" });
      backup.release();
    });
  });
});
