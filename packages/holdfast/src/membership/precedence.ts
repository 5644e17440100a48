import type { MemberState } from "./member.ts";

/** What is said of a member: the state, and the incarnation of which it is said. */
export interface Claim {
  readonly incarnation: number;
  readonly state: MemberState;
}

const rank: Readonly<Record<MemberState, number>> = { alive: 0, suspect: 1, dead: 2, left: 3 };

/**
 * Whether `claim` replaces `known`: a higher incarnation always does, and within one incarnation suspect outweighs
 * alive, dead outweighs suspect, and the member's own farewell outweighs all. That is a total order of which members
 * keep the greatest, so that the same news in any order, any number of times, leads everywhere to the same belief. Only
 * the member raises its incarnation, hence alive never follows dead without the member's doing.
 */
export function supersedes(claim: Claim, known: Claim): boolean {
  if (claim.incarnation !== known.incarnation) return claim.incarnation > known.incarnation;
  return rank[claim.state] > rank[known.state];
}
