import type { Membership } from "../membership/index.ts";
import type { Redundancy } from "./redundancy.ts";

/**
 * Tells a group which of its nodes membership holds for failed, from now on and until the function that it returns is
 * called: a member that is dead, or has left, is failed, and one that returns or joins again is not. Nodes and members
 * are matched by name; members that are no nodes are passed over, and suspicion alone changes nothing.
 *
 * @example
 * const stop = followMembership(group, member);
 */
export function followMembership(
  group: Pick<Redundancy<unknown>, "fail" | "restore">,
  membership: Pick<Membership, "members" | "subscribe">,
): () => void {
  const stop = membership.subscribe((event) => {
    if (event.type === "failed" || event.type === "left") group.fail(event.member.name);
    else if (event.type === "return" || event.type === "join") group.restore(event.member.name);
  });
  for (const { name, state } of membership.members()) {
    if (state === "dead" || state === "left") group.fail(name);
  }
  return stop;
}
