import {
  array,
  assert,
  boolean,
  constant,
  dictionary,
  integer,
  nat,
  oneof,
  property,
  record,
  uniqueArray,
} from "fast-check";
import { describe, expect, it } from "vitest";
import type { NodeId } from "../entry.ts";
import { jointCommittedIndex, jointVoteResult } from "./joint.ts";
import { committedIndex, majority, voteResult } from "./majority.ts";

const voters = uniqueArray(integer({ min: 1, max: 9 }), { maxLength: 9 });
const matches = array(nat(50), { minLength: 10, maxLength: 10 });
const votes = dictionary(oneof(...Array.from({ length: 9 }, (_, at) => constant(String(at + 1)))), boolean()).map(
  (given) => new Map(Object.entries(given).map(([voter, vote]) => [Number(voter), vote])),
);

/** All sets of voters that are a majority. */
function majorities(of: readonly NodeId[]): NodeId[][] {
  const subsets = of.reduce<NodeId[][]>((sets, voter) => [...sets, ...sets.map((set) => [...set, voter])], [[]]);
  return subsets.filter((set) => 2 * set.length > of.length);
}

describe("majority", () => {
  it.each([
    [1, 1],
    [2, 2],
    [3, 2],
    [4, 3],
    [5, 3],
    [6, 4],
    [7, 4],
  ])("of %i voters is %i", (count, expected) => {
    expect(majority(count)).toBe(expected);
  });

  it("of any number of voters overlaps with itself", () => {
    assert(property(integer({ min: 1, max: 100 }), (n) => majority(n) * 2 > n && (majority(n) - 1) * 2 <= n));
  });
});

describe("the committed index", () => {
  it("is what the best majority has reached, by looking at every one of them", () => {
    assert(
      property(voters, matches, (ids, match) => {
        const lows = majorities(ids).map((set) => Math.min(...set.map((voter) => match[voter]!)));
        const expected = ids.length === 0 ? Infinity : Math.max(...lows);
        expect(committedIndex(ids, (voter) => match[voter]!)).toBe(expected);
      }),
      { numRuns: 300 },
    );
  });

  it("of two halves is what a majority of each has reached", () => {
    assert(
      property(voters, voters, matches, (incoming, outgoing, match) => {
        const matchOf = (voter: NodeId): number => match[voter]!;
        const joint = jointCommittedIndex({ incoming, outgoing }, matchOf);
        for (const half of [incoming, outgoing]) {
          const holders = half.filter((voter) => matchOf(voter) >= joint).length;
          if (half.length > 0) expect(2 * holders).toBeGreaterThan(half.length);
        }
        expect(jointCommittedIndex({ incoming: outgoing, outgoing: incoming }, matchOf)).toBe(joint);
        expect(jointCommittedIndex({ incoming, outgoing: incoming }, matchOf)).toBe(committedIndex(incoming, matchOf));
      }),
    );
  });

  it.each([
    [[1, 2, 3], [], 20],
    [[1, 2, 3], [3], 20],
    [[3, 4, 5], [1], 10],
    [[1, 2, 3], [4, 5], 20],
    [[], [], Infinity],
  ])("of %j with %j is %d when each voter has reached ten times its id", (incoming, outgoing, index) => {
    expect(jointCommittedIndex({ incoming, outgoing }, (voter) => voter * 10)).toBe(index);
  });
});

describe("the result of a vote", () => {
  it("is won, lost or open by what the votes still out could change", () => {
    assert(
      property(voters, votes, (ids, given) => {
        const grants = (voter: NodeId, open: boolean): boolean => given.get(voter) ?? open;
        const wins = (open: boolean): boolean =>
          ids.length === 0 || 2 * ids.filter((voter) => grants(voter, open)).length > ids.length;
        const expected = wins(false) ? "won" : wins(true) ? "pending" : "lost";
        expect(voteResult(ids, given)).toBe(expected);
      }),
    );
  });

  it("of two halves is lost where one is, won where both are", () => {
    assert(
      property(record({ incoming: voters, outgoing: voters }), votes, (halves, given) => {
        const results = [voteResult(halves.incoming, given), voteResult(halves.outgoing, given)];
        const expected = results.includes("lost") ? "lost" : results.includes("pending") ? "pending" : "won";
        expect(jointVoteResult(halves, given)).toBe(expected);
      }),
    );
  });

  it.each([
    [{ 1: true }, "pending"],
    [{ 1: true, 2: true }, "pending"],
    [{ 1: true, 2: true, 3: true }, "won"],
    [{ 1: true, 2: false }, "pending"],
    [{ 1: true, 2: false, 3: false }, "lost"],
    [{ 1: true, 2: true, 9: true }, "pending"],
  ] as const)("of four voters with votes %o is %s", (given, outcome) => {
    const map = new Map(Object.entries(given).map(([voter, vote]) => [Number(voter), vote]));
    expect(voteResult([1, 2, 3, 4], map)).toBe(outcome);
  });
});
