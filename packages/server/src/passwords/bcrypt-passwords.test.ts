import { nodePasswords } from "holdfast/runtime";
import { describe, expect, it } from "vitest";
import { bcryptPasswords } from "./bcrypt-passwords.ts";

describe("bcryptPasswords", () => {
  const passwords = bcryptPasswords();

  it("hashes with a salt, in etcd's format, and knows the password again", async () => {
    const [one, other] = await Promise.all([passwords.hash("secret"), passwords.hash("secret")]);
    expect(one).toMatch(/^\$2[aby]\$10\$/);
    expect(one).not.toBe(other);
    await expect(passwords.verify("secret", one)).resolves.toBe(true);
    await expect(passwords.verify("Secret", one)).resolves.toBe(false);
  });

  it.each([
    ["a", "$2a$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe"],
    ["abc", "$2a$06$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i"],
  ])("knows the published hash of %j", async (password, hash) => {
    await expect(passwords.verify(password, hash)).resolves.toBe(true);
    await expect(passwords.verify(`${password}x`, hash)).resolves.toBe(false);
  });

  it("knows what an embedded member hashed", async () => {
    const hash = await nodePasswords().hash("secret");
    await expect(passwords.verify("secret", hash)).resolves.toBe(true);
    await expect(passwords.verify("other", hash)).resolves.toBe(false);
  });

  it.each(["", "$2a$10$", "plain"])("takes %j for no hash of any password", async (hash) => {
    await expect(passwords.verify("", hash)).resolves.toBe(false);
  });
});
