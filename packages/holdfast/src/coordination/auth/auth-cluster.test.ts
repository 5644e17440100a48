import { describe, expect, it } from "vitest";
import { simulate, type Passwords, type World } from "../../runtime/index.ts";
import type { AuthRequest } from "./auth.ts";
import { createMember } from "../member.ts";
import type { ReplicatedMember } from "../replicated-member.ts";

const hosts = ["a", "b", "c"];
const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const key = text("k");
const root = { credentials: { user: "root" } };

let drawn = 0;
/** Passwords that cost nothing and depend on nothing. */
const passwords: Passwords = {
  hash: async (password) => `hash of ${password}`,
  verify: async (password, hash) => hash === `hash of ${password}`,
  token: () => `token${++drawn}`,
};

async function startMember(world: World, name: string): Promise<ReplicatedMember> {
  const process = world.process(name);
  process.start(() => undefined);
  return await createMember({
    runtime: process.runtime,
    name,
    directory: "/data",
    peer: { host: name, port: 2380 },
    cluster: { name: "test", members: hosts.map((host) => ({ name: host, peer: { host, port: 2380 } })) },
    clientUrls: [],
    httpUrls: [],
    snapshotEntries: 50,
    trailingEntries: 10,
    passwords,
  });
}

async function enable(member: ReplicatedMember): Promise<void> {
  const changes: AuthRequest[] = [
    { type: "userAdd", name: "root", password: "secret" },
    { type: "userGrantRole", name: "root", role: "root" },
    { type: "userAdd", name: "ann", password: "pw" },
    { type: "roleAdd", name: "clerk" },
    { type: "roleGrantPermission", name: "clerk", permission: { type: "readWrite", key } },
    { type: "userGrantRole", name: "ann", role: "clerk" },
    { type: "authEnable" },
  ];
  for (const change of changes) await member.auth.change(change);
}

function withCluster(
  seed: number,
  test: (world: World, members: [ReplicatedMember, ReplicatedMember, ReplicatedMember]) => Promise<void>,
): Promise<unknown> {
  return simulate({ seed }, async (world) => {
    const members = await Promise.all(hosts.map((name) => startMember(world, name)));
    await test(world, members as [ReplicatedMember, ReplicatedMember, ReplicatedMember]);
  });
}

async function ann(member: ReplicatedMember) {
  const { token } = await member.auth.authenticate({ name: "ann", password: "pw" });
  return { credentials: { token } };
}

describe("users of a cluster", () => {
  it("are known on every member, and so are their tokens, at once", () =>
    withCluster(1, async (_, [a, b, c]) => {
      await enable(a);
      for (const from of [a, b, c]) {
        const caller = await ann(from);
        for (const at of [a, b, c]) {
          await at.put({ key, value: text("1") }, caller);
          expect((await at.range({ key, serializable: true }, caller)).count).toBe(1);
          const watcher = await at.watch({ key }, caller);
          await watcher.close();
        }
      }
      for (const at of [a, b, c]) {
        await expect(at.put({ key, value: key })).rejects.toMatchObject({ code: "USER_EMPTY" });
        await expect(at.range({ key })).rejects.toMatchObject({ code: "USER_EMPTY" });
      }
    }));

  it("a request that their change overtakes is judged again, and done once", () =>
    withCluster(2, async (_, [a, b, c]) => {
      await enable(a);
      const caller = await ann(b);
      const asked: Promise<unknown>[] = [];
      const before = a.status().appliedIndex;
      // Changes go through one member and puts through the others, so that each finds the users changed on its way.
      for (let round = 0; round < 50; round++) {
        const permission = { type: "read", key: text(`x${round}`) } as const;
        asked.push(a.auth.change({ type: "roleGrantPermission", name: "clerk", permission }, root));
        for (const at of [b, c]) asked.push(at.put({ key, value: text(`${round}`) }, caller));
      }
      await Promise.all(asked);
      expect((await a.range({ key }, root)).pairs[0]?.version).toBe(100);
      // Each that was overtaken is in the log once more.
      expect(a.status().appliedIndex - before).toBeGreaterThan(160);
      expect((await a.auth.role("clerk", root)).permissions).toHaveLength(51);
    }));

  it("a permission that is taken away is gone for what is under way", () =>
    withCluster(3, async (_, [a, b]) => {
      await enable(a);
      const caller = await ann(b);
      const taking = a.auth.change({ type: "userRevokeRole", name: "ann", role: "clerk" }, root);
      const results = await Promise.allSettled(
        Array.from({ length: 20 }, () => b.put({ key, value: text("1") }, caller)),
      );
      await taking;
      const reasons = results.flatMap((one) => (one.status === "rejected" ? [one.reason as unknown] : []));
      expect(reasons.length).toBeGreaterThan(0);
      for (const reason of reasons) expect(reason).toMatchObject({ code: "PERMISSION_DENIED" });
      const { revision } = a.machine;
      await expect(b.put({ key, value: text("2") }, caller)).rejects.toMatchObject({ code: "PERMISSION_DENIED" });
      expect(a.machine.revision).toBe(revision);
    }));

  it("outlive restarts and snapshots; tokens do not", () =>
    withCluster(4, async (world, [a, b]) => {
      await enable(a);
      const caller = await ann(a);
      world.process("c").kill();
      for (let round = 0; round < 120; round++) await a.put({ key, value: text(`${round}`) }, caller);
      const again = await startMember(world, "c");
      expect((await again.range({ key }, { credentials: { user: "ann" } })).pairs[0]?.version).toBe(120);
      await expect(again.range({ key }, caller)).rejects.toMatchObject({ code: "INVALID_AUTH_TOKEN" });
      expect((await again.range({ key }, await ann(again))).count).toBe(1);
      expect((await b.range({ key }, caller)).count).toBe(1);
      while (again.machine.revision < a.machine.revision) await world.clock.sleep(10);
      expect(again.machine.auth.capture()).toEqual(a.machine.auth.capture());
    }));
});
