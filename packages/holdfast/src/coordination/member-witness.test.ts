import { describe, expect, it } from "vitest";
import { simulate, type World } from "../runtime/index.ts";
import { createMember, type MemberOptions } from "./member.ts";
import type { JoinedCluster } from "./member-place.ts";
import { restoreMember } from "./restore-member.ts";
import type { ReplicatedMember } from "./replicated-member.ts";

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const peer = (name: string) => ({ host: name, port: 2380 });
const key = text("k");

type Home = Pick<MemberOptions, "cluster" | "join"> & { readonly directory?: string };

async function start(world: World, name: string, home: Home): Promise<ReplicatedMember> {
  const process = world.process(name);
  process.start(() => undefined);
  return await createMember({
    runtime: process.runtime,
    name,
    directory: "/data",
    peer: peer(name),
    clientUrls: [`http://${name}:2379`],
    httpUrls: [`http://${name}:2381`],
    snapshotEntries: 20,
    trailingEntries: 5,
    ...home,
  });
}

/** Two members that hold the state, and a witness. */
const founded: Home = {
  cluster: {
    name: "test",
    members: [
      { name: "a", peer: peer("a") },
      { name: "b", peer: peer("b") },
      { name: "w", peer: peer("w"), isWitness: true },
    ],
  },
};

async function until(world: World, what: string, condition: () => boolean): Promise<void> {
  for (let waited = 0; !condition(); waited++) {
    if (waited > 400) throw new Error(`not within 20 s: ${what}`);
    await world.clock.sleep(50);
  }
}

async function leaderOf(world: World, all: readonly ReplicatedMember[]): Promise<ReplicatedMember> {
  const leading = (): ReplicatedMember | undefined => all.find((member) => member.status().role === "leader");
  await until(world, "somebody leads", () => leading() !== undefined);
  return leading()!;
}

/** What a running member tells one that joins. */
function joining(told: ReplicatedMember, memberId: bigint, kinds: { readonly asWitness: boolean }): JoinedCluster {
  return {
    clusterId: told.clusterId,
    memberId,
    members: told.members().map(({ id, name, peerUrls, isWitness = false }) => {
      return { id, name, peer: peer(new URL(peerUrls[0]!).hostname), isWitness: isWitness && kinds.asWitness };
    }),
  };
}

describe("a witness", () => {
  it("replaces a member that is down, holds nothing, never leads, and refuses who asks it", () =>
    simulate({ seed: 1 }, async (world) => {
      const [a, b, w] = await Promise.all(["a", "b", "w"].map((name) => start(world, name, founded)));
      const leader = await leaderOf(world, [a!, b!]);
      await until(world, "all have told of themselves", () =>
        a!.members().every(({ httpUrls }) => httpUrls.length === 1),
      );
      expect(
        a!.members().map(({ name, clientUrls, isWitness }) => [name, clientUrls.length, isWitness]),
      ).toContainEqual(["w", 0, true]);
      const other = leader === a ? b! : a!;
      world.process(other.name).kill();
      for (let count = 0; count < 60; count++) await leader.put({ key, value: new Uint8Array(1_000) });
      expect(w!.status()).toMatchObject({ role: "follower", isWitness: true, revision: 1, storeBytes: 0 });
      await until(world, "it has the log's outline", () => w!.node.applied === leader.node.applied);
      expect(w!.node.raft.log.bytes).toBeLessThan(leader.node.raft.log.bytes / 5);
      const identity = { client: 1, sequence: 1, acknowledged: 0 };
      for (const refused of [
        w!.range({ key, serializable: true }),
        w!.put({ key, value: key }, { identity }),
        w!.watch({ key }),
        w!.leaseGrant({ id: 0n, ttlSeconds: 5 }),
        w!.maintenance.backup(),
        w!.maintenance.hash(),
        w!.cluster.memberRemove(w!.id),
        w!.auth.change({ type: "userDelete", name: "somebody" }),
      ]) {
        await expect(refused).rejects.toMatchObject({ code: "NOT_AT_WITNESS", retryable: true });
      }
      expect((await w!.cluster.memberList()).members.map(({ id }) => id)).toEqual(a!.members().map(({ id }) => id));
      world.process(leader.name).kill();
      await world.clock.sleep(10_000);
      expect(w!.status().role).toBe("follower");
      const [again, second] = await Promise.all([
        start(world, leader.name, founded),
        start(world, other.name, founded),
      ]);
      expect((await second.range({ key })).pairs[0]).toMatchObject({ version: 60 });
      for (const member of [again, second, w!]) await member.close();
    }));

  it("is added to a cluster of two, survives a restart, and is removed again", () =>
    simulate({ seed: 1 }, async (world) => {
      const two: Home = { cluster: { name: "test", members: ["a", "b"].map((name) => ({ name, peer: peer(name) })) } };
      const [a, b] = await Promise.all(["a", "b"].map((name) => start(world, name, two)));
      const leader = await leaderOf(world, [a!, b!]);
      await until(world, "both have told of themselves", () =>
        leader.members().every(({ clientUrls }) => clientUrls.length === 1),
      );
      for (let count = 0; count < 40; count++) await a!.put({ key, value: key });
      const request = { peerUrls: ["http://w:2380"], name: "w", isWitness: true };
      await expect(b!.cluster.memberAdd({ ...request, isLearner: true })).rejects.toThrow("memberAdd.isWitness");
      const { member } = await b!.cluster.memberAdd(request);
      expect(member).toMatchObject({ name: "w", isWitness: true });
      const home = { join: joining(a!, member.id, { asWitness: true }) };
      await start(world, "w", home);
      const other = leader === a ? b! : a!;
      world.process(other.name).kill();
      await leader.put({ key, value: text("with the witness") });
      world.process("w").kill();
      const w = await start(world, "w", home);
      await leader.put({ key, value: text("again") });
      const back = await start(world, other.name, two);
      expect((await back.range({ key })).pairs[0]?.value).toEqual(text("again"));
      await expect(back.cluster.moveLeader(w.id)).rejects.toMatchObject({ code: "BAD_LEADER_TRANSFEREE" });
      await back.cluster.memberRemove(w.id);
      expect(await w.failed).toMatchObject({ code: "MEMBER_REMOVED" });
      expect(
        back
          .members()
          .map(({ name }) => name)
          .toSorted(),
      ).toEqual(["a", "b"]);
    }));

  it("is made anew from a backup with the others, and gets nothing of it", () =>
    simulate({ seed: 1 }, async (world) => {
      const [a, b] = await Promise.all(["a", "b", "w"].map((name) => start(world, name, founded)));
      const leader = await leaderOf(world, [a!, b!]);
      await leader.put({ key, value: new Uint8Array(10_000) });
      const backup = await leader.maintenance.backup();
      const cluster = { ...founded.cluster!, name: "restored" };
      for (const { name } of cluster.members) {
        const { disk } = world.process(name).runtime;
        await restoreMember({ disk, directory: "/restored", name, cluster, backup });
        world.process(name).kill();
      }
      const home = { cluster, directory: "/restored" };
      const [again] = await Promise.all(["a", "b"].map((name) => start(world, name, home)));
      expect((await again!.range({ key })).count).toBe(1);
      world.process("b").kill();
      const w = await start(world, "w", home);
      await again!.put({ key, value: text("with the witness") });
      expect(w.status().storeBytes).toBe(0);
    }));

  it.each([
    { name: "w", asWitness: false, message: /isWitness must be true, as the cluster has it|without its command/ },
    { name: "c", asWitness: true, message: /isWitness must be false, as the cluster has it/ },
  ])("stops where the cluster has another kind of it: as witness $asWitness", async ({ name, asWitness, message }) => {
    await simulate({ seed: 1 }, async (world) => {
      const [a, b] = await Promise.all(["a", "b", "w"].map((each) => start(world, each, founded)));
      const leader = await leaderOf(world, [a!, b!]);
      await until(world, "the leader has heard all", () =>
        leader.members().every(({ httpUrls }) => httpUrls.length > 0),
      );
      let id = leader.members().find((info) => info.name === name)?.id;
      if (id === undefined) id = (await leader.cluster.memberAdd({ peerUrls: ["http://c:2380"], name })).member.id;
      else world.process(name).kill();
      const joined = joining(leader, id, { asWitness: true });
      const members = joined.members.map((info) => (info.id === id ? { ...info, isWitness: asWitness } : info));
      const misfit = await start(world, name, { join: { ...joined, members } });
      await leader.put({ key, value: key });
      expect((await misfit.failed).message).toMatch(message);
      await leader.put({ key, value: text("goes on") });
    });
  });
});
