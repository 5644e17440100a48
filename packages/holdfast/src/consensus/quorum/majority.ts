import type { NodeId } from "../entry.ts";

/** How many of `voters` are a majority: 1 of 1, 2 of 2, 2 of 3, 3 of 4. */
export function majority(voters: number): number {
  return Math.floor(voters / 2) + 1;
}

/**
 * The highest value that a majority of the voters has reached; without voters there is nothing to wait for: infinity.
 *
 * With match indices it is the index that is committed; with read sequences, the last read round that was confirmed.
 * Few vote, so an insertion sort of their values is the fastest way.
 */
export function committedIndex(
  voters: readonly NodeId[],
  matchOf: (voter: NodeId) => number,
  majorityOf: (voters: number) => number = majority,
): number {
  if (voters.length === 0) return Number.POSITIVE_INFINITY;
  const values: number[] = [];
  for (const voter of voters) {
    const value = matchOf(voter);
    let at = values.length;
    for (; at > 0 && values[at - 1]! < value; at--) values[at] = values[at - 1]!;
    values[at] = value;
  }
  return values[majorityOf(voters.length) - 1] ?? 0;
}

export type VoteOutcome = "won" | "lost" | "pending";

/**
 * What the votes so far decide: won by a majority of grants, lost once that is out of reach. Votes of others do not
 * count; without voters it is won.
 */
export function voteResult(
  voters: readonly NodeId[],
  votes: ReadonlyMap<NodeId, boolean>,
  majorityOf: (voters: number) => number = majority,
): VoteOutcome {
  if (voters.length === 0) return "won";
  const needed = majorityOf(voters.length);
  let granted = 0;
  let open = 0;
  for (const voter of voters) {
    const vote = votes.get(voter);
    if (vote === true) granted++;
    else if (vote === undefined) open++;
  }
  if (granted >= needed) return "won";
  return granted + open >= needed ? "pending" : "lost";
}
