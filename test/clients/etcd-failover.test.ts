import type { ChildProcess } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { etcdCoordination, type EtcdCoordination } from "holdfast/adapters/etcd";
import type { Watcher } from "holdfast/coordination";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { gateway, startEtcdCluster, type EtcdCluster, type EtcdMember } from "./etcd-cluster.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (value: Uint8Array | undefined): string => new TextDecoder().decode(value);

let cluster: EtcdCluster;
let store: EtcdCoordination;

function connect(members: readonly EtcdMember[], credentials: object = {}): EtcdCoordination {
  return etcdCoordination({
    endpoints: members.map(({ client }) => client),
    attemptTimeoutMs: 500,
    connectTimeoutMs: 500,
    ...credentials,
  });
}

/** The member that has this id. */
async function memberOf(id: bigint): Promise<EtcdMember> {
  for (const member of cluster.members) {
    const client = connect([member]);
    const { header } = await client.range({ key: bytes("a"), serializable: true });
    await client.close();
    if (header.memberId === id) return member;
  }
  throw new Error(`no member has the id ${id}`);
}

async function kill(process: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => process.once("exit", resolve));
  process.kill("SIGKILL");
  await ended;
}

/** Puts one number after the other; one whose outcome is unknown is looked up, and put again if it is not there. */
async function count(to: number): Promise<number> {
  const key = bytes("counter");
  let uncertain = 0;
  for (let number = 1; number <= to; number++) {
    for (;;) {
      try {
        await store.put({ key, value: bytes(`${number}`) }, { timeoutMs: 10_000 });
        break;
      } catch {
        uncertain++;
        const { pairs } = await store.range({ key }, { timeoutMs: 20_000 });
        if (text(pairs[0]?.value) === `${number}`) break;
      }
    }
    await sleep(5);
  }
  return uncertain;
}

async function numbers(watcher: Watcher, to: number): Promise<{ revisions: number[]; values: number[] }> {
  const revisions: number[] = [];
  const values: number[] = [];
  while (values.at(-1) !== to) {
    const { value, done } = await watcher.next();
    if (done === true || value.canceled === true) throw new Error(`the watch is over: ${value?.cancelReason}`);
    for (const { pair } of value.events) {
      revisions.push(pair.modRevision);
      values.push(Number(text(pair.value)));
    }
  }
  return { revisions, values };
}

beforeEach(async () => {
  cluster = await startEtcdCluster(3);
  store = connect(cluster.members);
});

afterEach(async () => {
  await store?.close();
  await cluster?.close();
});

describe("three etcds over the adapter", () => {
  it("lose no event and repeat none when the one that is watched is killed", async () => {
    const watchers = await Promise.all(Array.from({ length: 5 }, () => store.watch({ key: bytes("counter") })));
    const watched = await memberOf(watchers[0]!.header.memberId);
    const reading = Promise.all(watchers.map((watcher) => numbers(watcher, 300)));
    const counting = count(300);
    await sleep(400);
    await kill(watched.process);
    await counting;
    const told = await reading;
    expect(watched.process.signalCode).toBe("SIGKILL");
    // What happened, as one that watched nothing but this tells it.
    const truth = await numbers(await store.watch({ key: bytes("counter"), startRevision: 1 }), 300);
    expect(new Set(truth.values).size).toBe(300);
    for (const one of told) expect(one).toEqual(truth);
    expect(watchers[0]!.header.memberId).not.toBe((await store.range({ key: bytes("counter") })).header.memberId);
  });

  it("go on when the endpoint in use stands still", async () => {
    const { header } = await store.put({ key: bytes("a"), value: bytes("1") });
    const { id } = await store.leaseGrant({ ttlSeconds: 60 });
    await store.leaseKeepAlive({ id });
    const used = await memberOf(header.memberId);
    used.process.kill("SIGSTOP");
    const startedAt = performance.now();
    // Whether a write on its way arrived is not known; the other requests are made elsewhere.
    const write = store.put({ key: bytes("b"), value: bytes("1") }, { timeoutMs: 300 }).then(
      () => "answered",
      (error: { readonly code: string }) => error.code,
    );
    const [read, kept] = await Promise.all([
      store.range({ key: bytes("a") }, { timeoutMs: 20_000 }),
      store.leaseKeepAlive({ id }, { timeoutMs: 20_000 }),
    ]);
    expect(await write).toBe("TIMED_OUT");
    expect(text(read.pairs[0]?.value)).toBe("1");
    expect(kept.ttlSeconds).toBe(60);
    expect(read.header.memberId).not.toBe(header.memberId);
    expect(performance.now() - startedAt).toBeLessThan(15_000);
    used.process.kill("SIGCONT");
    // At most once, whenever it arrives.
    await sleep(500);
    const { pairs } = await store.range({ key: bytes("b") });
    expect(pairs.map(({ version }) => version).filter((version) => version !== 1)).toEqual([]);
  });

  it("that are all gone are waited for, and are the same ones when they are back", async () => {
    await store.put({ key: bytes("a"), value: bytes("1") });
    for (const { process } of cluster.members) process.kill("SIGSTOP");
    await expect(store.range({ key: bytes("a") }, { timeoutMs: 1_500 })).rejects.toMatchObject({ code: "TIMED_OUT" });
    for (const { process } of cluster.members) process.kill("SIGCONT");
    const { pairs } = await store.range({ key: bytes("a") }, { timeoutMs: 20_000 });
    expect(text(pairs[0]?.value)).toBe("1");
  });
});

describe("etcd with users", () => {
  /** A request that must succeed. */
  async function administer(path: string, body: object, token?: string): Promise<void> {
    const headers = token === undefined ? {} : { authorization: token };
    await gateway(cluster.members[0]!.client, path, body, headers).catch((error: unknown) => {
      if (!String(error).includes("it succeeded")) throw error;
    });
  }

  const root = { username: "root", password: "secret" };

  beforeEach(async () => {
    await administer("auth/user/add", { name: "root", password: "secret" });
    await administer("auth/user/grant", { user: "root", role: "root" }).catch(() => undefined);
    await administer("auth/role/add", { name: "root" });
    await administer("auth/user/grant", { user: "root", role: "root" });
    await administer("auth/role/add", { name: "shop" });
    const [key, range_end] = ["shop/", "shop0"].map((name) => Buffer.from(name).toString("base64"));
    await administer("auth/role/grant", { name: "shop", perm: { permType: "READWRITE", key, range_end } });
    await administer("auth/user/add", { name: "clerk", password: "1234" });
    await administer("auth/user/grant", { user: "clerk", role: "shop" });
    await administer("auth/enable", {});
  });

  it("lets everybody do what they may, by name and password", async () => {
    const clerk = connect(cluster.members, { username: "clerk", password: "1234" });
    const stranger = connect(cluster.members, { username: "clerk", password: "12345" });
    try {
      const watcher = await clerk.watch({ key: bytes("shop/"), rangeEnd: bytes("shop0") });
      await clerk.put({ key: bytes("shop/apples"), value: bytes("3") });
      expect((await watcher.next()).value?.events).toHaveLength(1);
      await expect(clerk.put({ key: bytes("bank"), value: bytes("3") })).rejects.toMatchObject({
        code: "PERMISSION_DENIED",
      });
      await expect(clerk.watch({ key: bytes("bank") })).rejects.toMatchObject({ code: "PERMISSION_DENIED" });
      await expect(stranger.range({ key: bytes("shop/") })).rejects.toMatchObject({ code: "AUTH_FAILED" });
      await expect(store.range({ key: bytes("shop/") })).rejects.toMatchObject({ code: "USER_EMPTY" });
    } finally {
      await clerk.close();
      await stranger.close();
    }
  });

  it("gets a new token when all are forgotten, for requests and for watches", async () => {
    const admin = connect(cluster.members, root);
    try {
      await admin.put({ key: bytes("counter"), value: bytes("0") });
      const { id } = await admin.leaseGrant({ ttlSeconds: 60 });
      // Switched off and on, etcd knows no token any more.
      const token = (await authenticate()).token;
      await administer("auth/disable", {}, token);
      await administer("auth/enable", {});
      const refused = await refusalOf(token);
      expect(refused).toContain("invalid auth token");
      await admin.put({ key: bytes("counter"), value: bytes("1") });
      await administer("auth/disable", {}, (await authenticate()).token);
      await administer("auth/enable", {});
      const watcher = await admin.watch({ key: bytes("counter"), startRevision: 1 });
      expect((await watcher.next()).value?.events).toHaveLength(2);
      expect((await admin.leaseKeepAlive({ id })).ttlSeconds).toBe(60);
    } finally {
      await admin.close();
    }
  });

  async function authenticate(): Promise<{ readonly token: string }> {
    const body = JSON.stringify({ name: "root", password: "secret" });
    const url = `http://${cluster.members[0]!.client}/v3/auth/authenticate`;
    return (await (await fetch(url, { method: "POST", body })).json()) as { readonly token: string };
  }

  async function refusalOf(token: string): Promise<string> {
    const body = { key: Buffer.from("counter").toString("base64") };
    const answer = gateway(cluster.members[0]!.client, "kv/range", body, { authorization: token });
    return answer.catch((error: unknown) => String(error));
  }
});
