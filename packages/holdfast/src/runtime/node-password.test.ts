import { expect, it } from "vitest";
import { nodePasswords } from "./node-password.ts";

const passwords = nodePasswords();

it("knows the password again, and no other", async () => {
  const hash = await passwords.hash("pässword");
  expect(hash).not.toContain("ssword");
  expect(await passwords.verify("pässword", hash)).toBe(true);
  expect(await passwords.verify("password", hash)).toBe(false);
  expect(await passwords.verify("", hash)).toBe(false);
});

it("makes another hash each time", async () => {
  expect(await passwords.hash("a")).not.toBe(await passwords.hash("a"));
});

it.each(["", "plain", "scrypt$00$00"])("takes no password for %j", async (hash) => {
  expect(await passwords.verify("", hash)).toBe(false);
});

it("draws another token each time", () => {
  expect(new Set(Array.from({ length: 100 }, () => passwords.token())).size).toBe(100);
  expect(passwords.token()).toMatch(/^[0-9a-f]{32}$/);
});
