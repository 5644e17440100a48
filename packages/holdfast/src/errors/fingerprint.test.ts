import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fingerprint, fingerprintKey, fingerprintText, messagePattern, type ErrorIdentity } from "./fingerprint.ts";
import { maxPatternLength } from "./message-pattern.ts";
import { ownFrame } from "./own-frame.ts";

const identity: ErrorIdentity = { kind: "network", code: "X", operation: "read", message: "a 1", frame: "" };

describe("messagePattern", () => {
  it.each([
    ["connect ECONNREFUSED 127.0.0.1:5432", "connect ECONNREFUSED <n>"],
    ["user 17 not found", "user <n> not found"],
    ["user42 is gone", "user<n> is gone"],
    ["took 1500ms of 1.5s", "took <n>ms of <n>s"],
    ["row 3f2504e0-4f89-11d3-9a0c-0305e82c3301 missing", "row <id> missing"],
    ["at 0xDEADBEEF and 5e8f8c57a2b1", "at <hex> and <hex>"],
    ["key \"a b\" and 'c' and `d`", "key <text> and <text> and <text>"],
    ["can't open 'it's here', won't", "can't open <text>, won't"],
    ["can't, won't", "can't, won't"],
    ['an open " quote 5', 'an open " quote <n>'],
    ["two\n\n  lines\tmore", "two lines more"],
    ["since 2026-01-01T10:00:00.000Z", "since <n>Z"],
    ["request a8f-x9q2m7 failed", "request <id>-<id> failed"],
    ["facade decade", "facade decade"],
    ["größe 12 übel", "größe <n> übel"],
    ["", ""],
    ["42", "<n>"],
    ["0x", "<n>x"],
  ])("%j becomes %j", (message, expected) => {
    expect(messagePattern(message)).toBe(expected);
  });

  it("looks at a bounded part only", () => {
    expect(messagePattern("x ".repeat(10_000)).length).toBeLessThanOrEqual(maxPatternLength);
    expect(messagePattern(`${" a".repeat(300)} one`)).toBe(messagePattern(`${" a".repeat(300)} two`));
  });

  it("takes any text, and gives equal keys exactly for equal patterns", () => {
    const part = fc.oneof(fc.string(), fc.constantFrom("12", " ", "'x'", "0xff", "ab", "a1b2", '"', "\\"));
    const message = fc.array(part, { maxLength: 8 }).map((parts) => parts.join(""));
    fc.assert(
      fc.property(message, message, (one, two) => {
        const same = fingerprintKey({ ...identity, message: one }) === fingerprintKey({ ...identity, message: two });
        expect(same).toBe(messagePattern(one) === messagePattern(two));
      }),
      { numRuns: 1000 },
    );
  });

  it("does not depend on the number", () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(), fc.uuid(), fc.uuid(), (a, b, c, d) => {
        expect(messagePattern(`id ${a} of ${c}`)).toBe(messagePattern(`id ${b} of ${d}`));
      }),
    );
  });
});

describe("fingerprint", () => {
  it("tells kind, code, operation and frame apart, also where their texts meet", () => {
    const keys = [
      identity,
      { ...identity, kind: "timeout" as const },
      { ...identity, code: "Y" },
      { ...identity, operation: "write" },
      { ...identity, frame: "f a.ts" },
      { ...identity, code: "Xr", operation: "ead" },
      { ...identity, operation: "", frame: "read" },
    ].map(fingerprintKey);
    expect(new Set(keys).size).toBe(keys.length);
    for (const key of keys) expect(fingerprintText(key)).toMatch(/^[0-9a-f]{14}$/);
  });

  it("is the same for errors of one place, and differs by place", () => {
    const one = (n: number): Error => new Error(`no ${n}`);
    const two = (n: number): Error => new Error(`no ${n}`);
    expect(fingerprint(one(1))).toBe(fingerprint(one(2)));
    expect(fingerprint(one(1))).not.toBe(fingerprint(two(1)));
    expect(fingerprint(undefined)).toBe(fingerprint(undefined));
  });
});

describe("ownFrame", () => {
  const stack = (...lines: string[]): string =>
    ["Error: x", "  and more", ...lines.map((l) => `    at ${l}`)].join("\n");

  it.each([
    [stack("node:net:1:2", "f (/a/node_modules/p/i.js:1:2)", "g (/app/src/pay.ts:7:9)"), "g src/pay.ts"],
    [stack("async h (file:///app/src/pay.ts:7:9)"), "h src/pay.ts"],
    [stack("/app/src/pay.ts:7:9"), "src/pay.ts:7"],
    [stack("async /app/src/pay.ts:7:9"), "src/pay.ts:7"],
    [stack("new Promise (<anonymous>)", "C.m (C:\\app\\src\\pay.ts:7:9)"), "C.m src/pay.ts"],
    [stack("Array.map (native)"), ""],
    ["Error: no frames", ""],
    [undefined, ""],
  ])("%#", (given, expected) => {
    expect(ownFrame(given)).toBe(expected);
  });
});
