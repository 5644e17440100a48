import { describe, expect, it } from "vitest";
import { pointerNames, pointerRule, valueAt, withValueAt } from "./json-pointer.ts";
import type { JsonValue } from "./plan.ts";

const document: JsonValue = { foo: ["bar", "baz"], "": 0, "a/b": 1, "m~n": 8, o: { p: null } };

describe("a JSON pointer", () => {
  // Of RFC 6901, section 5, as far as these go.
  it.each<[string, JsonValue | undefined]>([
    ["", document],
    ["/foo", ["bar", "baz"]],
    ["/foo/0", "bar"],
    ["/", 0],
    ["/a~1b", 1],
    ["/m~0n", 8],
    ["/o/p", null],
    ["/foo/2", undefined],
    ["/foo/01", undefined],
    ["/foo/length", undefined],
    ["/o/constructor", undefined],
    ["/o/p/q", undefined],
  ])("%j", (pointer, value) => {
    expect(valueAt(document, pointer)).toEqual(value);
  });

  it.each(["a", "/~2", "/~"])("%j is none", (pointer) => {
    expect(pointerNames(pointer)).toBeUndefined();
    expect(pointerRule(pointer)).toMatch(/^must be a JSON pointer/);
  });

  it.each<[string, JsonValue]>([
    ["/foo/1", { foo: ["bar", 7] }],
    ["/foo/-", { foo: ["bar", "baz", 7] }],
    ["/foo/2", { foo: ["bar", "baz", 7] }],
    ["/new", { new: 7 }],
    ["/o/new", { o: { p: null, new: 7 } }],
  ])("puts a value at %j, and changes nothing else", (pointer, change) => {
    const before = structuredClone(document);
    expect(withValueAt(document, pointer, 7)).toEqual({ ...(document as object), ...(change as object) });
    expect(document).toEqual(before);
  });

  it("may put a field of any name", () => {
    const changed = withValueAt({}, "/__proto__", 7) as object;
    expect(JSON.stringify(changed)).toBe('{"__proto__":7}');
  });

  it.each(["/foo/3", "/foo/x", "/none/a", "/o/p/q", "/foo/0/a"])("has no place at %j", (pointer) => {
    expect(() => withValueAt(document, pointer, 7)).toThrow(RangeError);
  });
});
