import type { NodeId } from "./entry.ts";

/** How many of `voters` are a majority: 1 of 1, 2 of 2, 2 of 3, 3 of 4. */
export function majority(voters: number): number {
  return Math.floor(voters / 2) + 1;
}

/**
 * The highest value that at least `needed` of the voters have reached.
 *
 * With match indices it is the index a majority holds; with read sequences, the last read round a majority confirmed.
 * At most seven voters, so an insertion sort of their values is the fastest way.
 */
export function reachedBy(voters: readonly NodeId[], needed: number, valueOf: (voter: NodeId) => number): number {
  const values: number[] = [];
  for (const voter of voters) {
    const value = valueOf(voter);
    let at = values.length;
    while (at > 0 && values[at - 1]! < value) at--;
    values.splice(at, 0, value);
  }
  return values[needed - 1] ?? 0;
}

export type VoteOutcome = "won" | "lost" | "pending";

/** What the votes so far decide: won by a majority of grants, lost once a majority of grants is out of reach. */
export function voteOutcome(
  voters: readonly NodeId[],
  needed: number,
  votes: ReadonlyMap<NodeId, boolean>,
): VoteOutcome {
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
