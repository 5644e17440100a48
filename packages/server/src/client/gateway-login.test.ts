import { setTimeout as delay } from "node:timers/promises";
import { createMemoryMember, type Member } from "holdfast/coordination";
import type { Passwords } from "holdfast/runtime";
import { afterEach, expect, it } from "vitest";
import { serveMember } from "../serve.ts";
import { gatewayClient, type GatewayClient } from "./gateway-client.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const key = bytes("k");
const root = { credentials: { user: "root" } };
const opened: (() => Promise<void>)[] = [];
let drawn = 0;
/** Counts the passwords that are checked, and makes that cost nothing. */
let checked = 0;
const passwords: Passwords = {
  hash: async (password) => `hash of ${password}`,
  verify: async (password, hash) => {
    checked++;
    return hash === `hash of ${password}`;
  },
  token: () => `token${++drawn}`,
};

afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

async function start(password: string): Promise<{ readonly member: Member; readonly client: GatewayClient }> {
  checked = 0;
  const member = createMemoryMember({ passwords });
  await member.auth.change({ type: "userAdd", name: "root", password: "secret" });
  await member.auth.change({ type: "userGrantRole", name: "root", role: "root" });
  const served = await serveMember({ member, client: { host: "127.0.0.1", port: 0 } });
  opened.push(() => served.close());
  const endpoints = [`http://127.0.0.1:${served.clientAddress.port}`];
  const client = gatewayClient({ endpoints, user: { name: "root", password } });
  opened.push(async () => client.close());
  return { member, client };
}

it("asks for a token once, whatever is under way", async () => {
  const { member, client } = await start("secret");
  await member.auth.change({ type: "authEnable" });
  await Promise.all(Array.from({ length: 10 }, () => client.put({ key, value: key })));
  expect((await client.range({ key })).count).toBe(1);
  expect(checked).toBe(1);
});

it("asks again when users are enabled, and when its token is void", async () => {
  const { member, client } = await start("secret");
  await client.put({ key, value: bytes("before") });
  await member.auth.change({ type: "authEnable" });
  await client.put({ key, value: bytes("enabled") });
  expect(checked).toBe(1);
  await member.auth.change({ type: "userChangePassword", name: "root", password: "secret" }, root);
  await client.put({ key, value: bytes("renewed") });
  expect(checked).toBe(2);
  expect((await client.range({ key })).pairs[0]?.version).toBe(3);
  await member.auth.change({ type: "authDisable" }, root);
  await client.put({ key, value: bytes("disabled") });
});

it("writes for a user who may do nothing else", async () => {
  const { member } = await start("secret");
  await member.auth.change({ type: "userAdd", name: "ann", password: "pw" });
  await member.auth.change({ type: "roleAdd", name: "clerk" });
  await member.auth.change({ type: "roleGrantPermission", name: "clerk", permission: { type: "write", key } });
  await member.auth.change({ type: "userGrantRole", name: "ann", role: "clerk" });
  await member.auth.change({ type: "authEnable" });
  const served = await serveMember({ member, client: { host: "127.0.0.1", port: 0 } });
  opened.push(() => served.close());
  const endpoints = [`http://127.0.0.1:${served.clientAddress.port}`];
  const client = gatewayClient({ endpoints, user: { name: "ann", password: "pw" } });
  opened.push(async () => client.close());
  await client.put({ key, value: key });
  await expect(client.range({ key })).rejects.toMatchObject({ code: "PERMISSION_DENIED" });
  expect((await member.range({ key }, root)).count).toBe(1);
});

it("says that the password is wrong, each time", async () => {
  const { member, client } = await start("wrong");
  await member.auth.change({ type: "authEnable" });
  for (let round = 1; round <= 2; round++) {
    await expect(client.range({ key })).rejects.toMatchObject({ code: "AUTH_FAILED" });
    expect(checked).toBe(round);
  }
  expect((await member.range({ key }, root)).count).toBe(0);
});

it("without a user, is told that it needs one", async () => {
  const { member } = await start("secret");
  await member.auth.change({ type: "authEnable" });
  const served = await serveMember({ member, client: { host: "127.0.0.1", port: 0 } });
  opened.push(() => served.close());
  const client = gatewayClient({ endpoints: [`http://127.0.0.1:${served.clientAddress.port}`] });
  opened.push(async () => client.close());
  await expect(client.put({ key, value: key })).rejects.toMatchObject({ code: "USER_EMPTY" });
});

it("goes on where it was let in, however long that took", async () => {
  const slow: Passwords = { ...passwords, verify: async () => (await delay(60), true) };
  const member = createMemoryMember({ passwords: slow });
  await member.auth.change({ type: "userAdd", name: "root", password: "secret" });
  await member.auth.change({ type: "userGrantRole", name: "root", role: "root" });
  await member.auth.change({ type: "authEnable" });
  const any = { host: "127.0.0.1", port: 0 };
  const gone = await serveMember({ member, client: any });
  await gone.close();
  const served = await serveMember({ member, client: any });
  opened.push(() => served.close());
  const client = gatewayClient({
    endpoints: [gone, served].map(({ clientAddress: { port } }) => `http://127.0.0.1:${port}`),
    user: { name: "root", password: "secret" },
    refusedTimeoutMs: 1,
  });
  opened.push(async () => client.close());
  expect((await client.put({ key, value: key })).header.revision).toBe(2);
});
