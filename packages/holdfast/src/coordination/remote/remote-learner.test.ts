import { describe, expect, it } from "vitest";
import { simulate, type World } from "../../runtime/index.ts";
import type { Member } from "../coordination.ts";
import { CoordinationError, type CoordinationErrorCode } from "../coordination-error.ts";
import { createMemoryMember } from "../memory-member.ts";
import { remoteCoordination } from "./remote-coordination.ts";
import { serveCoordination } from "./remote-service.ts";

const bytes = (value: string): Uint8Array => new TextEncoder().encode(value);
const k = { key: bytes("k") };
const pair = { ...k, value: bytes("v") };

/** One member's state at two addresses: at `voter` as it is, at `other` as a learner or witness serves it. */
async function serving(
  kind: "learner" | "witness",
  test: (
    world: World,
    connect: (endpoints: readonly string[]) => ReturnType<typeof remoteCoordination>,
  ) => Promise<void>,
): Promise<void> {
  await simulate({ seed: 1 }, async (world) => {
    for (const name of ["voter", "other", "client"]) world.process(name).start(() => undefined);
    const { clock } = world.process("voter").runtime;
    const member = createMemoryMember({ clock });
    const no = (code: CoordinationErrorCode) => () => Promise.reject(new CoordinationError(code));
    const refused = Object.fromEntries(
      ["put", "range", "watch", "leases", "leaseGrant"].map((name) => [name, no("NOT_AT_WITNESS")]),
    );
    const other: Member =
      kind === "learner"
        ? { ...member, status: () => ({ ...member.status(), isLearner: true }) }
        : { ...member, ...refused };
    const services = [
      ["voter", serveCoordination({ member, clock })],
      ["other", serveCoordination({ member: other, clock })],
    ] as const;
    for (const [host, service] of services) {
      await world.process(host).runtime.network.listen({ host, port: 2379 }, (one) => service.accept(one));
    }
    const clients: ReturnType<typeof remoteCoordination>[] = [];
    await test(world, (endpoints) => {
      const client = remoteCoordination({ runtime: world.process("client").runtime, endpoints, timeoutMs: 2_000 });
      clients.push(client);
      return client;
    });
    for (const client of clients) await client.close();
    await member.close();
  });
}

describe("a learner", () => {
  it("answers serializable reads alone", () =>
    serving("learner", async (_world, connect) => {
      await connect(["voter:2379"]).put(pair);
      const client = connect(["other:2379"]);
      const { pairs } = await client.range({ ...k, serializable: true });
      expect(pairs[0]?.value).toEqual(pair.value);
      const all: (() => Promise<unknown>)[] = [
        () => client.range(k),
        () => client.put(pair),
        () => client.deleteRange(k),
        () =>
          client.txn({ compare: [], failure: [], success: [{ type: "range", request: { ...k, serializable: true } }] }),
        () => client.compact({ revision: 1 }),
        () => client.leaseGrant({ ttlSeconds: 5 }),
        () => client.leaseRevoke({ id: 5n }),
        () => client.leaseKeepAlive({ id: 5n }),
        () => client.leaseTimeToLive({ id: 5n }),
        () => client.leases(),
        () => client.watch(k),
      ];
      for (const ask of all) await expect(ask(), String(ask)).rejects.toMatchObject({ code: "NOT_AT_LEARNER" });
    }));
});

describe.each(["learner", "witness"] as const)("a client that comes to a %s first", (kind) => {
  it("asks the voter, for writes and watches too, and at once", () =>
    serving(kind, async (world, connect) => {
      const endpoints = ["other:2379", "voter:2379"];
      const startedAt = world.clock.now();
      expect((await connect(endpoints).put(pair)).header.revision).toBe(2);
      const watcher = await connect(endpoints).watch(k);
      const client = connect(endpoints);
      const { id } = await client.leaseGrant({ ttlSeconds: 60 });
      expect(await client.leaseKeepAlive({ id })).toMatchObject({ ttlSeconds: 60 });
      expect((await client.range(k)).pairs).toHaveLength(1);
      await client.put(pair);
      expect((await watcher.next()).value?.events).toMatchObject([{ type: "put" }]);
      await watcher.close();
      expect(world.clock.now() - startedAt).toBeLessThan(500);
    }));

  it("is not left in doubt when its time is over before another answers", () =>
    serving(kind, async (world, connect) => {
      const code = kind === "learner" ? "NOT_AT_LEARNER" : "NOT_AT_WITNESS";
      world.network.partition(["client"], ["voter"]);
      const client = connect(["other:2379", "voter:2379"]);
      for (const timeoutMs of [7, 50, 300, 1_500]) {
        await expect(client.put(pair, { timeoutMs }), String(timeoutMs)).rejects.toMatchObject({ code });
      }
    }));

  it("is left in doubt when a member may have done it before", () =>
    serving(kind, async (world, connect) => {
      const times = Array.from({ length: 40 }, (_, at) => 100 + 7 * at);
      const clients = times.map(() => connect(["voter:2379", "other:2379"]));
      for (const client of clients) await client.put(pair);
      world.network.partition(["client"], ["voter"]);
      const puts = clients.map((client, at) => client.put(pair, { timeoutMs: times[at]! }));
      expect(world.network.breakConnections("client")).toBe(times.length);
      const codes = await Promise.all(puts.map((put) => put.then(String, (error: CoordinationError) => error.code)));
      expect(new Set(codes)).toEqual(new Set(["TIMED_OUT"]));
    }));

  it("hears that there is none when there are no others", () =>
    serving(kind, async (_world, connect) => {
      const code = kind === "learner" ? "NOT_AT_LEARNER" : "NOT_AT_WITNESS";
      const client = connect(["other:2379", "other:2379"]);
      await expect(client.watch(k)).rejects.toMatchObject({ code });
      await expect(client.put(pair)).rejects.toMatchObject({ code });
    }));
});

it("a watch whose voter is gone waits at a learner until that is back", () =>
  serving("learner", async (world, connect) => {
    const watcher = await connect(["voter:2379", "other:2379"]).watch(k);
    const heal = world.network.partition(["client"], ["voter"]);
    expect(world.network.breakConnections("client")).toBeGreaterThan(0);
    await world.clock.sleep(5_000);
    heal();
    const later = connect(["voter:2379"]);
    await later.put(pair);
    expect((await watcher.next()).value?.events).toMatchObject([{ type: "put" }]);
  }));
