import { randomBytes, scrypt, timingSafeEqual, type ScryptOptions } from "node:crypto";

/** Makes and checks what is kept of passwords, and draws what nobody can guess. */
export interface Passwords {
  /** A salted hash, different each time. */
  hash(password: string): Promise<string>;
  /** Whether the hash was made of this password; false, too, for a text that is no such hash. Takes the same time either way. */
  verify(password: string, hash: string): Promise<boolean>;
  /** Text of 128 bits drawn for secrets. */
  token(): string;
}

/** About a fifth of a second and 16 MiB a password: the least that OWASP's guide on storing passwords asks for. */
const cost: Required<Pick<ScryptOptions, "N" | "r" | "p">> = { N: 2 ** 14, r: 8, p: 5 };
const keyBytes = 32;
const saltBytes = 16;
const format = /^scrypt\$([0-9a-f]{32})\$([0-9a-f]{64})$/;

/** Passwords by Node's crypto: scrypt (RFC 7914), off the main thread. */
export function nodePasswords(): Passwords {
  return {
    async hash(password) {
      const salt = randomBytes(saltBytes);
      const key = await derive(password, salt);
      return `scrypt$${salt.toString("hex")}$${key.toString("hex")}`;
    },
    async verify(password, hash) {
      const [, salt, expected] = format.exec(hash) ?? [];
      const key = await derive(password, Buffer.from(salt ?? "00".repeat(saltBytes), "hex"));
      return timingSafeEqual(key, Buffer.from(expected ?? "00".repeat(keyBytes), "hex")) && expected !== undefined;
    },
    token: () => randomBytes(16).toString("hex"),
  };
}

function derive(password: string, salt: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password, salt, keyBytes, { ...cost, maxmem: 64 * 1024 * 1024 }, (error, key) => {
      if (error === null) resolve(key);
      else reject(error);
    });
  });
}
