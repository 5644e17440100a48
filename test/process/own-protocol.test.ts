import { connect } from "node:net";
import { serveMember, type ServeEvent, type ServeTls } from "@holdfast/server";
import { createMemoryMember, remoteCoordination, type RemoteCoordination } from "holdfast/coordination";
import { nodeRuntime } from "holdfast/runtime";
import { afterEach, describe, expect, it } from "vitest";
import { certificateAuthority, readIdentity } from "./certificates.ts";
import { startRealCluster, type RealCluster } from "./real-cluster.ts";

const bytes = (value: string): Uint8Array => new TextEncoder().encode(value);
const put = (key: string) => ({ key: bytes(key), value: bytes(key) });
const opened: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

/** Writes new keys one after the other until told to stop; gives those that were acknowledged. */
async function writeUntil(cluster: RemoteCoordination, writer: number, until: () => boolean): Promise<string[]> {
  const acknowledged: string[] = [];
  while (!until()) {
    const key = `own/${writer}/${acknowledged.length}`;
    await cluster.put(put(key), { timeoutMs: 20_000 });
    acknowledged.push(key);
  }
  return acknowledged;
}

async function killLeader(cluster: RealCluster): Promise<void> {
  const name = await cluster.leader();
  await cluster.supervisor.kill(name);
  expect(await cluster.leader()).not.toBe(name);
  await cluster.supervisor.start(name);
  await cluster.supervisor.allAlive(20_000);
}

describe("the own protocol and real processes", () => {
  it("every write is applied once, and told once, while leaders are killed", async () => {
    const cluster = await startRealCluster();
    opened.push(() => cluster.close());
    const client = remoteCoordination({ runtime: nodeRuntime(), endpoints: cluster.urls });
    opened.push(() => client.close());
    const watcher = await client.watch({ key: bytes("own/"), rangeEnd: bytes("own0") });
    const before = await client.range({ key: bytes("own/"), rangeEnd: bytes("own0") });
    let over = false;
    const writers = Array.from({ length: 16 }, (_, at) => writeUntil(client, at, () => over));
    for (let round = 0; round < 2; round++) await killLeader(cluster);
    over = true;
    const acknowledged = (await Promise.all(writers)).flat();
    const { pairs, header } = await client.range({ key: bytes("own/"), rangeEnd: bytes("own0") });
    expect(header.term).toBeGreaterThan(before.header.term);
    expect(acknowledged.length).toBeGreaterThan(100);
    expect(pairs.map(({ key }) => new TextDecoder().decode(key)).sort()).toEqual(acknowledged.sort());
    expect(pairs.every(({ version }) => version === 1)).toBe(true);
    const told: number[] = [];
    while (told.length < pairs.length) {
      const { value } = await watcher.next();
      for (const { pair } of value!.events) told.push(pair.modRevision);
    }
    expect(told).toEqual(pairs.map(({ modRevision }) => modRevision).sort((left, right) => left - right));
  });

  it("shares the client port with the others, and its certificate", async () => {
    const authority = certificateAuthority();
    opened.push(() => authority.remove());
    const { key, cert, ca } = readIdentity(authority.issue("server"));
    const tls: ServeTls = { key, cert, ca };
    const served = await serveMember({
      member: createMemoryMember(),
      client: { host: "127.0.0.1", port: 0 },
      tls,
      closeGraceMs: 500,
    });
    opened.push(() => served.close());
    const endpoints = [`https://127.0.0.1:${served.clientAddress.port}`];
    const runtime = nodeRuntime({ tls: readIdentity(authority.issue("client")) });
    const trusted = remoteCoordination({ runtime, endpoints });
    opened.push(() => trusted.close());
    expect((await trusted.put(put("a"))).header.revision).toBe(2);
    const plain = remoteCoordination({ runtime: nodeRuntime(), endpoints, timeoutMs: 500 });
    opened.push(() => plain.close());
    await expect(plain.put(put("a"))).rejects.toMatchObject({ code: "ENDPOINTS_UNREACHABLE" });
  });

  it("tells the server how each request ended", async () => {
    const events: ServeEvent[] = [];
    const served = await serveMember({
      member: createMemoryMember(),
      client: { host: "127.0.0.1", port: 0 },
      onEvent: (event) => void events.push(event),
    });
    opened.push(() => served.close());
    const endpoints = [`127.0.0.1:${served.clientAddress.port}`];
    const client = remoteCoordination({ runtime: nodeRuntime(), endpoints });
    opened.push(() => client.close());
    await client.put(put("a"));
    await expect(client.leaseRevoke({ id: 5n })).rejects.toMatchObject({ code: "LEASE_NOT_FOUND" });
    expect(events).toMatchObject([
      { type: "request", method: "revision", transport: "holdfast", code: 0 },
      { type: "request", method: "command", transport: "holdfast", code: 0 },
      { type: "request", method: "command", transport: "holdfast", code: 5 },
    ]);
  });

  it("tells the server who was cut off, and why", async () => {
    const events: ServeEvent[] = [];
    const served = await serveMember({
      member: createMemoryMember(),
      client: { host: "127.0.0.1", port: 0 },
      onEvent: (event) => void events.push(event),
    });
    opened.push(() => served.close());
    const socket = connect(served.clientAddress.port, "127.0.0.1").setNoDelay(true);
    // In two pieces: neither alone says which protocol it is.
    await new Promise((resolve) => socket.write("HFCP", resolve));
    socket.end(new Uint8Array([...bytes("/1\r\n"), 1, 0, 0, 0, 99]));
    socket.resume();
    await new Promise((resolve) => socket.once("close", resolve));
    expect(events).toEqual([{ type: "clientRefused", reason: "hello at byte 0 must come first" }]);
  });
});
