import { afterEach, describe, expect, it } from "vitest";
import { etcdCoordination, type EtcdCoordination } from "./etcd-coordination.ts";
import type { EtcdOptions } from "./etcd-options.ts";
import { header, ScriptedEtcd, type Script } from "./testing/scripted-etcd.ts";

const key = new TextEncoder().encode("k");
const value = new TextEncoder().encode("v");
const found = { ...header(5), kvs: [], count: 0 };
const unavailable = { code: 14, details: "etcdserver: request timed out" };
const badToken = { code: 16, details: "etcdserver: invalid auth token" };
/** Nobody listens on it. */
const nowhere = "127.0.0.1:1";

const open: AsyncDisposable[] = [];

afterEach(async () => {
  for (const one of open.splice(0).toReversed()) await one[Symbol.asyncDispose]();
});

async function serve(script: Script): Promise<ScriptedEtcd> {
  const server = await ScriptedEtcd.start(script);
  open.push(server);
  return server;
}

function connect(endpoints: readonly string[], options: Partial<EtcdOptions> = {}): EtcdCoordination {
  const store = etcdCoordination({ endpoints, ...options });
  open.push(store);
  return store;
}

describe("a read", () => {
  it("is made on another endpoint when one fails, or says nothing", async () => {
    const failing = await serve({ unary: { range: () => unavailable } });
    const silent = await serve({ unary: { range: () => "silence" } });
    const good = await serve({ unary: { range: () => found } });
    const store = connect([failing.address, silent.address, nowhere, good.address], { attemptTimeoutMs: 100 });
    expect(await store.range({ key })).toMatchObject({
      count: 0,
      header: { clusterId: 1n, memberId: 2n, revision: 5 },
    });
    // Whoever answered is asked from now on.
    const before = failing.calls.length + silent.calls.length;
    for (let count = 0; count < 10; count++) await store.range({ key });
    expect(failing.calls.length + silent.calls.length).toBe(before);
  });

  it("is repeated until its time is over, with longer and longer waits", async () => {
    const failing = await serve({ unary: { range: () => unavailable } });
    const store = connect([failing.address]);
    await expect(store.range({ key }, { timeoutMs: 400 })).rejects.toMatchObject({ code: "TIMED_OUT" });
    expect(failing.calls.length).toBeGreaterThan(2);
    expect(failing.calls.length).toBeLessThan(20);
  });

  it("is told what etcd refuses it for, at once", async () => {
    const refusing = await serve({ unary: { range: () => ({ code: 8, details: "etcdserver: too many requests" }) } });
    const store = connect([refusing.address]);
    await expect(store.range({ key })).rejects.toMatchObject({ code: "TOO_MANY_REQUESTS" });
    expect(refusing.calls).toHaveLength(1);
  });
});

describe("a write", () => {
  it("is sent once, whatever becomes of it", async () => {
    const failing = await serve({
      unary: { put: () => unavailable, txn: () => "silence", leaseGrant: () => unavailable },
    });
    const other = await serve({ unary: { put: () => header(6) } });
    const store = connect([failing.address], { attemptTimeoutMs: 50 });
    await expect(store.put({ key, value })).rejects.toMatchObject({ code: "TIMED_OUT", retryable: false });
    await expect(store.leaseGrant({ ttlSeconds: 5 })).rejects.toMatchObject({ code: "TIMED_OUT" });
    const txn = { compare: [], success: [{ type: "put", request: { key, value } } as const], failure: [] };
    await expect(store.txn(txn, { timeoutMs: 300 })).rejects.toMatchObject({ code: "TIMED_OUT" });
    expect(failing.called).toBe("put,leaseGrant,txn");
    expect(other.calls).toHaveLength(0);
  });

  it("is not repeated when the connection breaks after it was sent", async () => {
    const dying: ScriptedEtcd = await serve({
      unary: {
        put() {
          dying.kill();
          return "silence";
        },
      },
    });
    const other = await serve({ unary: { put: () => header(6), range: () => found } });
    let store: EtcdCoordination;
    let outcome: unknown;
    do {
      // Which endpoint a client begins with is drawn.
      store = connect([dying.address, other.address]);
      outcome = await store.put({ key, value }).catch((error: unknown) => error);
    } while (dying.calls.length === 0);
    const before = other.calls.length;
    expect(outcome).toMatchObject({ code: "TIMED_OUT", retryable: false });
    expect(dying.called).toBe("put");
    // The next one goes elsewhere.
    expect(await store.put({ key, value })).toMatchObject({ header: { revision: 6 } });
    expect(other.calls.length).toBe(before + 1);
  });

  it("goes to another endpoint when there is no connection to the first", async () => {
    const good = await serve({ unary: { put: () => header(6) } });
    const store = connect([nowhere, good.address]);
    for (let count = 0; count < 4; count++) await store.put({ key, value });
    expect(good.calls).toHaveLength(4);
  });

  it("is known not to have happened when no endpoint could be reached", async () => {
    const store = connect([nowhere]);
    await expect(store.put({ key, value }, { timeoutMs: 150 })).rejects.toMatchObject({
      name: "EtcdError",
      code: "ENDPOINTS_UNREACHABLE",
      kind: "network",
      retryable: true,
      message: expect.stringMatching(/^no endpoint can be reached \(127\.0\.0\.1:1\): connect ECONNREFUSED/) as string,
    });
  });

  it("is repeated under its name where names are known, and refused with one where they are not", async () => {
    const failing = await serve({ unary: { put: (count) => (count < 3 ? unavailable : header(6)) } });
    const identity = { client: 7, sequence: 2, acknowledged: 1, since: 4 };
    const store = connect([failing.address], { identities: true });
    expect(await store.put({ key, value }, { identity })).toMatchObject({ header: { revision: 6 } });
    expect(failing.calls.map(({ metadata }) => metadata["holdfast-request"])).toEqual(Array(3).fill("7/2/1/4"));
    const plain = connect([failing.address]);
    await expect(plain.put({ key, value }, { identity })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    expect(failing.calls).toHaveLength(3);
  });
});

describe("a token", () => {
  const credentials = { username: "root", password: "secret" };

  it("is asked for once, and anew when it is refused", async () => {
    const server = await serve({
      unary: {
        authenticate: (count) => ({ ...header(1), token: `t${count}` }),
        put: (count, { metadata }) => (metadata["token"] === "t1" && count > 2 ? badToken : header(6)),
        range: () => found,
      },
    });
    const store = connect([server.address], credentials);
    await Promise.all([store.put({ key, value }), store.range({ key })]);
    expect(server.calls[0]).toMatchObject({ method: "authenticate", message: { name: "root", password: "secret" } });
    await store.put({ key, value });
    // Refused before it changed anything, so it is sent again.
    await store.put({ key, value });
    expect(server.calls.filter(({ method }) => method === "put").map(({ metadata }) => metadata["token"])).toEqual([
      "t1",
      "t1",
      "t1",
      "t2",
    ]);
    expect(server.calls.filter(({ method }) => method === "authenticate")).toHaveLength(2);
  });

  it("is asked for twice for one request at most", async () => {
    const server = await serve({
      unary: { authenticate: () => ({ ...header(1), token: "t" }), put: () => badToken },
    });
    const store = connect([server.address], credentials);
    await expect(store.put({ key, value })).rejects.toMatchObject({ code: "INVALID_AUTH_TOKEN" });
    expect(server.called).toBe("authenticate,put,authenticate,put");
  });

  it("that a request brings is its own", async () => {
    const server = await serve({
      unary: { range: () => found, put: () => badToken },
      stream: { watch: (stream) => void stream.write({ ...header(1), created: true }) },
    });
    const store = connect([server.address], credentials);
    await store.range({ key }, { credentials: { token: "mine" } });
    await store.watch({ key }, { credentials: { token: "mine" } });
    await expect(store.put({ key, value }, { credentials: { token: "mine" } })).rejects.toMatchObject({
      code: "INVALID_AUTH_TOKEN",
    });
    expect(server.calls.map(({ metadata }) => metadata["token"])).toEqual(["mine", "mine", "mine"]);
    const vouched = { credentials: { user: "root" } };
    await expect(store.range({ key }, vouched)).rejects.toThrow("credentials must be a token");
    await expect(store.watch({ key }, vouched)).rejects.toThrow("credentials must be a token");
    expect(server.calls).toHaveLength(3);
  });

  it("is done without where authentication is off, and not had with a wrong password", async () => {
    const off = { code: 9, details: "etcdserver: authentication is not enabled" };
    const wrong = { code: 3, details: "etcdserver: authentication failed, invalid user ID or password" };
    const server = await serve({
      unary: { authenticate: (count) => (count === 1 ? off : wrong), range: () => found },
    });
    const store = connect([server.address], credentials);
    await store.range({ key });
    expect(server.calls[1]?.metadata).not.toHaveProperty("token");
    await expect(connect([server.address], credentials).range({ key })).rejects.toMatchObject({ code: "AUTH_FAILED" });
  });
});

describe("closing", () => {
  it("ends what waits, and refuses the rest", async () => {
    const silent = await serve({ unary: { range: () => "silence", put: () => "silence" } });
    const store = connect([silent.address]);
    const read = store.range({ key }).then(undefined, (error: { code: string }) => error.code);
    const write = store.put({ key, value }).then(undefined, (error: { code: string }) => error.code);
    while (silent.calls.length < 2) await new Promise((resolve) => setImmediate(resolve));
    await store.close();
    expect([await read, await write]).toEqual(["STOPPED", "TIMED_OUT"]);
    await expect(store.range({ key })).rejects.toMatchObject({ code: "STOPPED" });
    await expect(store.watch({ key })).rejects.toMatchObject({ code: "STOPPED" });
    await store.close();
  });

  it("an abort ends one request at once, with its reason", async () => {
    const silent = await serve({ unary: { put: () => "silence" } });
    const store = connect([silent.address]);
    const controller = new AbortController();
    const write = store.put({ key, value }, { signal: controller.signal });
    while (silent.calls.length < 1) await new Promise((resolve) => setImmediate(resolve));
    const reason = new Error("enough");
    controller.abort(reason);
    await expect(write).rejects.toBe(reason);
  });
});
