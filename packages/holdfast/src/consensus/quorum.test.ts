import { array, assert, integer, nat, property } from "fast-check";
import { describe, expect, it } from "vitest";
import { majority, reachedBy, voteOutcome } from "./quorum.ts";

describe("majority", () => {
  it.each([
    [1, 1],
    [2, 2],
    [3, 2],
    [4, 3],
    [5, 3],
    [6, 4],
    [7, 4],
  ])("of %i voters is %i", (voters, expected) => {
    expect(majority(voters)).toBe(expected);
  });

  it("of any number of voters overlaps with itself", () => {
    assert(property(integer({ min: 1, max: 100 }), (n) => majority(n) * 2 > n && (majority(n) - 1) * 2 <= n));
  });
});

describe("reachedBy", () => {
  it("is the highest value that so many voters have reached", () => {
    assert(
      property(array(nat(50), { minLength: 1, maxLength: 9 }), (values) => {
        const voters = values.map((_, at) => at);
        const needed = majority(voters.length);
        const reached = reachedBy(voters, needed, (voter) => values[voter]!);
        const holders = (value: number): number => values.filter((held) => held >= value).length;
        expect(holders(reached)).toBeGreaterThanOrEqual(needed);
        expect(holders(reached + 1)).toBeLessThan(needed);
      }),
    );
  });
});

describe("voteOutcome", () => {
  const voters = [1, 2, 3, 4];
  it.each([
    [{ 1: true }, "pending"],
    [{ 1: true, 2: true }, "pending"],
    [{ 1: true, 2: true, 3: true }, "won"],
    [{ 1: true, 2: false }, "pending"],
    [{ 1: true, 2: false, 3: false }, "lost"],
    [{ 1: true, 2: true, 9: true }, "pending"],
  ] as const)("of four voters with votes %o is %s", (votes, outcome) => {
    const map = new Map(Object.entries(votes).map(([voter, vote]) => [Number(voter), vote]));
    expect(voteOutcome(voters, majority(4), map)).toBe(outcome);
  });
});
