import { randomInt } from "node:crypto";
import { nodeClock } from "./node-clock.ts";
import { nodeDisk } from "./node-disk.ts";
import { nodeNetwork } from "./node-network.ts";
import type { Runtime } from "./runtime.ts";
import { seededRandom } from "./seeded-random.ts";
import type { RenewableTls, TlsIdentity } from "./tls-identity.ts";

/**
 * The real world: Node's clock, sockets and files.
 *
 * @param options `seed`: what `random` starts from, a safe integer; by default drawn from node:crypto. The generator
 *   is a fast one for backoff, timeouts and sampling, not for secrets. `tls`: encrypts every stream, both ends certified; one
 *   of `renewableTls` may change.
 * @throws RangeError when `seed` is not a safe integer; Error of OpenSSL when `tls` cannot be read
 * @example
 * const runtime = nodeRuntime();
 * await runtime.clock.sleep(100);
 */
export function nodeRuntime(options?: { readonly seed?: number; readonly tls?: TlsIdentity | RenewableTls }): Runtime {
  return {
    clock: nodeClock(),
    random: seededRandom(options?.seed ?? randomInt(2 ** 48 - 1)),
    network: nodeNetwork(options?.tls),
    disk: nodeDisk(),
  };
}
