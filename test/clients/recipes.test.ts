import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  counter,
  createMemoryMember,
  election,
  fencedTxn,
  lock,
  openSession,
  serviceRegistry,
  sharedConfig,
  type Coordination,
} from "holdfast/coordination";
import { etcdCoordination } from "holdfast/adapters/etcd";
import { startCluster, startEtcd, type Endpoint } from "./endpoint.ts";
import { etcdctl } from "./etcdctl.ts";

const homes = ["memory", "Holdfast", "etcd"] as const;
type Home = (typeof homes)[number];

const endpoints: Partial<Record<Home, Endpoint>> = {};
const services: Partial<Record<Home, Coordination>> = {};
const opened: (() => Promise<void>)[] = [];

beforeAll(async () => {
  const [cluster, etcd] = await Promise.all([startCluster(), startEtcd()]);
  opened.push(
    () => cluster.close(),
    () => etcd.close(),
  );
  const memory = createMemoryMember();
  services.memory = memory;
  opened.push(() => memory.close());
  const reach = (home: Home, members: readonly Endpoint[]): void => {
    endpoints[home] = members[0]!;
    const remote = etcdCoordination({ endpoints: members.map(({ client }) => client) });
    services[home] = remote;
    opened.push(() => remote.close());
  };
  reach("Holdfast", cluster.members);
  reach("etcd", [etcd]);
});

afterAll(async () => {
  for (const close of opened.reverse()) await close();
});

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe.each(homes)("recipes on %s", (home) => {
  it("locks are held by one, in order, and fence", async () => {
    const service = services[home]!;
    const sessions = await Promise.all([1, 2, 3].map(() => openSession(service, { ttlSeconds: 5 })));
    let inside = 0;
    const tokens: number[] = [];
    await Promise.all(
      sessions.flatMap((session) =>
        [1, 2, 3].map(() =>
          lock(session, "l").withLock(async (held) => {
            expect([++inside, held.held]).toEqual([1, true]);
            const put = { key: bytes("guarded"), value: bytes(`${held.token}`) };
            await fencedTxn(service, held, { compare: [], success: [{ type: "put", request: put }], failure: [] });
            tokens.push(held.token);
            inside--;
          }),
        ),
      ),
    );
    expect(tokens).toEqual(tokens.toSorted((left, right) => left - right));
    expect(new Set(tokens).size).toBe(9);
    const [first, second] = sessions as [(typeof sessions)[0], (typeof sessions)[0]];
    const held = await lock(first, "l").tryAcquire();
    expect(await lock(second, "l").tryAcquire()).toBeUndefined();
    await expect(lock(second, "l").acquire({ timeoutMs: 50 })).rejects.toMatchObject({ code: "ACQUIRE_TIMED_OUT" });
    await first.close();
    expect(held).toMatchObject({ held: false });
    const next = await lock(second, "l").acquire({ timeoutMs: 5_000 });
    await expect(fencedTxn(service, held!, { compare: [], success: [], failure: [] })).rejects.toMatchObject({
      code: "LOCK_LOST",
    });
    await next.release();
    await Promise.all(sessions.map((session) => session.close()));
    expect((await service.range({ key: bytes("l/"), rangeEnd: bytes("l0") })).count).toBe(0);
  });

  it("elections, registry, configuration and counters", async () => {
    const service = services[home]!;
    const [one, two] = await Promise.all([1, 2].map(() => openSession(service, { ttlSeconds: 5 })));
    const first = await election(one!, "e").campaign("one");
    const leaders = election(two!, "e").observe();
    expect((await leaders.next()).value).toMatchObject({ value: "one", token: first.token });
    await first.proclaim("uno");
    expect((await leaders.next()).value).toMatchObject({ value: "uno", token: first.token });
    const winning = election(two!, "e").campaign("two");
    const registry = serviceRegistry(service);
    const instances = registry.watch("pay");
    expect((await instances.next()).value).toEqual([]);
    await registry.register(one!, "pay", { id: "a", address: "1" });
    expect((await instances.next()).value).toMatchObject([{ id: "a", address: "1" }]);
    await one!.close();
    expect((await instances.next()).value).toEqual([]);
    await winning;
    expect((await leaders.next()).value).toMatchObject({ value: "two" });
    await leaders.return();
    await instances.return();

    const config = sharedConfig<number>(service, "config");
    const updates = config.watch();
    expect((await updates.next()).value).toEqual({ value: undefined, revision: 0 });
    await Promise.all(Array.from({ length: 5 }, () => config.update((value = 0) => value + 1)));
    for (let value = 1; value <= 5; value++) expect((await updates.next()).value).toMatchObject({ value });
    await updates.return();

    const three = await openSession(service, { ttlSeconds: 5 });
    const sums = await Promise.all(
      [two!, three].flatMap((session) => {
        const hits = counter(session, "hits");
        return Array.from({ length: 10 }, () => hits.add());
      }),
    );
    expect(sums.toSorted((left, right) => left - right)).toEqual(Array.from({ length: 20 }, (_, at) => at + 1));
    await Promise.all([two!.close(), three.close()]);
  });
});

describe.each(["Holdfast", "etcd"] as const)("locks on %s", (home) => {
  it("stand in one line with those of etcdctl", async () => {
    const session = await openSession(services[home]!, { ttlSeconds: 5 });
    const held = await lock(session, "shared").acquire();
    const other = etcdctl(endpoints[home]!, ["lock", "shared", "echo", "mine"]);
    const { key } = held;
    const line = { key: bytes("shared/"), rangeEnd: bytes("shared0") };
    while ((await services[home]!.range(line)).count < 2);
    const again = lock(session, "shared").acquire();
    expect((await services[home]!.range({ key })).count).toBe(1);
    await held.release();
    expect(await other).toMatchObject({ exitCode: 0, stdout: "mine\n" });
    const next = await again;
    expect(next.token).toBeGreaterThan(held.token);
    await session.close();
  });
});
