import type { RandomSource } from "../../runtime/index.ts";
import type { LeaseId } from "../key-value/key-value.ts";
import type { LeaseGrant } from "./lease-codec.ts";
import type { LeaseReader } from "./lease-table.ts";
import type { LeaseGrantRequest } from "./lease.ts";

/** What a grant leaves open is decided before it is proposed, so that the log says it to every member. */
export function completeGrant(
  { id = 0n, ttlSeconds }: LeaseGrantRequest,
  leases: LeaseReader,
  minTtlSeconds: number,
  random: RandomSource,
): LeaseGrant {
  return { id: id === 0n ? drawId(leases, random) : id, ttlSeconds: Math.max(minTtlSeconds, ttlSeconds) };
}

/** A positive id that is free as far as is known here; of 63 bits, so that two members hardly ever draw the same. */
function drawId(leases: LeaseReader, random: RandomSource): LeaseId {
  for (;;) {
    const high = Math.floor(random.next() * 2 ** 31);
    const low = Math.floor(random.next() * 2 ** 32);
    const id = (BigInt(high) << 32n) | BigInt(low);
    if (id !== 0n && !leases.has(id)) return id;
  }
}
