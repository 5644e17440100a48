import { describe, expect, it } from "vitest";
import { simulate, type Passwords, type World } from "../../runtime/index.ts";
import type { Member } from "../coordination.ts";
import { createMemoryMember, type MemoryMemberOptions } from "../memory-member.ts";
import { remoteCoordination, type RemoteCoordination } from "./remote-coordination.ts";
import type { RemoteOptions } from "./remote-options.ts";
import { serveCoordination, type RemoteService, type RemoteServiceLimits } from "./remote-service.ts";

const bytes = (value: string): Uint8Array => new TextEncoder().encode(value);
const put = (key: string, value: string = "1") => ({ key: bytes(key), value: bytes(value) });

interface Setting {
  readonly world: World;
  readonly member: Member;
  /** One for each endpoint: ways to the same member. */
  readonly services: readonly RemoteService[];
  readonly client: (options?: Partial<RemoteOptions>) => RemoteCoordination;
}

const hosts = ["one", "two"];

async function withMember(
  test: (setting: Setting) => Promise<void>,
  limits: RemoteServiceLimits = {},
  memberOptions: MemoryMemberOptions = {},
): Promise<void> {
  await simulate({ seed: 1 }, async (world) => {
    for (const host of [...hosts, "client"]) world.process(host).start(() => undefined);
    const { clock } = world.process("one").runtime;
    const member = createMemoryMember({ clock, ...memberOptions });
    const services: RemoteService[] = [];
    for (const host of hosts) {
      const { network } = world.process(host).runtime;
      const service = serveCoordination({ member, clock, limits });
      await network.listen({ host, port: 2379 }, (connection) => service.accept(connection));
      services.push(service);
    }
    const clients: RemoteCoordination[] = [];
    const client = (options: Partial<RemoteOptions> = {}): RemoteCoordination => {
      const { runtime } = world.process("client");
      const made = remoteCoordination({ runtime, endpoints: ["http://one:2379", "two:2379"], ...options });
      clients.push(made);
      return made;
    };
    await test({ world, member, services, client });
    for (const made of clients) await made.close();
    await member.close();
  });
}

function failure(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => "answered",
    (error: { readonly code?: string }) => error.code ?? error,
  );
}

describe("a cluster over its own protocol", () => {
  it("answers many at once, never more than the member takes", () =>
    withMember(
      async ({ client, member }) => {
        const cluster = client();
        const answers = await Promise.all(Array.from({ length: 700 }, (_, at) => cluster.put(put(`k${at}`))));
        expect(new Set(answers.map(({ header }) => header.revision)).size).toBe(700);
        expect(answers[0]!.header).toMatchObject({ clusterId: member.clusterId, memberId: member.id, term: 1 });
        expect((await cluster.range({ key: bytes("k"), rangeEnd: bytes("l") })).pairs.length).toBe(700);
      },
      { maxInFlight: 7 },
    ));

  it("bounds what waits", () =>
    withMember(async ({ client }) => {
      const cluster = client({ maxWaiting: 3 });
      const outcomes = await Promise.all([1, 2, 3, 4, 5].map(() => failure(cluster.range({ key: bytes("a") }))));
      expect(outcomes).toEqual(["answered", "answered", "answered", "TOO_MANY_REQUESTS", "TOO_MANY_REQUESTS"]);
      expect(await failure(cluster.range({ key: bytes("a") }))).toBe("answered");
    }));

  it("refuses what is too large without bothering the member", () =>
    withMember(
      async ({ client, services }) => {
        const cluster = client();
        expect(await failure(cluster.put(put("a", "x".repeat(100_000))))).toBe("REQUEST_TOO_LARGE");
        expect(await failure(cluster.put(put("a", "x".repeat(2_000))))).toBe("REQUEST_TOO_LARGE");
        expect(await failure(cluster.put(put("a", "x".repeat(500))))).toBe("answered");
        expect([services[0]!.clients, services[0]!.refused]).toEqual([1, 0]);
      },
      { maxRequestBytes: 1_000 },
    ));

  it("goes to the next endpoint when one is gone, and comes back", () =>
    withMember(async ({ client, services, world }) => {
      const cluster = client();
      await cluster.put(put("a"));
      world.process("one").kill();
      await cluster.put(put("b"));
      expect(services[1]!.clients).toBe(1);
      world.network.isolate("two");
      expect(await failure(cluster.put(put("c")))).toBe("TIMED_OUT");
      world.network.heal();
      expect(await failure(cluster.put(put("c")))).toBe("answered");
    }));

  it("leaves a service that closes for another, unnoticed", () =>
    withMember(async ({ client, services }) => {
      const cluster = client();
      const watcher = await cluster.watch({ key: bytes("a") });
      await cluster.put(put("a", "1"));
      await services[0]!.close();
      await cluster.put(put("a", "2"));
      const told: string[] = [];
      for (let at = 0; at < 2; at++) {
        const { value } = await watcher.next();
        told.push(...value!.events.map(({ pair }) => new TextDecoder().decode(pair.value)));
      }
      expect(told).toEqual(["1", "2"]);
      expect(services.map((service) => service.clients)).toEqual([0, 1]);
    }));

  it("says that nobody can be reached, and who is another cluster's", () =>
    withMember(async ({ client }) => {
      const nowhere = client({ endpoints: ["nowhere:2379"], timeoutMs: 1_000 });
      expect(await failure(nowhere.put(put("a")))).toBe("ENDPOINTS_UNREACHABLE");
      expect(await failure(nowhere.watch({ key: bytes("a") }))).toBe("ENDPOINTS_UNREACHABLE");
      const astray = client({ clusterId: 1n, timeoutMs: 1_000 });
      expect(await failure(astray.range({ key: bytes("a") }))).toBe("WRONG_CLUSTER");
    }));

  it("gives up when its caller does", () =>
    withMember(async ({ client, world, member }) => {
      const cluster = client();
      await cluster.put(put("a"));
      world.network.clog("client", "one", 1_000);
      const controller = new AbortController();
      const given = cluster.put(put("a", "2"), { signal: controller.signal });
      const watching = cluster.watch({ key: bytes("a") }, { signal: controller.signal });
      const reason = new Error("enough");
      const outcomes = Promise.all([failure(given), failure(watching)]);
      await world.clock.sleep(10);
      controller.abort(reason);
      expect(await outcomes).toEqual([reason, reason]);
      expect(await failure(cluster.put(put("a"), { signal: AbortSignal.abort(reason) }))).toBe(reason);
      const slow = cluster.range({ key: bytes("a") }, { timeoutMs: 300 });
      expect(await failure(slow)).toBe("TIMED_OUT");
      await world.clock.sleep(3_000);
      // What was sent arrived after all; nothing was sent twice.
      expect(member.status().revision).toBe(3);
    }));

  it("ends everything when it is closed", () =>
    withMember(async ({ client, services, world }) => {
      const cluster = client();
      const watcher = await cluster.watch({ key: bytes("a") });
      const pulled = watcher.next();
      await cluster.close();
      await cluster.close();
      expect((await pulled).value).toMatchObject({ canceled: true, cancelReason: "STOPPED" });
      expect((await watcher.next()).done).toBe(true);
      expect(await failure(cluster.put(put("a")))).toBe("STOPPED");
      await world.clock.sleep(100);
      expect(services[0]!.clients).toBe(0);
    }));

  it("stays connected while nothing happens, and tells a slow watcher everything", () =>
    withMember(async ({ client, services, world, member }) => {
      const cluster = client({ maxWatchResponses: 2 });
      const watcher = await cluster.watch({ key: bytes("a"), maxBytes: 1 });
      for (let at = 0; at < 30; at++) {
        await member.put(put("a", `${at}`));
        await world.clock.sleep(4_000);
      }
      for (let at = 0; at < 30; at++) {
        const { value } = await watcher.next();
        expect(value!.events.map(({ pair }) => new TextDecoder().decode(pair.value))).toEqual([`${at}`]);
      }
      expect([services[0]!.clients, services[0]!.refused]).toEqual([1, 0]);
    }));

  it("takes part as a user, with a password or a token", () => {
    let drawn = 0;
    const passwords: Passwords = {
      hash: async (password) => `hash of ${password}`,
      verify: async (password, hash) => hash === `hash of ${password}`,
      token: () => `token ${++drawn}`,
    };
    return withMember(
      async ({ client, member }) => {
        await member.auth.change({ type: "userAdd", name: "root", password: "secret" });
        await member.auth.change({ type: "roleAdd", name: "root" });
        await member.auth.change({ type: "userGrantRole", name: "root", role: "root" });
        const root = client({ credentials: { name: "root", password: "secret" } });
        await root.put(put("a"));
        await member.auth.change({ type: "authEnable" });
        expect(await failure(client().put(put("a")))).toBe("USER_EMPTY");
        expect(await failure(client().watch({ key: bytes("a") }))).toBe("USER_EMPTY");
        expect(await failure(root.put(put("a")))).toBe("answered");
        expect(await failure(root.range({ key: bytes("a") }))).toBe("answered");
        await (await root.watch({ key: bytes("a") })).close();
        expect(await failure(client({ credentials: { name: "root", password: "?" } }).put(put("a")))).toBe(
          "AUTH_FAILED",
        );
        expect(await failure(client({ credentials: { token: "?" } }).put(put("a")))).toBe("INVALID_AUTH_TOKEN");
        expect(await failure(root.put(put("a"), { credentials: { user: "root" } }))).toBe("INVALID_ARGUMENT");
      },
      {},
      { passwords },
    );
  });

  it.each<[Partial<RemoteOptions>, string]>([
    [{ endpoints: [] }, "remote.endpoints must name at least one endpoint"],
    [{ endpoints: ["here"] }, "remote.endpoints must be like 127.0.0.1:2379 or http://127.0.0.1:2379"],
    [{ timeoutMs: 0 }, "remote.timeoutMs must be an integer >= 1 (got 0)"],
    [{ clusterId: 1 as unknown as bigint }, "remote.clusterId must be a bigint"],
    [{ hosts: [] } as object, "hosts"],
  ])("checks %o", (options, message) => {
    const runtime = {} as RemoteOptions["runtime"];
    expect(() => remoteCoordination({ runtime, endpoints: ["a:1"], ...options })).toThrow(message);
  });
});
