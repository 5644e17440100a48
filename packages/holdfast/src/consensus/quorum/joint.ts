import type { NodeId } from "../entry.ts";
import { committedIndex, majority, voteResult, type VoteOutcome } from "./majority.ts";

/** The two sets of voters between which a cluster is changing; `outgoing` is empty at all other times. */
export interface JointVoters {
  readonly incoming: readonly NodeId[];
  readonly outgoing: readonly NodeId[];
}

/** What a majority of each half has reached (Raft, section 6). */
export function jointCommittedIndex(
  voters: JointVoters,
  matchOf: (voter: NodeId) => number,
  majorityOf: (voters: number) => number = majority,
): number {
  const { incoming, outgoing } = voters;
  const index = committedIndex(incoming, matchOf, majorityOf);
  return outgoing.length === 0 ? index : Math.min(index, committedIndex(outgoing, matchOf, majorityOf));
}

/** Won when both halves are, lost when either is. */
export function jointVoteResult(
  voters: JointVoters,
  votes: ReadonlyMap<NodeId, boolean>,
  majorityOf: (voters: number) => number = majority,
): VoteOutcome {
  const one = voteResult(voters.incoming, votes, majorityOf);
  const other = voteResult(voters.outgoing, votes, majorityOf);
  if (one === other) return one;
  return one === "lost" || other === "lost" ? "lost" : "pending";
}
