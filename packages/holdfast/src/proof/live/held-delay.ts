import type { RandomSource } from "../../runtime/system.ts";
import type { NetworkFault } from "./network-fault.ts";

/** The first wait before lost bytes are sent again; doubles, as in TCP (RFC 6298, section 5), up to a minute. */
const retransmitMs = 200;
const longestWaitMs = 60_000;

/** What `delay` adds: the least, and an exponentially distributed rest. */
export function drawDelay(random: RandomSource, { values }: NetworkFault): number {
  const { delayMs = 0, jitterMs = 0 } = values;
  return jitterMs === 0 ? delayMs : delayMs - jitterMs * Math.log(1 - random.next());
}

/** How long a stream needs to get bytes through of which a share is lost; 0 when they are not. */
export function drawRetransmission(random: RandomSource, share: number): number {
  let waited = 0;
  for (let wait = retransmitMs; waited < longestWaitMs && random.next() < share; wait *= 2) waited += wait;
  return Math.min(waited, longestWaitMs);
}

/** A copy with one bit turned. */
export function corrupted(random: RandomSource, bytes: Uint8Array): Uint8Array {
  // Buffer's slice would share memory.
  const copy = new Uint8Array(bytes);
  const bit = Math.floor(random.next() * copy.length * 8);
  if (copy.length > 0) copy[bit >> 3] = copy[bit >> 3]! ^ (1 << (bit & 7));
  return copy;
}
