/**
 * One piece of code, three homes: in memory, on a cluster in this process, and on an etcd, if ETCD_ENDPOINT names one
 * (`ETCD_ENDPOINT=127.0.0.1:2379`; Holdfast's own servers are as good).
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createMember, createMemoryMember, type Coordination } from "holdfast/coordination";
import { nodeRuntime, type Address } from "holdfast/runtime";
import { etcdCoordination } from "holdfast/adapters/etcd";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (value: Uint8Array | undefined): string => new TextDecoder().decode(value);
const visitors = 20;

/** Visitors come through at once, one counter counts them, and a watch sees it go up. */
async function turnstile(store: Coordination): Promise<string> {
  const key = bytes("turnstile/count");
  await store.put({ key, value: bytes("0") });
  const watcher = await store.watch({ key });
  await Promise.all(Array.from({ length: visitors }, () => comeThrough(store, key)));
  const seen: string[] = [];
  for await (const { events } of watcher) {
    seen.push(...events.map(({ pair }) => text(pair.value)));
    if (seen.length >= visitors) break;
  }
  // The counter goes when nobody keeps the lease; here, when it is revoked.
  const lease = await store.leaseGrant({ ttlSeconds: 10 });
  await store.put({ key, value: bytes(seen.at(-1)!), lease: lease.id });
  await store.leaseRevoke({ id: lease.id });
  const { count } = await store.range({ key });
  return `saw ${seen[0]}, ${seen[1]}, … ${seen.at(-1)}; afterwards ${count} keys`;
}

/** Counts one more, if nobody else has meanwhile; else tries again. */
async function comeThrough(store: Coordination, key: Uint8Array): Promise<void> {
  for (;;) {
    const { pairs } = await store.range({ key });
    const { value, modRevision } = pairs[0]!;
    const { succeeded } = await store.txn({
      compare: [{ key, target: "mod", result: "equal", operand: modRevision }],
      success: [{ type: "put", request: { key, value: bytes(String(Number(text(value)) + 1)) } }],
      failure: [],
    });
    if (succeeded) return;
  }
}

async function inMemory(): Promise<void> {
  const member = createMemoryMember();
  console.log(`in memory:      ${await turnstile(member)}`);
  await member.close();
}

async function embedded(): Promise<void> {
  const runtime = nodeRuntime();
  const directory = await mkdtemp(join(tmpdir(), "holdfast-example-"));
  const names = ["a", "b", "c"];
  const addresses = await Promise.all(names.map(freeAddress));
  const cluster = { name: "homes", members: names.map((name, at) => ({ name, peer: addresses[at]! })) };
  const members = await Promise.all(
    cluster.members.map(({ name, peer }) => {
      const own = { name, peer, directory: join(directory, name), clientUrls: [], httpUrls: [] };
      return createMember({ runtime, cluster, ...own });
    }),
  );
  console.log(`in a cluster:   ${await turnstile(members[0]!)}`);
  for (const member of members) await member.close();
  await rm(directory, { recursive: true });

  async function freeAddress(): Promise<Address> {
    const listener = await runtime.network.listen({ host: "127.0.0.1", port: 0 }, (connection) => connection.destroy());
    await listener.close();
    return listener.address;
  }
}

async function onEtcd(endpoint: string): Promise<void> {
  await using store = etcdCoordination({ endpoints: [endpoint] });
  console.log(`on an etcd:     ${await turnstile(store)}`);
}

await inMemory();
await embedded();
const endpoint = process.env["ETCD_ENDPOINT"];
if (endpoint !== undefined) await onEtcd(endpoint);
console.log(`ok: the same turnstile counted to ${visitors} in ${endpoint === undefined ? 2 : 3} homes`);
