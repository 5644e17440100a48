import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createSecretKey,
  randomBytes,
  type KeyObject,
} from "node:crypto";

const algorithm = "aes-256-gcm";
const nonceBytes = 12;
const tagBytes = 16;
const secretBytes = 32;
/** Asking the system for a few bytes at a time costs more than using them. */
const poolBytes = 4096;

/** AES-256-GCM (NIST SP 800-38D) with nonces of 96 bits and tags of 128. */
export interface NodeCipher {
  readonly nonceBytes: number;
  readonly tagBytes: number;
  readonly secretBytes: number;
  /** @throws RangeError when the secret is not 32 bytes long */
  importKey(secret: Uint8Array): NodeCipherKey;
  /** From the system's generator for secrets. */
  randomBytes(length: number): Uint8Array;
}

/** One secret, ready for use. */
export interface NodeCipherKey {
  /** The first 8 hexadecimal digits of SHA-256 of the secret: tells keys apart, tells nothing else. */
  readonly id: string;
  seal(nonce: Uint8Array, plain: Uint8Array, associated: Uint8Array): Uint8Array;
  open(nonce: Uint8Array, sealed: Uint8Array, associated: Uint8Array): Uint8Array | undefined;
}

/** Node's AES-256-GCM, for whoever wants packets sealed. */
export function nodeCipher(): NodeCipher {
  let pool = new Uint8Array(0);
  return {
    nonceBytes,
    tagBytes,
    secretBytes,
    importKey(secret) {
      if (secret.length !== secretBytes) {
        throw new RangeError(`a secret must be ${secretBytes} bytes long (got ${secret.length})`);
      }
      return cipherKey(createSecretKey(secret), createHash("sha256").update(secret).digest("hex").slice(0, 8));
    },
    randomBytes(length) {
      if (length > poolBytes) return randomBytes(length);
      if (pool.length < length) pool = randomBytes(poolBytes);
      const taken = pool.slice(0, length);
      pool = pool.subarray(length);
      return taken;
    },
  };
}

function cipherKey(key: KeyObject, id: string): NodeCipherKey {
  return {
    id,
    seal(nonce, plain, associated) {
      const cipher = createCipheriv(algorithm, key, nonce, { authTagLength: tagBytes });
      cipher.setAAD(associated);
      const body = cipher.update(plain);
      const rest = cipher.final();
      const sealed = new Uint8Array(body.length + rest.length + tagBytes);
      sealed.set(body);
      sealed.set(rest, body.length);
      sealed.set(cipher.getAuthTag(), body.length + rest.length);
      return sealed;
    },
    open(nonce, sealed, associated) {
      const end = sealed.length - tagBytes;
      if (end < 0 || nonce.length !== nonceBytes) return undefined;
      const decipher = createDecipheriv(algorithm, key, nonce, { authTagLength: tagBytes });
      decipher.setAAD(associated);
      decipher.setAuthTag(sealed.subarray(end));
      const plain = decipher.update(sealed.subarray(0, end));
      try {
        // A stream cipher has nothing left over: this only checks the tag.
        decipher.final();
      } catch {
        return undefined;
      }
      return new Uint8Array(plain.buffer, plain.byteOffset, plain.byteLength);
    },
  };
}
