import { afterEach, describe, expect, it } from "vitest";
import { election, lock, openSession } from "holdfast/coordination";
import { etcdCoordination } from "holdfast/adapters/etcd";
import { startEtcdCluster } from "./etcd-cluster.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const line = { key: bytes("l/"), rangeEnd: bytes("l0") };

const opened: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

describe("over an etcd whose members are killed", () => {
  it("a lock is kept, and passed on to whoever waits; leaders are observed on", async () => {
    const cluster = await startEtcdCluster(3);
    opened.push(() => cluster.close());
    const endpoints = cluster.members.map(({ client }) => client);
    const store = etcdCoordination({ endpoints, attemptTimeoutMs: 500, connectTimeoutMs: 500 });
    opened.push(() => store.close());
    const [one, two] = [await openSession(store, { ttlSeconds: 8 }), await openSession(store, { ttlSeconds: 8 })];
    const leaders = election(two, "e").observe();
    const leadership = await election(one, "e").campaign("one");
    expect((await leaders.next()).value).toMatchObject({ value: "one" });

    // The one that is asked first.
    const member = cluster.members[0]!;
    const held = await lock(one, "l").acquire();
    const waiting = lock(two, "l").acquire();
    while ((await store.range(line)).count < 2);
    const ended = new Promise((resolve) => member.process.once("exit", resolve));
    member.process.kill("SIGKILL");
    await ended;
    expect(held.held).toBe(true);
    await held.release({ timeoutMs: 20_000 });
    const next = await waiting;
    expect(next.held).toBe(true);
    expect(next.token).toBeGreaterThan(held.token);
    await leadership.proclaim(member.client, { timeoutMs: 20_000 });
    let said: string | undefined;
    while (said !== member.client) said = (await leaders.next()).value?.value;
    await next.release({ timeoutMs: 20_000 });
    await leaders.return();
    await Promise.all([one.close(), two.close()]);
    expect((await store.range(line)).count).toBe(0);
  });
});
