import { serveMember } from "@holdfast/server";
import { etcdCoordination } from "holdfast/adapters/etcd";
import {
  createMemoryMember,
  remoteCoordination,
  type AuthRequest,
  type Coordination,
  type Member,
} from "holdfast/coordination";
import { nodeRuntime } from "holdfast/runtime";
import { coordinationConformance, VirtualClock } from "holdfast/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

/** A client of a member with users; without a name, of nobody. */
type Connect = (endpoint: string, user?: { readonly name: string; readonly password: string }) => Client;
type Client = Coordination & { close(): Promise<void> };

const ways: readonly (readonly [string, Connect])[] = [
  [
    "a user over its own protocol",
    (endpoint, user) =>
      remoteCoordination({ runtime: nodeRuntime(), endpoints: [endpoint], ...(user && { credentials: user }) }),
  ],
  [
    "a user over the adapter",
    (endpoint, user) =>
      etcdCoordination({
        endpoints: [`http://${endpoint}`],
        ...(user && { username: user.name, password: user.password }),
      }),
  ],
];

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const ann = { name: "ann", password: "pw" };

/** Ann may use all keys from the suite's own on, and nothing before them. */
const changes: readonly AuthRequest[] = [
  { type: "userAdd", name: "root", password: "secret" },
  { type: "userGrantRole", name: "root", role: "root" },
  { type: "userAdd", ...ann },
  { type: "roleAdd", name: "tester" },
  {
    type: "roleGrantPermission",
    name: "tester",
    permission: { type: "readWrite", key: bytes("conformance"), rangeEnd: Uint8Array.of(0) },
  },
  { type: "userGrantRole", name: "ann", role: "tester" },
  { type: "authEnable" },
];

/** Tokens that nobody uses are void after this, as in etcd. */
const tokenLifeMs = 300_000;

describe.each(ways)("%s", (name, connect) => {
  const clock = new VirtualClock();
  let member: Member;
  let endpoint: string;
  let coordination: Client;
  let other: Client;
  let close: () => Promise<void>;

  beforeAll(async () => {
    // A coarse clock of the leases, as much time passes.
    member = createMemoryMember({ clock, leases: { tickMs: 250 } });
    for (const change of changes) await member.auth.change(change);
    const any = { host: "127.0.0.1", port: 0 };
    const served = await serveMember({ member, client: any, http: any });
    endpoint = `127.0.0.1:${served.clientAddress.port}`;
    [coordination, other] = [connect(endpoint, ann), connect(endpoint, ann)];
    close = async () => {
      await coordination.close();
      await other.close();
      await served.close();
      await member.close();
    };
  });

  afterAll(() => close?.());

  coordinationConformance({
    name,
    describe,
    it,
    run: (test) => test({ coordination, other, sleep: (ms) => clock.advance(ms) }),
  });

  const put = { key: bytes("conformance/a"), value: bytes("1") };
  const elsewhere = { key: bytes("a"), value: bytes("1") };

  it("may do nothing beyond its role", async () => {
    await coordination.put(put);
    for (const refused of [
      coordination.put(elsewhere),
      coordination.range(elsewhere),
      coordination.range({ key: bytes("conf"), rangeEnd: bytes("conformance0") }),
      coordination.deleteRange(elsewhere),
      coordination.txn({ compare: [], success: [{ type: "put", request: elsewhere }], failure: [] }),
    ]) {
      await expect(refused).rejects.toMatchObject({ code: "PERMISSION_DENIED" });
    }
    expect((await member.range({ key: bytes("a") }, { credentials: { user: "root" } })).count).toBe(0);
  });

  it("goes on when its token has run out, and meanwhile it was void", async () => {
    const { token } = await member.auth.authenticate(ann);
    const tokened = { credentials: { token } };
    await coordination.put(put, tokened);
    await other.put(put);
    await clock.advance(tokenLifeMs + 1_000);
    await expect(coordination.put(put, tokened)).rejects.toMatchObject({ code: "INVALID_AUTH_TOKEN" });
    await other.put(put);
    await coordination.put(put);
  });

  it("is nobody without a name, with a wrong password, and with a token that nobody gave", async () => {
    const nobody = connect(endpoint);
    const wrong = connect(endpoint, { name: "ann", password: "?" });
    try {
      await expect(nobody.put(put)).rejects.toMatchObject({ code: "USER_EMPTY" });
      await expect(wrong.put(put)).rejects.toMatchObject({ code: "AUTH_FAILED" });
      await expect(coordination.put(put, { credentials: { token: "?" } })).rejects.toMatchObject({
        code: "INVALID_AUTH_TOKEN",
      });
    } finally {
      await nobody.close();
      await wrong.close();
    }
  });
});
