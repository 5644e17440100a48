import { checkNumber } from "../../errors/base.ts";
import type { Membership } from "../../membership/index.ts";
import type { AutomaticRecovery } from "./automatic-recovery.ts";
import type { FailurePriority } from "./failure.ts";

export interface WatchMembershipOptions {
  /** Default: that of the type. */
  readonly priority?: FailurePriority;
  /**
   * When a larger share of the others counts as failed, it is more likely this process that is cut off: then no member
   * is reported, but `membersLost` of this one. 0..1, default 0.5.
   */
  readonly maxFailedShare?: number;
  readonly onError?: (error: unknown) => void;
}

/**
 * Reports members that membership holds for dead (`memberFailed`), until they return, leave or join again; suspicion
 * alone changes nothing. Follows from now on and until the function that it returns is called.
 *
 * @throws InvalidArgumentError
 * @example
 * const stop = watchMembership(recovery, member);
 */
export function watchMembership(
  recovery: Pick<AutomaticRecovery, "report" | "recovered">,
  membership: Pick<Membership, "name" | "members" | "subscribe">,
  { priority, maxFailedShare = 0.5, onError }: WatchMembershipOptions = {},
): () => void {
  checkNumber("watchMembership.maxFailedShare", maxFailedShare, 0, 1);
  const reported = new Set<string>();
  let isCutOff = false;
  const tell = (told: Promise<void>): void => void told.catch((error: unknown) => onError?.(error));
  const ranked = priority === undefined ? {} : { priority };

  const look = (): void => {
    const others = membership.members().filter(({ name, state }) => name !== membership.name && state !== "left");
    const failed = others.filter(({ state }) => state === "dead");
    const tooMany = failed.length > 1 && failed.length > others.length * maxFailedShare;
    if (tooMany !== isCutOff) {
      isCutOff = tooMany;
      const evidence = { failed: failed.length, members: others.length };
      if (tooMany) tell(recovery.report({ type: "membersLost", target: membership.name, ...ranked, evidence }));
      else tell(recovery.recovered(membership.name, { type: "membersLost", because: "most members are there again" }));
    }
    if (isCutOff) return;
    for (const { name, incarnation, host, port } of failed) {
      if (reported.has(name)) continue;
      reported.add(name);
      const evidence = { incarnation, address: `${host}:${port}` };
      tell(recovery.report({ type: "memberFailed", target: name, ...ranked, evidence }));
    }
    const dead = new Set(failed.map(({ name }) => name));
    for (const name of reported) {
      if (dead.has(name)) continue;
      reported.delete(name);
      const isThere = others.some((member) => member.name === name);
      const because = isThere ? "membership hears it again" : "it has left";
      tell(recovery.recovered(name, { type: "memberFailed", because }));
    }
  };

  const stop = membership.subscribe(({ type }) => {
    if (type === "failed" || type === "return" || type === "join" || type === "left" || type === "forgotten") look();
  });
  look();
  return stop;
}
