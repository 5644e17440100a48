import { once } from "node:events";
import { Agent, request as httpRequest, type IncomingMessage } from "node:http";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { Client, Metadata, credentials, type ServiceError } from "@grpc/grpc-js";
import { createMemoryMember, type Member, type PutRequest, type RequestOptions } from "holdfast/coordination";
import { afterEach, describe, expect, it } from "vitest";
import { wireType } from "./etcd/wire-type.ts";
import { grpcCode } from "./grpc/status-code.ts";
import { serveMember, type ServeEvent, type ServeLimits, type Served } from "./serve.ts";

const any = { host: "127.0.0.1", port: 0 };
const opened: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

async function serve(
  options: {
    member?: Member;
    limits?: ServeLimits;
    closeGraceMs?: number;
    onEvent?: (event: ServeEvent) => void;
  } = {},
): Promise<Served> {
  const served = await serveMember({ member: createMemoryMember(), client: any, http: any, ...options });
  opened.push(() => served.close());
  return served;
}

/** A member whose puts wait until they are let through, and that shows what they were given. */
function heldMember(): { member: Member; held: HeldPut[]; arrived: (count: number) => Promise<void> } {
  const inner = createMemoryMember();
  const held: HeldPut[] = [];
  let onPut = (): void => {};
  const put: Member["put"] = (request, options = {}) =>
    new Promise((resolve, reject) => {
      held.push({ request, options, release: () => void inner.put(request).then(resolve, reject) });
      options.signal?.addEventListener("abort", () => reject(options.signal?.reason as Error));
      onPut();
    });
  return {
    member: { ...inner, put },
    held,
    arrived: (count) =>
      new Promise((resolve) => {
        onPut = () => held.length >= count && resolve();
        onPut();
      }),
  };
}

interface HeldPut {
  readonly request: PutRequest;
  readonly options: RequestOptions;
  readonly release: () => void;
}

function grpcClient(served: Served): Client {
  const client = new Client(`127.0.0.1:${served.clientAddress.port}`, credentials.createInsecure());
  opened.push(() => client.close());
  return client;
}

const unchanged = (bytes: Buffer): Buffer => bytes;
const putBytes = wireType("PutRequest").encode({ key: Buffer.from("a"), value: Buffer.from("1") });

interface GrpcResult {
  readonly code: number;
  readonly details: string;
  readonly answer?: Buffer | undefined;
}

function call(
  client: Client,
  { path = "/etcdserverpb.KV/Put", bytes = putBytes, identity = "", deadline = Infinity } = {},
): { readonly result: Promise<GrpcResult>; readonly cancel: () => void } {
  const metadata = new Metadata();
  if (identity !== "") metadata.set("holdfast-request", identity);
  const { promise: result, resolve } = Promise.withResolvers<GrpcResult>();
  const done = (error: ServiceError | null, answer?: Buffer): void =>
    resolve({ code: error?.code ?? 0, details: error?.details ?? "", answer });
  const unary = client.makeUnaryRequest(path, unchanged, unchanged, bytes, metadata, { deadline }, done);
  return { result, cancel: () => unary.cancel() };
}

interface HttpResult {
  readonly status: number;
  readonly body: string;
  readonly socket: Socket;
  readonly headers: Readonly<Record<string, unknown>>;
}

const putJson = JSON.stringify({ key: btoa("a"), value: btoa("1") });

async function http(
  port: number,
  path: string,
  options: {
    method?: string;
    body?: string;
    headers?: Record<string, string>;
    agent?: Agent;
    signal?: AbortSignal;
  } = {},
): Promise<HttpResult> {
  const { method = "POST", body = "" } = options;
  const request = httpRequest({ host: "127.0.0.1", port, path, method, ...options });
  request.end(body);
  const [response] = (await once(request, "response")) as [IncomingMessage];
  let text = "";
  for await (const chunk of response.setEncoding("utf8")) text += String(chunk);
  return { status: response.statusCode ?? 0, body: text, socket: request.socket as Socket, headers: response.headers };
}

describe("the ports", () => {
  it("serve gRPC and HTTP on one, and HTTP alone on the other", async () => {
    const served = await serve();
    expect((await call(grpcClient(served)).result).code).toBe(grpcCode.OK);
    for (const address of [served.clientAddress, served.httpAddress]) {
      expect((await http(address?.port ?? 0, "/v3/kv/put", { body: putJson })).status).toBe(200);
    }
  });

  it("refuse an address in use, naming it, and leave nothing behind", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    opened.push(() => taken.close());
    await once(taken, "listening");
    const { port } = taken.address() as AddressInfo;
    const inUse = { host: "127.0.0.1", port };
    const member = createMemoryMember();
    const expected = { code: "EADDRINUSE", message: `cannot listen on 127.0.0.1:${port} (EADDRINUSE)` };
    await expect(serveMember({ member, client: inUse })).rejects.toMatchObject(expected);
    await expect(serveMember({ member, client: any, http: inUse })).rejects.toMatchObject(expected);
  });

  it("refuse limits out of range", async () => {
    const serving = serveMember({ member: createMemoryMember(), client: any, limits: { maxTxnOps: 0 } });
    await expect(serving).rejects.toThrow("limits.maxTxnOps must be an integer >= 1 (got 0)");
  });

  it.each([
    ["gRPC", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u0004\0\0\0\0\0", "\0"],
    ["HTTP", "POST /v3/kv/range HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}", "HTTP/1.1 400"],
    ["HTTP that starts like gRPC", "PUT /v3/kv/range HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 405"],
  ])("know %s however its first bytes are cut", async (_name, text, answer) => {
    const served = await serve();
    const socket = connect(served.clientAddress.port, "127.0.0.1").setNoDelay();
    opened.push(() => socket.destroy());
    for (const character of text) {
      socket.write(character, "latin1");
      await new Promise(setImmediate);
    }
    const [bytes] = (await once(socket, "data")) as [Buffer];
    expect(bytes.toString("latin1").startsWith(answer)).toBe(true);
  });

  it("answer requests that come pipelined in one packet", async () => {
    const served = await serve();
    const socket = connect(served.clientAddress.port, "127.0.0.1");
    opened.push(() => socket.destroy());
    const one = `POST /v3/kv/put HTTP/1.1\r\nHost: a\r\nContent-Length: ${putJson.length}\r\n\r\n${putJson}`;
    socket.write(one.repeat(3));
    let text = "";
    for await (const chunk of socket.setEncoding("utf8")) {
      text += String(chunk);
      if (text.split("HTTP/1.1 200").length === 4 && text.endsWith("}}")) break;
    }
    expect(text.match(/"revision":"\d"/g)).toEqual(['"revision":"2"', '"revision":"3"', '"revision":"4"']);
  });
});

describe("a request's metadata", () => {
  it("carries identity and deadline over gRPC", async () => {
    const { member, held, arrived } = heldMember();
    const served = await serve({ member });
    const { result } = call(grpcClient(served), { identity: "7/3/2/9", deadline: Date.now() + 2_000 });
    await arrived(1);
    expect(held[0]?.options.identity).toEqual({ client: 7, sequence: 3, acknowledged: 2, since: 9 });
    expect(held[0]?.options.timeoutMs).toBeGreaterThan(1_000);
    expect(held[0]?.options.timeoutMs).toBeLessThanOrEqual(2_000);
    held[0]?.release();
    expect((await result).code).toBe(grpcCode.OK);
  });

  it("carries identity and deadline over HTTP", async () => {
    const { member, held, arrived } = heldMember();
    const served = await serve({ member });
    const headers = { "holdfast-request": "7/3/2", "grpc-timeout": "1500m" };
    const answer = http(served.clientAddress.port, "/v3/kv/put", { body: putJson, headers });
    await arrived(1);
    expect(held[0]?.options).toMatchObject({ identity: { client: 7, sequence: 3, acknowledged: 2 }, timeoutMs: 1500 });
    held[0]?.release();
    expect((await answer).status).toBe(200);
  });

  it("is refused when the identity is malformed", async () => {
    const served = await serve();
    const expected = /header holdfast-request must be <client>\/<sequence>\/<acknowledged>/;
    const overGrpc = await call(grpcClient(served), { identity: "7/3" }).result;
    expect(overGrpc).toMatchObject({ code: grpcCode.INVALID_ARGUMENT, details: expect.stringMatching(expected) });
    const headers = { "holdfast-request": "7/3" };
    const overHttp = await http(served.clientAddress.port, "/v3/kv/put", { body: putJson, headers });
    expect(overHttp).toMatchObject({ status: 400, body: expect.stringMatching(expected) });
  });
});

describe("a caller that goes away", () => {
  it("aborts its request over gRPC", async () => {
    const { member, held, arrived } = heldMember();
    const served = await serve({ member });
    const { result, cancel } = call(grpcClient(served));
    await arrived(1);
    const aborted = once(held[0]?.options.signal as AbortSignal, "abort");
    cancel();
    await aborted;
    expect((await result).code).toBe(grpcCode.CANCELLED);
  });

  it("aborts its request over HTTP", async () => {
    const { member, held, arrived } = heldMember();
    const served = await serve({ member });
    const controller = new AbortController();
    const { port } = served.clientAddress;
    const answer = http(port, "/v3/kv/put", { body: putJson, signal: controller.signal });
    await arrived(1);
    const aborted = once(held[0]?.options.signal as AbortSignal, "abort");
    controller.abort();
    await expect(answer).rejects.toThrow("aborted");
    await aborted;
  });

  it("leaves the signal of an answered request alone", async () => {
    const { member, held, arrived } = heldMember();
    const served = await serve({ member });
    const { result } = call(grpcClient(served));
    await arrived(1);
    held[0]?.release();
    await result;
    await new Promise(setImmediate);
    expect(held[0]?.options.signal?.aborted).toBe(false);
  });
});

describe("limits", () => {
  it("refuse one request too many in flight, and no later one", async () => {
    const { member, held, arrived } = heldMember();
    const served = await serve({ member, limits: { maxConcurrentRequests: 2 } });
    const client = grpcClient(served);
    const first = [call(client), call(client)];
    await arrived(2);
    expect(await call(client).result).toMatchObject({ code: grpcCode.RESOURCE_EXHAUSTED });
    expect(await http(served.clientAddress.port, "/v3/kv/put", { body: putJson })).toMatchObject({ status: 429 });
    for (const put of held) put.release();
    for (const { result } of first) expect((await result).code).toBe(grpcCode.OK);
    const later = call(client);
    await arrived(3);
    held[2]?.release();
    expect((await later.result).code).toBe(grpcCode.OK);
  });

  it("refuse a write too large but a read of the same size", async () => {
    const served = await serve({ limits: { maxRequestBytes: 1_000 } });
    const client = grpcClient(served);
    const large = wireType("PutRequest").encode({ key: Buffer.alloc(990) });
    expect(await call(client, { bytes: large }).result).toMatchObject({ details: "etcdserver: request is too large" });
    const read = { path: "/etcdserverpb.KV/Range", bytes: large };
    expect((await call(client, read).result).code).toBe(grpcCode.OK);
    const fits = wireType("PutRequest").encode({ key: Buffer.alloc(979) });
    expect(fits.length).toBe(982);
    expect((await call(client, { bytes: fits }).result).code).toBe(grpcCode.OK);
    const body = JSON.stringify({ key: Buffer.alloc(979).toString("base64") });
    expect(await http(served.clientAddress.port, "/v3/kv/put", { body })).toMatchObject({ status: 200 });
  });

  it("count nested transactions on top of the one around them", async () => {
    const served = await serve({ limits: { maxTxnOps: 3 } });
    const client = grpcClient(served);
    const step = { request_range: { key: Buffer.from("a") } };
    const nested = (count: number) =>
      wireType("TxnRequest").encode({
        success: [{ request_txn: { success: Array.from({ length: count }, () => step) } }],
      });
    const path = "/etcdserverpb.KV/Txn";
    expect((await call(client, { path, bytes: nested(2) }).result).code).toBe(grpcCode.OK);
    expect(await call(client, { path, bytes: nested(3) }).result).toMatchObject({
      code: grpcCode.INVALID_ARGUMENT,
      details: "etcdserver: too many operations in txn request",
    });
  });
});

describe("requests that are wrong", () => {
  it.each([
    ["an unknown method", { path: "/etcdserverpb.KV/Nothing" }, grpcCode.UNIMPLEMENTED],
    ["an unknown service", { path: "/etcdserverpb.Nothing/Nothing" }, grpcCode.UNIMPLEMENTED],
    ["bytes that are no message", { bytes: Buffer.from("0a05", "hex") }, grpcCode.INTERNAL],
    ["a message too long", { bytes: Buffer.alloc(3_000_000) }, grpcCode.RESOURCE_EXHAUSTED],
    [
      "a sort order out of range",
      { path: "/etcdserverpb.KV/Range", bytes: wireType("RangeRequest").encode({ sort_order: 9 }) },
      grpcCode.INVALID_ARGUMENT,
    ],
  ])("are refused over gRPC: %s", async (_name, request, code) => {
    const client = grpcClient(await serve());
    expect((await call(client, request).result).code).toBe(code);
    expect((await call(client).result).code).toBe(grpcCode.OK);
  });

  it.each([
    ["malformed JSON", "/v3/kv/put", { body: '{"key":' }, 400],
    ["wrong base64", "/v3/kv/put", { body: '{"key":"*"}' }, 400],
    ["a key too few", "/v3/kv/put", { body: "{}" }, 400],
    ["an unknown path", "/v3/nothing", { body: "{}" }, 404],
    ["a wrong method", "/v3/kv/put", { method: "GET" }, 405],
    ["a wrong method on a page", "/health", { body: "{}" }, 405],
    ["a path that is no UTF-8", "/%ff", { method: "GET" }, 400],
  ])("are refused over HTTP and leave the connection usable: %s", async (_name, path, options, status) => {
    const { port } = (await serve()).clientAddress;
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    opened.push(() => agent.destroy());
    const refused = await http(port, path, { ...options, agent });
    expect(refused.status).toBe(status);
    expect(refused.body).not.toBe("");
    const next = await http(port, "/v3/kv/put", { body: putJson, agent });
    expect(next.status).toBe(200);
    expect(next.socket).toBe(refused.socket);
  });

  it("are refused over HTTP when the body is too long", async () => {
    const { port } = (await serve({ limits: { maxRequestBytes: 1_000 } })).clientAddress;
    const answer = await http(port, "/v3/kv/put", { body: "x".repeat(800_000) });
    expect(answer).toMatchObject({ status: 429, body: expect.stringContaining("received message larger than max") });
  });
});

describe("health", () => {
  const health = async (member: Member) => {
    const { port } = (await serve({ member })).clientAddress;
    const { status, body } = await http(port, "/health", { method: "GET" });
    return [status, body];
  };

  it("is good with a leader and a working read", async () => {
    expect(await health(createMemoryMember())).toEqual([200, '{"health":"true"}']);
  });

  it("is bad without a leader", async () => {
    const member = createMemoryMember();
    const leaderless = { ...member, status: () => ({ ...member.status(), leader: 0n }) };
    expect(await health(leaderless)).toEqual([503, '{"health":"false"}']);
  });

  it("is bad when reads fail", async () => {
    const member = createMemoryMember();
    await member.close();
    expect(await health(member)).toEqual([503, '{"health":"false"}']);
  });
});

describe("events", () => {
  it("tell each request's method, transport and outcome, and a listener that throws changes nothing", async () => {
    const events: ServeEvent[] = [];
    const served = await serve({
      onEvent(event) {
        events.push(event);
        throw new Error("a broken listener");
      },
    });
    await call(grpcClient(served)).result;
    const { status } = await http(served.clientAddress.port, "/v3/kv/put", { body: "{}" });
    expect(status).toBe(400);
    expect(events).toMatchObject([
      { type: "request", method: "/etcdserverpb.KV/Put", transport: "grpc", code: 0 },
      { type: "request", method: "/etcdserverpb.KV/Put", transport: "http", code: 3, error: { code: "EMPTY_KEY" } },
    ]);
    expect(events[0]).toHaveProperty("durationMs", expect.any(Number));
  });
});

describe("drain", () => {
  it("serves on, and says over HTTP/1.1 with each answer that the connection ends, also with those under way", async () => {
    const { member, held, arrived } = heldMember();
    const served = await serve({ member });
    const { port } = served.clientAddress;
    const agent = new Agent({ keepAlive: true });
    opened.push(() => agent.destroy());
    const before = await http(port, "/version", { method: "GET", agent });
    expect(before.headers["connection"]).toBe("keep-alive");
    const underWay = http(port, "/v3/kv/put", { body: putJson, agent });
    await arrived(1);
    const drained = served.drain(60_000);
    held[0]?.release();
    expect(await underWay).toMatchObject({ status: 200, headers: { connection: "close" } });
    for (const path of ["/version", "/livez", "/dashboard/", "/nothing"]) {
      const answer = await http(port, path, { method: "GET", agent });
      expect([path, answer.headers["connection"]]).toEqual([path, "close"]);
    }
    const overGrpc = call(grpcClient(served));
    await arrived(2);
    held[1]?.release();
    expect((await overGrpc.result).code).toBe(grpcCode.OK);
    await served.close();
    await drained;
  });
});

describe("close", () => {
  it("lets requests in flight finish on both transports, refuses new connections, and may be called again", async () => {
    const { member, held, arrived } = heldMember();
    const served = await serve({ member });
    const { port } = served.clientAddress;
    const overGrpc = call(grpcClient(served));
    const overHttp = http(port, "/v3/kv/put", { body: putJson });
    await arrived(2);
    let closed = false;
    const closing = served.close().then(() => (closed = true));
    await expect(http(port, "/version", { method: "GET" })).rejects.toMatchObject({ code: "ECONNREFUSED" });
    expect(closed).toBe(false);
    for (const put of held) put.release();
    expect((await overGrpc.result).code).toBe(grpcCode.OK);
    expect(await overHttp).toMatchObject({ status: 200, headers: { connection: "close" } });
    await closing;
    await served.close();
  });

  it("refuses what still comes on a connection already open", async () => {
    const { member, held, arrived } = heldMember();
    const served = await serve({ member });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    opened.push(() => agent.destroy());
    const { port } = served.clientAddress;
    const socket = connect(port, "127.0.0.1");
    opened.push(() => socket.destroy());
    const post = (body: string) =>
      socket.write(`POST /v3/kv/put HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    post(putJson);
    await arrived(1);
    const overHttp = http(port, "/v3/kv/put", { body: putJson });
    await arrived(2);
    const closing = served.close();
    held[0]?.release();
    const [answer] = (await once(socket, "data")) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1.1 200 .*connection: close/is);
    held[1]?.release();
    await overHttp;
    await closing;
  });

  it("breaks off what is still in flight when the grace is over", async () => {
    const { member, held, arrived } = heldMember();
    const served = await serve({ member, closeGraceMs: 20 });
    const overGrpc = call(grpcClient(served));
    const overHttp = http(served.clientAddress.port, "/v3/kv/put", { body: putJson });
    const broken = expect(overHttp).rejects.toMatchObject({ code: "ECONNRESET" });
    await arrived(2);
    const aborted = held.map(({ options }) => once(options.signal as AbortSignal, "abort"));
    await served.close();
    await Promise.all(aborted);
    await broken;
    expect((await overGrpc.result).code).toBe(grpcCode.UNAVAILABLE);
  });

  it("closes idle connections at once", async () => {
    const served = await serve();
    const agent = new Agent({ keepAlive: true });
    opened.push(() => agent.destroy());
    await http(served.clientAddress.port, "/v3/kv/put", { body: putJson, agent });
    await call(grpcClient(served)).result;
    const silent = connect(served.clientAddress.port, "127.0.0.1");
    opened.push(() => silent.destroy());
    await once(silent, "connect");
    const startedAt = performance.now();
    await served.close();
    expect(performance.now() - startedAt).toBeLessThan(2_000);
  });
});
