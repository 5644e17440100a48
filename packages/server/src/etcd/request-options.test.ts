import { describe, expect, it } from "vitest";
import { parseGrpcTimeout, requestOptions } from "./request-options.ts";

const { signal } = new AbortController();

describe("parseGrpcTimeout", () => {
  it.each([
    ["2H", 7_200_000],
    ["3M", 180_000],
    ["5S", 5_000],
    ["250m", 250],
    ["500u", 0.5],
    ["1000000n", 1],
  ])("reads %s", (text, milliseconds) => expect(parseGrpcTimeout(text)).toBeCloseTo(milliseconds));

  it.each([undefined, "", "5", "S", "5s", "-5S", "123456789S", "1.5S"])("ignores %j", (text) => {
    expect(parseGrpcTimeout(text)).toBeUndefined();
  });
});

describe("requestOptions", () => {
  it.each([
    [undefined, undefined],
    [250, 250],
    [-3, 1],
    [1e12, 7_000],
  ])("turns %s ms left into a timeout of %s ms", (remainingMs, timeoutMs) => {
    const options = requestOptions(signal, undefined, remainingMs);
    expect(options).toEqual(timeoutMs === undefined ? { signal } : { signal, timeoutMs });
  });

  it.each([
    [{ token: "t" }, { tokens: ["t", "other"], certified: "ann" }],
    [{ token: "other" }, { tokens: [undefined, "other"], certified: "ann" }],
    [{ token: "" }, { tokens: ["", "other"] }],
    [{ user: "ann" }, { tokens: [undefined], certified: "ann" }],
    [undefined, { tokens: [undefined], certified: "" }],
    [undefined, { tokens: [] }],
  ])("carries %o of who asks", (credentials, proof) => {
    const options = requestOptions(signal, undefined, undefined, proof);
    expect(options).toEqual(credentials === undefined ? { signal } : { signal, credentials });
  });

  it("carries the identity", () => {
    expect(requestOptions(signal, "7/2/1", undefined).identity).toEqual({
      client: 7,
      sequence: 2,
      acknowledged: 1,
      since: 0,
    });
  });
});
