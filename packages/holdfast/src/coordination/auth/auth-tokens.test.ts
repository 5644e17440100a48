import { expect, it } from "vitest";
import { AuthTokens, tokenLifeMs } from "./auth-tokens.ts";

it("knows a token for as long as it is used", () => {
  let now = 0;
  const tokens = new AuthTokens(() => now);
  tokens.give("t", "ann");
  tokens.give("u", "bob");
  now += tokenLifeMs - 1;
  expect(tokens.userOf("t")).toBe("ann");
  now += 1;
  expect(tokens.userOf("u")).toBeUndefined();
  now += tokenLifeMs - 2;
  expect(tokens.userOf("t")).toBe("ann");
  now += tokenLifeMs;
  expect(tokens.userOf("t")).toBeUndefined();
});

it("forgets one user's, or all", () => {
  const tokens = new AuthTokens(() => 0);
  for (const [token, user] of [
    ["1", "ann"],
    ["2", "bob"],
    ["3", "ann"],
  ] as const) {
    tokens.give(token, user);
  }
  tokens.forget("ann");
  expect(["1", "2", "3"].map((token) => tokens.userOf(token))).toEqual([undefined, "bob", undefined]);
  tokens.forget();
  expect(tokens.userOf("2")).toBeUndefined();
});

it("keeps a bounded number, the latest used", () => {
  const tokens = new AuthTokens(() => 0);
  for (let i = 0; i <= 100_000; i++) {
    tokens.give(String(i), "ann");
    if (i === 99_999) expect(tokens.userOf("0")).toBe("ann");
  }
  expect(tokens.userOf("0")).toBe("ann");
  expect(tokens.userOf("1")).toBeUndefined();
  expect(tokens.userOf("2")).toBe("ann");
});
