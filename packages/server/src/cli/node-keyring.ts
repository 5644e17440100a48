import type { Keyring } from "holdfast/membership";
import type { Terminal } from "./terminal.ts";

/**
 * The keys of a file, which are read again on each SIGHUP, unless that comes from a supervisor's closing terminal; what
 * comes of it is said on stderr.
 *
 * @throws ExitError when the file cannot be read or is no keyring
 */
export async function openNodeKeyring(
  path: string,
  isSupervised: boolean,
  { err }: Pick<Terminal, "err">,
): Promise<Keyring> {
  const { openKeyringFile } = await import("../gossip/keyring-file.ts");
  const { keyring, isExposed, reload } = openKeyringFile(path);
  if (isExposed) err(`the keyring ${path} is open to others than its owner: chmod 600`);
  if (isSupervised) return keyring;
  process.on("SIGHUP", () => {
    try {
      reload();
      const [primary, ...others] = keyring.ids;
      err(
        `gossip is sealed with key ${primary}${others.length === 0 ? "" : `, and opened with ${others.join(", ")} too`}`,
      );
    } catch (error) {
      err(`the keys stay as they are: ${(error as Error).message}`);
    }
  });
  return keyring;
}
