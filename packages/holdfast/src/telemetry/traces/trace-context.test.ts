import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatTraceparent, parseTraceContext, traceHeaders } from "./trace-context.ts";
import { readTraceState, traceStateValue, withTraceState } from "./trace-state.ts";

const traceId = "0af7651916cd43dd8448eb211c80319c";
const spanId = "b7ad6b7169203331";
const parent = `00-${traceId}-${spanId}-01`;
const hex = (length: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...Array.from("0123456789abcdef")), minLength: length, maxLength: length });

describe("parseTraceContext", () => {
  it.each([
    [`00-${traceId}-${spanId}-00`, { sampled: false, random: false }],
    [`00-${traceId}-${spanId}-01`, { sampled: true, random: false }],
    [`00-${traceId}-${spanId}-02`, { sampled: false, random: true }],
    [`00-${traceId}-${spanId}-03`, { sampled: true, random: true }],
    // Flags that are not known yet mean nothing.
    [`00-${traceId}-${spanId}-fd`, { sampled: true, random: false }],
    [`cc-${traceId}-${spanId}-01`, { sampled: true, random: false }],
    [`cc-${traceId}-${spanId}-01-what-the-future-says`, { sampled: true, random: false }],
  ])("reads %j", (traceparent, flags) => {
    expect(parseTraceContext(traceparent)).toEqual({ traceId, spanId, isRemote: true, ...flags });
  });

  it.each([
    ["nothing", undefined],
    ["an empty text", ""],
    ["a list", [parent]],
    ["two joined headers", `${parent}, ${parent}`],
    ["the version that is none", `ff-${traceId}-${spanId}-01`],
    ["a version of one digit", `0-${traceId}-${spanId}-01`],
    ["a version that is no number", `xy-${traceId}-${spanId}-01`],
    ["more after version 00", `${parent}-more`],
    ["more without a dash", `cc-${traceId}-${spanId}-01.more`],
    ["no trace id but zeros", `00-${"0".repeat(32)}-${spanId}-01`],
    ["no span id but zeros", `00-${traceId}-${"0".repeat(16)}-01`],
    ["capitals", `00-${traceId.toUpperCase()}-${spanId}-01`],
    ["a short trace id", `00-${traceId.slice(1)}-${spanId}-01`],
    ["a long span id", `00-${traceId}-${spanId}0-01`],
    ["no flags", `00-${traceId}-${spanId}`],
    ["flags of one digit", `00-${traceId}-${spanId}-1`],
    ["a space before it", ` ${parent}`],
    ["a line's end after it", `${parent}\n`],
    ["too much of it", `cc-${traceId}-${spanId}-01-${"x".repeat(600)}`],
  ])("has none for %s", (_what, traceparent) => {
    expect(parseTraceContext(traceparent, "a=1")).toBeUndefined();
  });

  it("keeps a good parent beside a state that breaks a rule", () => {
    expect(parseTraceContext(parent, "a=1,=")).toEqual({
      traceId,
      spanId,
      sampled: true,
      random: false,
      isRemote: true,
    });
    expect(parseTraceContext(parent, "a=1 , b=2")?.traceState).toBe("a=1,b=2");
  });

  it("reads what it writes, and never throws", () => {
    fc.assert(
      fc.property(hex(32), hex(16), fc.boolean(), fc.boolean(), (traceId, spanId, sampled, random) => {
        fc.pre(!/^0+$/.test(traceId) && !/^0+$/.test(spanId));
        const { traceparent } = traceHeaders({ traceId, spanId, sampled, random });
        expect(parseTraceContext(traceparent)).toEqual({ traceId, spanId, sampled, random, isRemote: true });
      }),
    );
    fc.assert(fc.property(fc.anything(), fc.anything(), (one, other) => void parseTraceContext(one, other)));
  });
});

describe("headers", () => {
  it("are those of the context, and of the state where there is one", () => {
    expect(traceHeaders(undefined)).toEqual({});
    expect(traceHeaders({ traceId, spanId, sampled: true, traceState: "a=1" })).toEqual({
      traceparent: parent,
      tracestate: "a=1",
    });
    expect(formatTraceparent({ traceId, spanId, sampled: false, random: true })).toBe(`00-${traceId}-${spanId}-02`);
  });
});

describe("a trace state", () => {
  const many = (count: number): string => Array.from({ length: count }, (_, at) => `k${at}=v`).join(",");

  it.each([
    ["one member", "rojo=00f067aa0ba902b7", "rojo=00f067aa0ba902b7"],
    ["several headers", ["a=1", "b=2"], "a=1,b=2"],
    ["spaces and tabs around", " a=1 \t,\tb=2", "a=1,b=2"],
    ["spaces and signs inside a value", "a= 1 !#~", "a= 1 !#~"],
    ["empty members", ",a=1,,b=2,", "a=1,b=2"],
    ["a tenant's key", "fw529a3039@dt=FfAVAA", "fw529a3039@dt=FfAVAA"],
    ["a key that begins with a digit", "1a-_*/@=x", "1a-_*/@=x"],
    ["32 members", many(32), many(32)],
    ["a key of 256 characters", `${"k".repeat(256)}=v`, `${"k".repeat(256)}=v`],
    ["a value of 256 characters", `k=${"v".repeat(256)}`, `k=${"v".repeat(256)}`],
  ])("may have %s", (_what, header, expected) => {
    expect(readTraceState(header)).toBe(expected);
  });

  it.each([
    ["nothing", undefined],
    ["33 members", many(33)],
    ["a key twice", "a=1,b=2,a=3"],
    ["a capital in a key", "Foo=1"],
    ["a key that begins with a sign", "@foo=1"],
    ["a space inside a key", "foo bar=1"],
    ["no equals sign", "foo"],
    ["no key", "=1"],
    ["no value", "foo="],
    ["an equals sign in a value", "foo=bar=1"],
    ["letters that are not ASCII", "foo=bär"],
    ["a key of 257 characters", `${"k".repeat(257)}=v`],
    ["a value of 257 characters", `k=${"v".repeat(257)}`],
  ])("is left out with %s", (_what, header) => {
    expect(readTraceState(header)).toBe("");
  });

  it("is cut to 512 characters by whole members, long ones first, then from the end", () => {
    const long = `long=${"x".repeat(150)}`;
    const short = Array.from({ length: 25 }, (_, at) => `k${at}=${"y".repeat(12)}`);
    const cut = readTraceState([long, ...short].join(","));
    expect(cut).toBe(short.join(","));
    const full = readTraceState(Array.from({ length: 8 }, (_, at) => `k${at}=${"z".repeat(97)}`).join(","));
    expect(full.split(",").map((member) => member.slice(0, 2))).toEqual(["k0", "k1", "k2", "k3", "k4"]);
  });

  it("takes a member of one's own, first", () => {
    expect(withTraceState("a=1,b=2", "b", "3")).toBe("b=3,a=1");
    expect(withTraceState("", "b", "3")).toBe("b=3");
    expect(withTraceState("a=1", "B", "3")).toBe("a=1");
    expect(withTraceState(many(32), "new", "1").split(",")).toHaveLength(32);
    expect(traceStateValue("a=1,b=2", "b")).toBe("2");
    expect(traceStateValue("a=1", "b")).toBeUndefined();
  });
});
