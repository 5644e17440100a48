import { serveMember } from "@holdfast/server";
import { createMemoryMember } from "holdfast/coordination";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { etcdCoordination, type EtcdTls } from "holdfast/adapters/etcd";
import { certificateAuthority, readIdentity } from "../process/certificates.ts";

const authority = certificateAuthority();
const server = readIdentity(authority.issue("server"));
const client = readIdentity(authority.issue("client"));
const stranger = certificateAuthority();
const unknown = readIdentity(stranger.issue("client"));
const any = { host: "127.0.0.1", port: 0 };
const key = new TextEncoder().encode("k");

let endpoint = "";
let close: () => Promise<void>;

beforeAll(async () => {
  const member = createMemoryMember();
  const { key: own, cert, ca } = server;
  const served = await serveMember({ member, client: any, http: any, tls: { key: own, cert, ca } });
  endpoint = `https://127.0.0.1:${served.clientAddress.port}`;
  close = async () => {
    await served.close();
    await member.close();
  };
});

afterAll(async () => {
  await close?.();
  authority.remove();
  stranger.remove();
});

describe("the etcd adapter over TLS", () => {
  it("shows its certificate and checks the server's", async () => {
    await using store = etcdCoordination({ endpoints: [endpoint], tls: client });
    const watcher = await store.watch({ key });
    const { header } = await store.put({ key, value: key });
    expect((await watcher.next()).value?.header).toEqual(header);
    const { id } = await store.leaseGrant({ ttlSeconds: 5 });
    expect((await store.leaseKeepAlive({ id })).ttlSeconds).toBe(5);
  });

  it("takes the server's name where it is another than the endpoint's", async () => {
    await using store = etcdCoordination({ endpoints: [endpoint], tls: { ...client, serverName: "localhost" } });
    expect((await store.range({ key })).count).toBe(1);
  });

  it.each<[string, EtcdTls, RegExp]>([
    ["an authority that nobody knows", { ...client, ca: unknown.ca }, /self.signed|unable to (get|verify)/i],
    ["a certificate for another name", { ...client, serverName: "elsewhere.example" }, /elsewhere\.example/],
    ["a certificate of an authority that the server does not know", { ...unknown, ca: client.ca }, /./],
    ["no certificate of the client's", { ca: client.ca }, /./],
  ])("is not had with %s", async (_, tls, reason) => {
    await using store = etcdCoordination({ endpoints: [endpoint], tls });
    const error: unknown = await store.put({ key, value: key }, { timeoutMs: 700 }).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ message: expect.stringMatching(reason) as string });
    expect((error as { readonly code: string }).code).toMatch(/^(ENDPOINTS_UNREACHABLE|TIMED_OUT)$/);
  });

  it("takes PEM as text or bytes", async () => {
    const asBytes = Object.fromEntries(
      Object.entries(client).map(([name, pem]) => [name, new TextEncoder().encode(pem as string)]),
    );
    await using store = etcdCoordination({ endpoints: [endpoint], tls: asBytes });
    expect((await store.range({ key })).count).toBe(1);
  });
});
