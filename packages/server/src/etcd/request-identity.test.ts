import { describe, expect, it } from "vitest";
import * as fc from "fast-check";
import { formatIdentity, parseIdentity } from "./request-identity.ts";

describe("request identity", () => {
  it("reads back what was written", () => {
    const identity = fc
      .tuple(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), fc.nat(), fc.nat(), fc.nat())
      .map(([client, acknowledged, more, since]) => ({
        client,
        sequence: acknowledged + 1 + more,
        acknowledged,
        since,
      }));
    fc.assert(
      fc.property(identity, (given) => {
        expect(parseIdentity(formatIdentity(given))).toEqual(given);
      }),
    );
  });

  it.each([
    "",
    "1",
    "1/2",
    "1/3/2/4/5",
    "1/3/2/",
    "a/1/0",
    "1/1/1",
    "1/1/2",
    "0/1/0",
    "-1/1/0",
    "9007199254740993/1/0",
    " 1/1/0",
  ])("refuses %j and names the header", (text) => {
    expect(() => parseIdentity(text)).toThrow(/header holdfast-request must be <client>\/<sequence>\/<acknowledged>/);
  });
});
