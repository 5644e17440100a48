import { readFileSync, statSync } from "node:fs";
import { createKeyring, type Keyring } from "holdfast/membership";
import { nodeCipher } from "holdfast/runtime";
import { environmentError, usageError } from "../cli/exit.ts";

/** A keyring that follows a file. */
export interface FileKeyring {
  readonly keyring: Keyring;
  /** Whether the file is open to others than its owner. */
  readonly isExposed: boolean;
  /**
   * Takes over what the file says now, in one go. When it cannot be read or makes no sense, the keyring stays as it is.
   *
   * @throws ExitError
   */
  readonly reload: () => void;
}

const maxFileBytes = 65_536;
const maxKeys = 8;

/** @throws ExitError (environment) when the file cannot be read, (usage) when it is no keyring; never with a secret in it */
export function openKeyringFile(path: string): FileKeyring {
  const cipher = nodeCipher();
  const read = (): readonly Uint8Array[] => readKeys(path, cipher.secretBytes);
  const keyring = createKeyring({ cipher, keys: read() });
  return {
    keyring,
    // Windows has no such bits.
    isExposed: process.platform !== "win32" && (statSync(path).mode & 0o077) !== 0,
    reload: () => replaceKeys(keyring, read()),
  };
}

/** All in one turn of the event loop: no packet comes in between, and at no time are there too many keys. */
function replaceKeys(keyring: Keyring, keys: readonly Uint8Array[]): void {
  const [primary, ...others] = keys;
  if (primary === undefined) throw usageError("a keyring must hold a key");
  for (const id of keyring.ids.slice(1)) keyring.remove(id);
  const before = keyring.primary;
  keyring.use(keyring.install(primary));
  if (keyring.primary !== before) keyring.remove(before);
  for (const key of others) keyring.install(key);
}

function readKeys(path: string, secretBytes: number): readonly Uint8Array[] {
  let text: string;
  try {
    if (statSync(path).size > maxFileBytes)
      throw usageError(`the keyring ${path} is larger than ${maxFileBytes} bytes`);
    text = readFileSync(path, "utf8");
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "USAGE") throw error;
    throw environmentError(`the keyring ${path} cannot be read (${code})`, error);
  }
  // Nothing of the text goes into a message: it may be a secret in the wrong place.
  const malformed = (rule: string): Error =>
    usageError(`the keyring ${path} ${rule}; it is a JSON array of keys as \`holdfast keygen\` prints them`);
  let keys: unknown;
  try {
    keys = JSON.parse(text);
  } catch {
    throw malformed("is not JSON");
  }
  if (!Array.isArray(keys) || keys.length === 0 || keys.length > maxKeys) {
    throw malformed(`must hold 1 to ${maxKeys} keys`);
  }
  const secrets = keys.map((key: unknown, at) => {
    const bytes = typeof key === "string" ? Buffer.from(key, "base64") : undefined;
    // Node's decoder passes over what it does not know: only what comes out the same was base64.
    if (bytes?.length === secretBytes && bytes.toString("base64") === key) return new Uint8Array(bytes);
    throw malformed(`must hold base64 of ${secretBytes} bytes at [${at}]`);
  });
  if (new Set(keys).size < keys.length) throw malformed("must not hold a key twice");
  return secrets;
}
