/**
 * Authenticated encryption, injected because it is the machine's: `nodeCipher()` of the runtime room is AES-256-GCM
 * by Node's OpenSSL.
 */
export interface Cipher {
  /** Bytes of a nonce, of the mark that `seal` appends, and of a secret. */
  readonly nonceBytes: number;
  readonly tagBytes: number;
  readonly secretBytes: number;
  /** Makes a secret of `secretBytes` ready for use. */
  importKey(secret: Uint8Array): CipherKey;
  /** Unpredictable bytes: nonces and session numbers must never come twice. */
  randomBytes(length: number): Uint8Array;
}

/** One secret. */
export interface CipherKey {
  /** Tells keys apart without telling the secret: the same text on every machine. */
  readonly id: string;
  /** The ciphertext, then the tag, which covers `associated` too. */
  seal(nonce: Uint8Array, plain: Uint8Array, associated: Uint8Array): Uint8Array;
  /** Undefined when it was not sealed with this secret, nonce and associated bytes, or was changed since. */
  open(nonce: Uint8Array, sealed: Uint8Array, associated: Uint8Array): Uint8Array | undefined;
}
