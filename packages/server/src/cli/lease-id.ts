import type { LeaseId } from "holdfast/coordination";
import { usageError } from "./exit.ts";

/** Leases are named by 16 hexadecimal digits, as etcdctl shows and reads them. */
export function leaseText(id: LeaseId): string {
  return BigInt.asUintN(64, id).toString(16).padStart(16, "0");
}

/** @throws ExitError (usage) naming what was given */
export function readLeaseId(text: string, source: string): LeaseId {
  const id = /^[0-9a-f]{1,16}$/i.test(text) ? BigInt.asIntN(64, BigInt(`0x${text}`)) : 0n;
  if (id === 0n)
    throw usageError(`${source} must be a lease's 1 to 16 hexadecimal digits (got ${JSON.stringify(text)})`);
  return id;
}
