import type { Member } from "../coordination.ts";
import { CoordinationError } from "../coordination-error.ts";

/**
 * As in etcd, a learner answers serializable reads alone: no client is to depend on one that may be far behind and counts
 * for nothing.
 *
 * @throws CoordinationError NOT_AT_LEARNER
 */
export function requireVoter(member: Member): void {
  if (member.status().isLearner) throw new CoordinationError("NOT_AT_LEARNER");
}

/** What members answer that keep no state for clients, or not yet: another one may. */
export const askAnother: ReadonlySet<string> = new Set(["NOT_AT_LEARNER", "NOT_AT_WITNESS"]);
