import { CoordinationError, type Member } from "holdfast/coordination";
import { healthPaths } from "../health/health-methods.ts";
import type { WireMessage } from "./wire-type.ts";

/**
 * As etcd: a learner tells how it is and reads what it has itself. All else is for members that vote, so that no client
 * comes to depend on one that may be far behind and counts for nothing.
 *
 * @param message absent for a stream
 * @throws CoordinationError NOT_AT_LEARNER
 */
export function checkLearner(member: Member, path: string, message?: WireMessage): void {
  if (member.status().isLearner && !isForLearners(path, message)) throw new CoordinationError("NOT_AT_LEARNER");
}

function isForLearners(path: string, message: WireMessage | undefined): boolean {
  if (path === "/etcdserverpb.Maintenance/Status" || healthPaths.has(path)) return true;
  const { serializable } = (message ?? {}) as { readonly serializable?: boolean };
  return path === "/etcdserverpb.KV/Range" && serializable === true;
}
