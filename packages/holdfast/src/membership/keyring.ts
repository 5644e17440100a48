import { InvalidArgumentError } from "../errors/base.ts";
import type { Cipher, CipherKey } from "./packet-cipher.ts";

export interface KeyringOptions {
  readonly cipher: Cipher;
  /** Secrets, the primary first: it seals what is sent, while each of them opens what arrives. At most 8. */
  readonly keys: readonly Uint8Array[];
}

/**
 * The secrets a cluster's members share, changed without downtime in three steps, each completed on every member before
 * the next: `install` the new secret, `use` it, `remove` the old one.
 */
export interface Keyring {
  readonly cipher: Cipher;
  /** The id of the key that seals. */
  readonly primary: string;
  /** The ids of all keys, the primary first. An id tells nothing of the secret. */
  readonly ids: readonly string[];
  /** Adds a secret that opens packets from now on; one that is there is fine. Returns its id. */
  install(secret: Uint8Array): string;
  /** Seals with this key from now on. @throws InvalidArgumentError when it is not installed */
  use(id: string): void;
  /** Forgets a key, if it is there. @throws InvalidArgumentError for the primary */
  remove(id: string): void;
  /** A random nonce, then what the primary key made of `plain`. */
  seal(plain: Uint8Array, associated: Uint8Array): Uint8Array;
  /** Undefined when no key opens it. */
  open(sealed: Uint8Array, associated: Uint8Array): Uint8Array | undefined;
}

/** Opening tries one key after the other, so a stranger's packets cost as much as there are keys. */
const maxKeys = 8;

/**
 * A keyring with its first secrets.
 *
 * @throws InvalidArgumentError on no key, more than 8, or a secret of the wrong length
 * @example
 * const keyring = createKeyring({ cipher: nodeCipher(), keys: [secret] });
 * const next = keyring.install(newSecret); // on every member
 * keyring.use(next);                       // then on every member
 * keyring.remove(previous);                // and then, too
 */
export function createKeyring({ cipher, keys }: KeyringOptions): Keyring {
  if (keys.length === 0) throw new InvalidArgumentError("keyring.keys", "must hold at least one key", keys);
  let ring: CipherKey[] = [];

  function install(name: string, secret: Uint8Array): string {
    if (!(secret instanceof Uint8Array) || secret.length !== cipher.secretBytes) {
      // The value is a secret, even a wrong one: its length says enough.
      const got = secret instanceof Uint8Array ? secret.length : typeof secret;
      throw new InvalidArgumentError(`${name} length`, `must be ${cipher.secretBytes} bytes`, got);
    }
    const key = cipher.importKey(secret);
    if (ring.some(({ id }) => id === key.id)) return key.id;
    if (ring.length === maxKeys)
      throw new InvalidArgumentError("keyring.keys", `must be at most ${maxKeys}`, maxKeys + 1);
    ring = [...ring, key];
    return key.id;
  }

  keys.forEach((secret, at) => install(`keyring.keys[${at}]`, secret));

  return {
    cipher,
    get primary() {
      return ring[0]!.id;
    },
    get ids() {
      return ring.map(({ id }) => id);
    },
    install: (secret) => install("keyring.install secret", secret),
    use(id) {
      const key = ring.find((candidate) => candidate.id === id);
      if (key === undefined) throw new InvalidArgumentError("keyring.use id", "must be of an installed key", id);
      ring = [key, ...ring.filter((other) => other !== key)];
    },
    remove(id) {
      if (ring[0]!.id === id) throw new InvalidArgumentError("keyring.remove id", "must not be the primary key's", id);
      ring = ring.filter((key) => key.id !== id);
    },
    seal(plain, associated) {
      const nonce = cipher.randomBytes(cipher.nonceBytes);
      const sealed = ring[0]!.seal(nonce, plain, associated);
      const bytes = new Uint8Array(nonce.length + sealed.length);
      bytes.set(nonce);
      bytes.set(sealed, nonce.length);
      return bytes;
    },
    open(bytes, associated) {
      if (bytes.length < cipher.nonceBytes + cipher.tagBytes) return undefined;
      const nonce = bytes.subarray(0, cipher.nonceBytes);
      const sealed = bytes.subarray(cipher.nonceBytes);
      for (const key of ring) {
        const plain = key.open(nonce, sealed, associated);
        if (plain !== undefined) return plain;
      }
      return undefined;
    },
  };
}
