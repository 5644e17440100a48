import { describe, expect, it } from "vitest";
import fc from "fast-check";
import { formatIdentity, parseIdentity } from "./request-identity.ts";

describe("request identity", () => {
  it("reads back what was written", () => {
    const identity = fc
      .tuple(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), fc.nat(), fc.nat())
      .map(([client, acknowledged, more]) => ({ client, sequence: acknowledged + 1 + more, acknowledged }));
    fc.assert(fc.property(identity, (it) => expect(parseIdentity(formatIdentity(it))).toEqual(it)));
  });

  it.each(["", "1", "1/2", "1/2/3/4", "a/1/0", "1/1/1", "1/1/2", "0/1/0", "-1/1/0", "9007199254740993/1/0", " 1/1/0"])(
    "refuses %j and names the header",
    (text) => {
      expect(() => parseIdentity(text)).toThrow(/header holdfast-request must be <client>\/<sequence>\/<acknowledged>/);
    },
  );
});
