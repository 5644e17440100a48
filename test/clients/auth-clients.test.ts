import { Etcd3, type IOptions } from "etcd3";
import { etcdCoordination } from "holdfast/adapters/etcd";
import { remoteCoordination, type Coordination } from "holdfast/coordination";
import { nodeRuntime } from "holdfast/runtime";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startCluster, startEtcd, type ClusterEndpoints, type Endpoint } from "./endpoint.ts";

let holdfast: ClusterEndpoints;
let etcd: Endpoint;

interface Answer {
  readonly status: number;
  readonly body: string;
}

async function post(endpoint: Endpoint, path: string, body: object, token?: string): Promise<Answer> {
  const response = await fetch(`http://${endpoint.client}/v3${path}`, {
    method: "POST",
    body: JSON.stringify(body),
    headers: token === undefined ? {} : { authorization: token },
  });
  const text = await response.text();
  return { status: response.status, body: text.replaceAll(/"(cluster_id|member_id|raft_term)":"\d+"/g, '"$1":"*"') };
}

/** The first line of an answer that goes on. */
async function firstLine(endpoint: Endpoint, path: string, body: object, token?: string): Promise<string> {
  const controller = new AbortController();
  const headers = token === undefined ? {} : { authorization: token };
  const request = { method: "POST", body: JSON.stringify(body), headers, signal: controller.signal };
  const response = await fetch(`http://${endpoint.client}/v3${path}`, request);
  let text = "";
  for await (const chunk of response.body!) {
    text += Buffer.from(chunk).toString();
    if (text.includes("\n")) break;
  }
  controller.abort();
  return text.replaceAll(/"(cluster_id|member_id|raft_term)":"\d+"/g, '"$1":"*"');
}

async function tokenOf(endpoint: Endpoint, name: string, password: string): Promise<string> {
  const { body } = await post(endpoint, "/auth/authenticate", { name, password });
  return (JSON.parse(body) as { readonly token: string }).token;
}

const base64 = (text: string): string => Buffer.from(text).toString("base64");
const a = { key: base64("a") };

const setUp: readonly (readonly [path: string, body: object])[] = [
  ["/auth/user/add", { name: "root", password: "secret" }],
  ["/auth/user/grant", { user: "root", role: "root" }],
  ["/auth/user/add", { name: "ann", password: "pw" }],
  ["/auth/user/add", { name: "certified", options: { no_password: true } }],
  ["/auth/user/add", { name: "" }],
  ["/auth/role/add", { name: "clerk" }],
  ["/auth/role/add", { name: "" }],
  ["/auth/role/grant", { name: "clerk", perm: { permType: "READWRITE", ...a } }],
  ["/auth/role/grant", { name: "clerk", perm: { permType: "READ", key: base64("b"), range_end: base64("d") } }],
  ["/auth/role/get", { role: "clerk" }],
  ["/auth/user/grant", { user: "ann", role: "clerk" }],
  ["/auth/user/get", { name: "ann" }],
  ["/auth/authenticate", { name: "ann", password: "pw" }],
  ["/auth/enable", {}],
  ["/auth/authenticate", { name: "ann", password: "wrong" }],
  ["/auth/authenticate", { name: "nobody", password: "pw" }],
];

beforeAll(async () => {
  [holdfast, etcd] = await Promise.all([startCluster(), startEtcd()]);
});

afterAll(async () => {
  await Promise.all([holdfast?.close(), etcd?.close()]);
});

describe("the gateway answers as etcd's does", () => {
  it.each(setUp)("%s %o", async (path, body) => {
    expect(await post(holdfast.next(), path, body)).toEqual(await post(etcd, path, body));
  });

  it.each<[path: string, body: object]>([
    ["/kv/range", a],
    ["/kv/range", { ...a, serializable: true }],
    ["/kv/range", { key: base64("c") }],
    ["/kv/range", { key: base64("e") }],
    ["/kv/put", { ...a, value: base64("1") }],
    ["/kv/put", { key: base64("c"), value: base64("1") }],
    ["/kv/deleterange", { ...a, prev_kv: true }],
    ["/kv/txn", { success: [{ request_put: { ...a, value: base64("2") } }] }],
    ["/kv/txn", { success: [{ request_range: { key: base64("e") } }] }],
    ["/auth/user/get", { name: "ann" }],
    ["/auth/user/get", { name: "root" }],
    ["/auth/user/list", {}],
    ["/auth/role/get", { role: "clerk" }],
    ["/auth/role/list", {}],
    ["/auth/user/changepw", { name: "ann", password: "pw" }],
    ["/auth/enable", {}],
  ])("%s %o, whoever asks", async (path, body) => {
    const member = holdfast.next();
    for (const [name, password] of [
      ["root", "secret"],
      ["ann", "pw"],
    ] as const) {
      const [ours, theirs] = await Promise.all([tokenOf(member, name, password), tokenOf(etcd, name, password)]);
      expect(await post(holdfast.next(), path, body, ours)).toEqual(await post(etcd, path, body, theirs));
    }
    expect(await post(member, path, body)).toEqual(await post(etcd, path, body));
    expect(await post(member, path, body, "nonsense")).toEqual(await post(etcd, path, body, "nonsense"));
  });

  it("a watch that is not allowed is created and cancelled in one", async () => {
    const forbidden = { create_request: { key: base64("e"), watch_id: 7 } };
    const [ours, theirs] = await Promise.all([tokenOf(holdfast.leader, "ann", "pw"), tokenOf(etcd, "ann", "pw")]);
    for (const [mine, other] of [[ours, theirs], ["nonsense", "nonsense"], []] as const) {
      const answer = await firstLine(holdfast.next(), "/watch", forbidden, mine);
      expect(answer).toEqual(await firstLine(etcd, "/watch", forbidden, other));
      expect(answer).toMatch(/"canceled":true,"cancel_reason":"rpc error: code = \w+ desc = etcdserver: /);
    }
  });

  it("a user without a password has none that is right", async () => {
    const attempt = { name: "certified", password: "" };
    expect(await post(holdfast.next(), "/auth/authenticate", attempt)).toMatchObject({ status: 400 });
    // etcd, too, refuses, and says that there is such a user.
    expect(await post(etcd, "/auth/authenticate", attempt)).toMatchObject({ status: 500 });
  });
});

describe("stricter than etcd 3.4, where that lets pass too much", () => {
  const nested = {
    success: [{ request_txn: { success: [{ request_put: { key: base64("e"), value: base64("1") } }] } }],
  };

  it.each<[string, string, object]>([
    ["compaction by nobody", "/kv/compaction", { revision: 1 }],
    ["a grant by nobody", "/lease/grant", { TTL: 60 }],
  ])("%s", async (_, path, body) => {
    expect((await post(holdfast.next(), path, body)).body).toContain("etcdserver: user name is empty");
  });

  it("writes in a transaction within one", async () => {
    const token = await tokenOf(holdfast.leader, "ann", "pw");
    expect(await post(holdfast.next(), "/kv/txn", nested, token)).toMatchObject({ status: 403 });
    const theirs = await tokenOf(etcd, "ann", "pw");
    expect(await post(etcd, "/kv/txn", nested, theirs)).toMatchObject({ status: 200 });
  });

  it("raises no alarm for anybody but root, and grants no permission that says nothing", async () => {
    const alarm = { action: "ACTIVATE", alarm: "NOSPACE" };
    const [ann, root] = [await tokenOf(holdfast.leader, "ann", "pw"), await tokenOf(holdfast.leader, "root", "secret")];
    expect((await post(holdfast.next(), "/maintenance/alarm", alarm, ann)).body).toContain("auth: permission denied");
    const grant = await post(holdfast.next(), "/auth/role/grant", { name: "clerk" }, root);
    expect(grant).toMatchObject({ status: 400 });
    expect(grant.body).toContain("etcdserver: permission not given");
  });
});

describe("a token that one member gave", () => {
  const key = Buffer.from("a");
  const asked = { key, value: Buffer.from("1") };

  /** Both of our clients, each of one member alone. */
  function connect({ client }: Endpoint): readonly (Coordination & { close(): Promise<void> })[] {
    const endpoints = [client];
    return [remoteCoordination({ runtime: nodeRuntime(), endpoints }), etcdCoordination({ endpoints })];
  }

  async function everywhere(token: string): Promise<readonly string[]> {
    const outcomes: string[] = [];
    for (const store of holdfast.members.flatMap(connect)) {
      const outcome = store.put(asked, { credentials: { token } }).then(
        () => "put",
        (error: unknown) => String((error as { readonly code?: unknown }).code),
      );
      outcomes.push(await outcome);
      await store.close();
    }
    return outcomes;
  }

  it("is good at every member and over every protocol, until the password changes", async () => {
    const root = await tokenOf(holdfast.leader, "root", "secret");
    const ask = (path: string, body: object) => post(holdfast.next(), `/auth${path}`, body, root);
    expect(await ask("/user/add", { name: "bob", password: "one" })).toMatchObject({ status: 200 });
    expect(await ask("/user/grant", { user: "bob", role: "clerk" })).toMatchObject({ status: 200 });
    const token = await tokenOf(holdfast.follower, "bob", "one");
    expect(await everywhere(token)).toEqual(Array.from({ length: 6 }, () => "put"));
    expect(await everywhere(`0${token}`)).toEqual(Array.from({ length: 6 }, () => "INVALID_AUTH_TOKEN"));
    expect(await ask("/user/changepw", { name: "bob", password: "two" })).toMatchObject({ status: 200 });
    expect(await everywhere(token)).toEqual(Array.from({ length: 6 }, () => "INVALID_AUTH_TOKEN"));
    expect(await ask("/user/delete", { name: "bob" })).toMatchObject({ status: 200 });
  });
});

describe("the etcd3 client with a user", () => {
  async function withClient(
    endpoints: readonly Endpoint[],
    auth: IOptions["auth"],
    act: (client: Etcd3) => Promise<void>,
  ): Promise<void> {
    const hosts = endpoints.map(({ client }) => `http://${client}`);
    const client = new Etcd3(auth === undefined ? { hosts } : { hosts, auth });
    try {
      await act(client);
    } finally {
      client.close();
    }
  }

  it("reads, writes and watches what it may, through all members", () =>
    withClient(holdfast.members, { username: "ann", password: "pw" }, async (client) => {
      const watcher = await client.watch().key("a").create();
      const seen = new Promise((resolve) => watcher.once("put", (pair) => resolve(pair.value.toString())));
      for (let round = 0; round < 6; round++) await client.put("a").value(`${round}`);
      expect(await seen).toBe("0");
      expect(await client.get("a").string()).toBe("5");
      await expect(client.put("e").value("1")).rejects.toThrow("permission denied");
      await expect(client.getAll().all().strings()).rejects.toThrow("permission denied");
      await watcher.cancel();
    }));

  it("manages users and roles as root", () =>
    withClient(holdfast.members, { username: "root", password: "secret" }, async (client) => {
      const role = client.role("editor");
      await role.create();
      await role.grant({ permission: "Readwrite", range: client.getAll().prefix("docs/") as never });
      const user = client.user("eve");
      await user.create("pw");
      await user.addRole("editor");
      expect((await user.roles()).map(({ name }) => name)).toEqual(["editor"]);
      expect((await client.getRoles()).map(({ name }) => name)).toEqual(["clerk", "editor"]);
      await withClient([holdfast.follower], { username: "eve", password: "pw" }, async (other) => {
        await expect(other.put("a").value("1")).rejects.toThrow("permission denied");
      });
      await user.delete();
      await role.delete();
    }));

  it("is refused without one, and with a wrong password", async () => {
    await withClient(holdfast.members, undefined, async (client) => {
      await expect(client.get("a").string()).rejects.toThrow("user name is empty");
    });
    await withClient(holdfast.members, { username: "ann", password: "wrong" }, async (client) => {
      await expect(client.get("a").string()).rejects.toThrow(/invalid user ID or password/);
    });
  });
});
