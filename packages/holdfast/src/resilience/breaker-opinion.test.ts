import { describe, expect, it } from "vitest";
import { VirtualClock } from "../testing/index.ts";
import { OpinionBook, parseOpinion, type Opinion } from "./breaker-opinion.ts";

const good: Opinion = {
  version: 1,
  breaker: "orders",
  nodeId: "a",
  state: "open",
  sequence: 1,
  at: 1_000,
  ttlMs: 6_000,
};

describe("parseOpinion", () => {
  const longest = "x".repeat(256);

  it.each<Opinion>([
    good,
    { ...good, sequence: 0 },
    { ...good, breaker: "" },
    { ...good, breaker: longest, nodeId: longest },
    { ...good, state: "none" },
  ])("takes %j, and leaves out what it does not know", (opinion) => {
    expect(parseOpinion({ ...opinion, color: "red" })).toEqual(opinion);
  });

  it.each<unknown>([
    null,
    [],
    { ...good, breaker: ["orders"] },
    { ...good, nodeId: ["a"] },
    { ...good, nodeId: `${longest}x` },
    { ...good, state: "rampUp" },
    { ...good, sequence: "1" },
    { ...good, at: "now" },
    { ...good, ttlMs: Number.POSITIVE_INFINITY },
  ])("refuses %j", (message) => {
    expect(parseOpinion(message)).toBeUndefined();
  });
});

describe("a book of opinions", () => {
  const bookOf = (maxNodes = 10) => {
    const clock = new VirtualClock();
    const book = new OpinionBook(clock, 10_000, maxNodes);
    const take = (over: Partial<Opinion>) => book.take({ ...good, at: clock.wallTime(), ...over });
    return { clock, book, take };
  };

  it("gives the place of whom nobody hears any more to another, who may begin again at any sequence", async () => {
    const { clock, take } = bookOf(1);
    expect(take({ sequence: 9 })).toBe("taken");
    expect(take({ nodeId: "b" })).toBe("refused");
    await clock.advance(5_999);
    expect(take({ nodeId: "b" })).toBe("refused");
    await clock.advance(1);
    expect(take({ nodeId: "b" })).toBe("taken");
    await clock.advance(6_000);
    expect(take({ nodeId: "b", sequence: 0 })).toBe("taken");
  });

  it.each([
    [1_000, 3_000, 6_000],
    [1_000, 6_000, 3_000],
    [3_000, 1_000, 6_000],
    [3_000, 6_000, 1_000],
    [6_000, 1_000, 3_000],
    [6_000, 3_000, 1_000],
  ])("tells for how long each word counts, the longest first: %i %i %i", (...lives) => {
    const { book, take } = bookOf();
    for (const [at, ttlMs] of lives.entries()) take({ nodeId: `node-${at}`, ttlMs });
    expect(book.tally()).toEqual({ live: 3, open: 3, openForMs: [6_000, 3_000, 1_000] });
  });

  it("counts the word open of whom tries whether it is over for as long as it was promised", async () => {
    const { clock, book, take } = bookOf();
    take({});
    await clock.advance(2_000);
    take({ state: "halfOpen", sequence: 2 });
    take({ nodeId: "b", state: "halfOpen" });
    expect(book.tally()).toEqual({ live: 2, open: 0, openForMs: [4_000] });
    await clock.advance(4_000);
    expect(book.tally()).toEqual({ live: 2, open: 0, openForMs: [] });
    take({ sequence: 3 });
    take({ state: "closed", sequence: 4 });
    take({ nodeId: "b", state: "none", sequence: 2 });
    expect(book.tally()).toEqual({ live: 1, open: 0, openForMs: [] });
  });
});
