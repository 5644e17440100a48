import { createServer as createHttpServer } from "node:http";
import { connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { CoordinationError, createMemoryMember, defaultSessionLimits, type Member } from "holdfast/coordination";
import { serveMember } from "../serve.ts";
import { gatewayClient, type GatewayClient, type GatewayClientOptions } from "./gateway-client.ts";
import { isOutcomeUnknown, UnreachableError } from "./gateway-error.ts";

const closers: (() => Promise<unknown> | void)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const bytes = (text: string): Uint8Array => Buffer.from(text);

async function startMember(): Promise<{ member: Member; port: number; url: string }> {
  const member = createMemoryMember();
  const served = await serveMember({ member, client: { host: "127.0.0.1", port: 0 } });
  closers.push(async () => {
    await served.close();
    await member.close();
  });
  const { port } = served.clientAddress;
  return { member, port, url: `http://127.0.0.1:${port}` };
}

function client(options: GatewayClientOptions): GatewayClient {
  const made = gatewayClient(options);
  closers.push(() => made.close());
  return made;
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", () => resolve()));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return `http://127.0.0.1:${address.port}`;
}

/** Hands requests on to a member; while cuts are left, an answer is thrown away with its connection. */
async function answerCutter(port: number): Promise<{ url: string; cuts: number }> {
  const state = { url: "", cuts: 0 };
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(port, "127.0.0.1");
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on("error", () => {});
    }
    near.pipe(far);
    far.on("data", (data) => {
      if (state.cuts === 0) {
        near.write(data);
        return;
      }
      state.cuts--;
      near.destroy();
      far.destroy();
    });
  });
  closers.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  state.url = await listen(server);
  return state;
}

async function refusedUrl(): Promise<string> {
  const server = createServer();
  const url = await listen(server);
  await new Promise((resolve) => void server.close(resolve));
  return url;
}

describe("gatewayClient", () => {
  it("writes, reads, compares and deletes", async () => {
    const { url } = await startMember();
    const kv = client({ endpoints: [url] });
    const first = await kv.put({ key: bytes("a"), value: Uint8Array.of(0, 255) });
    expect(first.header.revision).toBe(2);
    await kv.put({ key: bytes("b"), value: bytes("two") });
    const { pairs, count, more } = await kv.range({ key: bytes("a"), rangeEnd: bytes("z"), limit: 1 });
    expect([pairs.length, count, more]).toEqual([1, 2, true]);
    expect(pairs[0]).toMatchObject({ createRevision: 2, modRevision: 2, version: 1, lease: 0n });
    expect([...(pairs[0]?.value ?? [])]).toEqual([0, 255]);

    const swap = await kv.txn({
      compare: [{ key: bytes("b"), target: "value", result: "equal", operand: bytes("two") }],
      success: [{ type: "put", request: { key: bytes("b"), value: bytes("three"), previousPair: true } }],
      failure: [{ type: "range", request: { key: bytes("b") } }],
    });
    expect(swap.succeeded).toBe(true);
    const [op] = swap.responses;
    expect(op?.type === "put" && Buffer.from(op.response.previousPair?.value ?? []).toString()).toBe("two");
    expect((await kv.deleteRange({ key: bytes("a"), rangeEnd: bytes("z") })).deleted).toBe(2);
  });

  it("passes a refusal on, without trying elsewhere", async () => {
    const { url } = await startMember();
    const kv = client({ endpoints: [url] });
    await expect(kv.range({ key: bytes("a"), revision: 99 })).rejects.toMatchObject({ code: "FUTURE_REVISION" });
    await expect(kv.put({ key: bytes(""), value: bytes("x") })).rejects.toMatchObject({ code: "EMPTY_KEY" });
  });

  it("leaves an endpoint that refuses, and stays with the one that answers", async () => {
    const { url } = await startMember();
    const kv = client({ endpoints: [await refusedUrl(), url] });
    for (let count = 1; count <= 3; count++) await kv.put({ key: bytes("a"), value: bytes(String(count)) });
    expect((await kv.range({ key: bytes("a") })).pairs[0]?.version).toBe(3);
  });

  it("leaves an endpoint that does not answer", async () => {
    const silent = createServer(() => {});
    closers.push(() => void silent.close());
    const { url } = await startMember();
    const kv = client({ endpoints: [await listen(silent), url], attemptTimeoutMs: 30 });
    expect((await kv.range({ key: bytes("a") })).count).toBe(0);
  });

  it("repeats a write whose answer was cut off, and the cluster applies it once", async () => {
    const { port, url } = await startMember();
    const cutter = await answerCutter(port);
    const kv = client({ endpoints: [cutter.url] });
    await kv.put({ key: bytes("a"), value: bytes("1") });
    cutter.cuts = 3;
    await kv.put({ key: bytes("a"), value: bytes("2") });
    expect(cutter.cuts).toBe(0);
    const { pairs, header } = await client({ endpoints: [url] }).range({ key: bytes("a") });
    expect([pairs[0]?.version, header.revision]).toEqual([2, 3]);
  });

  it("begins a new session when the cluster has forgotten its own", async () => {
    const { member, url } = await startMember();
    const kv = client({ endpoints: [url] });
    await kv.put({ key: bytes("a"), value: bytes("1") });
    for (let stranger = 1; stranger <= defaultSessionLimits.maxSessions; stranger++) {
      const identity = { client: 2 ** 50 + stranger, sequence: 1, acknowledged: 0, since: 2 };
      await member.put({ key: bytes("s"), value: bytes("") }, { identity });
    }
    const old = { client: 9, sequence: 1, acknowledged: 0, since: 1 };
    await expect(member.put({ key: bytes("s"), value: bytes("") }, { identity: old })).rejects.toMatchObject({
      code: "SESSION_EXPIRED",
    });
    await kv.put({ key: bytes("a"), value: bytes("2") });
    await kv.put({ key: bytes("a"), value: bytes("3") });
    expect((await kv.range({ key: bytes("a") })).pairs[0]?.version).toBe(3);
  });

  it("does not repeat a write where names are not known: its outcome is unknown", async () => {
    let puts = 0;
    const stranger = createHttpServer((request, response) => {
      if (request.url === "/v3/kv/put") {
        puts++;
        request.socket.destroy();
      } else response.writeHead(404).end("404 page not found\n");
    });
    closers.push(() => void stranger.close());
    const kv = client({ endpoints: [await listen(stranger)] });
    const error = await kv.put({ key: bytes("a"), value: bytes("1") }).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(CoordinationError);
    expect(isOutcomeUnknown(error)).toBe(true);
    expect(puts).toBe(1);
  });

  it("names every endpoint that refused, and says that nothing happened", async () => {
    const endpoints = [await refusedUrl(), await refusedUrl()];
    const error = await client({ endpoints, timeoutMs: 60 })
      .put({ key: bytes("a"), value: bytes("1") })
      .catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(UnreachableError);
    expect(isOutcomeUnknown(error)).toBe(false);
    for (const endpoint of endpoints) expect((error as Error).message).toContain(`${endpoint} (connection refused)`);
  });

  it("says what was wrong with an endpoint, and not that its last moment was too short", async () => {
    let asked = 0;
    const server = createServer((socket) => {
      closers.push(() => void socket.destroy());
      if (asked++ === 0) socket.destroy();
    });
    closers.push(() => void server.close());
    const error = await client({ endpoints: [await listen(server)], timeoutMs: 150 })
      .range({ key: bytes("k") })
      .catch((reason: unknown) => reason);
    expect(asked).toBeGreaterThan(1);
    expect(error).toBeInstanceOf(UnreachableError);
    expect((error as Error).message).not.toContain("no answer within");
  });

  it("gives up early when nobody listens", async () => {
    const kv = client({ endpoints: [await refusedUrl()], timeoutMs: 60_000, refusedTimeoutMs: 30 });
    await expect(kv.range({ key: bytes("a") })).rejects.toBeInstanceOf(UnreachableError);
  });

  it("stops waiting when it is told to", async () => {
    const silent = createServer(() => {});
    closers.push(() => void silent.close());
    const controller = new AbortController();
    const reading = client({ endpoints: [await listen(silent)] }).range(
      { key: bytes("a") },
      { signal: controller.signal },
    );
    controller.abort(new Error("enough"));
    await expect(reading).rejects.toThrow("enough");
  });

  it("needs an endpoint", () => {
    expect(() => gatewayClient({ endpoints: [] })).toThrow("gatewayClient.endpoints must not be empty");
  });
});
