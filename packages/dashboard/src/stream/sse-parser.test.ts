import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { eventParser } from "./sse-parser.ts";

describe("server-sent events", () => {
  it("have data of several lines, names, ids that stay, and a time to come back after", () => {
    const parser = eventParser();
    const events = parser.push("retry: 750\nid: a-1\nevent: hello\ndata: one\ndata:two\n\n: a comment\ndata\n\n");
    expect(events).toEqual([
      { name: "hello", data: "one\ntwo" },
      { name: "message", data: "" },
    ]);
    expect(parser).toMatchObject({ lastId: "a-1", retryMs: 750 });
  });

  it("that do not end are no events", () => {
    const parser = eventParser("from-before");
    expect(parser.push("id: next\ndata: half")).toEqual([]);
    expect(parser.lastId).toBe("from-before");
    expect(parser.push("\n\n")).toEqual([{ name: "message", data: "half" }]);
    expect(parser.lastId).toBe("next");
  });

  it("without an end are refused before they fill the memory", () => {
    const parser = eventParser("", 1_000);
    parser.push(`data: ${"x".repeat(900)}\n`);
    expect(() => parser.push(`data: ${"x".repeat(200)}`)).toThrow("more than 1000 characters");
    const flooded = eventParser("", 1_000);
    expect(() => flooded.push("data\n".repeat(1_001))).toThrow("more than 1000 characters");
  });

  it("are the same however the network cuts them, with any ends of lines", () => {
    const text = '\uFEFFid: 1\r\ndata: {"a":1}\r\n\r\ndata: x\rdata: y\r\revent: e\ndata: z\n\n';
    const whole = eventParser().push(text);
    expect(whole).toHaveLength(3);
    fc.assert(
      fc.property(fc.array(fc.nat(text.length), { maxLength: 12 }), (cuts) => {
        const parser = eventParser();
        const places = [0, ...cuts.toSorted((a, b) => a - b), text.length];
        const events = places.slice(1).flatMap((to, at) => parser.push(text.slice(places[at], to)));
        expect(events).toEqual(whole);
      }),
    );
  });
});
