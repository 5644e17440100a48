import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EdnError, EdnReader, parseEdn } from "./edn-reader.ts";

const read = (text: string): unknown => new EdnReader(text, true).read();

describe("EdnReader", () => {
  it.each<[string, unknown]>([
    ["nil", null],
    ["true", true],
    ["false", false],
    ["-12", -12],
    ["+7", 7],
    ["12N", 12],
    ["1.5", 1.5],
    ["1e3", 1000],
    ["2.5M", 2.5],
    ["0x1F", 31],
    ["1/3", "1/3"],
    ["9007199254740993", "9007199254740993"],
    ["9007199254740993N", "9007199254740993"],
    ["1.00000000000000000001M", "1.00000000000000000001M"],
    [":append", "append"],
    [":jepsen.core/name", "jepsen.core/name"],
    ["a-symbol.of/some*kind?", "a-symbol.of/some*kind?"],
    ["-", "-"],
    ['"a \\"text\\" \\t \\u00e9 \\101"', 'a "text" \t é A'],
    ['"two\nlines"', "two\nlines"],
    ["\\a", "a"],
    ["\\newline", "\n"],
    ["\\(", "("],
    ["\\u0041", "A"],
    ["\\o101", "A"],
    ["##NaN", "NaN"],
    ["##-Inf", "-Inf"],
    ['#"[a-z]\\\\d"', "[a-z]\\d"],
    ["[1 [2 (3)] ()]", [1, [2, [3]], []]],
    ["[1, 2,,3]", [1, 2, 3]],
    ["#{:c :a :b}", ["a", "b", "c"]],
    ['{:a 1, "b" [2], c nil, 4 5, [6] 7}', { a: 1, b: [2], c: null, 4: 5, "[6]": 7 }],
    ["{}", {}],
    ['#inst "2024-01-01T00:00:00Z"', "2024-01-01T00:00:00Z"],
    ["#jepsen.history.Op{:index 1, :f :cas}", { index: 1, f: "cas" }],
    ['#object[a.B 0x1f "text"]', ["a.B", 31, "text"]],
    ["#a #b 1", 1],
    ['^{:doc "no"} [1]', [1]],
    ["[1 #_ 2 #_ [3] #_ #_ 4 5 6]", [1, 6]],
    ["; a comment\n[1 ; another ]\n 2]", [1, 2]],
  ])("reads %s", (text, value) => {
    expect(read(text)).toEqual(value);
  });

  it("keeps an object's prototype", () => {
    const value = read("{:__proto__ {:admin true}, :constructor 1}") as Record<string, unknown>;
    expect(value["admin"]).toBeUndefined();
    expect(Object.keys(value)).toEqual(["__proto__", "constructor"]);
  });

  it.each<[string, string, number]>([
    ["[1 }", "has } where ] is missing", 3],
    ["{:a}", "has no value for the key a of a map", 1],
    ["{:a 1 :a 2}", "has the key a twice in a map", 6],
    ["12ab", 'has no number in "12ab"', 0],
    ["[1 : 2]", "has a keyword without a name", 4],
    ["\\abc", "has an unknown character \\abc", 0],
    ['"\\q"', "has an unknown escape \\q in a string", 1],
    ["#(1)", 'has an unexpected "#("', 0],
    ["[1 \0 2]", 'has an unexpected "\\u0000"', 3],
    ["]", 'has an unexpected "]"', 0],
    ["[".repeat(100_000), "is nested deeper than 100", 101],
    [`${"#_".repeat(100_000)}1`, "is nested deeper than 100", 202],
    [`${"^".repeat(100_000)}1`, "is nested deeper than 100", 101],
  ])("refuses %.20s", (text, reason, at) => {
    expect(() => read(text)).toThrow(EdnError);
    expect(() => read(text)).toThrow(expect.objectContaining({ message: reason, at, cut: false }));
  });

  it.each(["", "[1 2", "{:a", '"open', '"open\\', "\\", "#", "#tag", "#_", "; only a comment", "^{:a 1}", "##"])(
    "says that %j is cut off",
    (text) => {
      expect(() => new EdnReader(text, false).read()).toThrow(expect.objectContaining({ cut: true }));
    },
  );

  it("does not take the beginning of a name, a number or an escape for the whole", () => {
    for (const text of ["12", "nil", ":key", "\\new", '"\\u00', "#{1 2} ".trim().slice(0, 5), '"\\1']) {
      expect(() => new EdnReader(text, false).read()).toThrow(expect.objectContaining({ cut: true }));
    }
    expect(new EdnReader("12 ", false).read()).toBe(12);
  });

  it("reads one value as parseEdn, and says where it is none", () => {
    expect(parseEdn(" {:a 0} ; accounts")).toEqual({ a: 0 });
    expect(() => parseEdn("1 2")).toThrow(new SyntaxError("EDN goes on after its value, at character 3"));
    expect(() => parseEdn("[1")).toThrow(new SyntaxError("EDN ends within a value, at character 3"));
    expect(() => parseEdn("")).toThrow(SyntaxError);
  });

  it("reads whatever is written", () => {
    const { value } = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { depthSize: "small", withCrossShrink: true },
        fc.constant(null),
        fc.boolean(),
        fc.maxSafeInteger(),
        fc.string({ unit: "binary" }),
        fc.array(tie("value"), { maxLength: 4 }),
        fc.dictionary(fc.string(), tie("value"), { maxKeys: 4 }),
      ),
    }));
    fc.assert(
      fc.property(value, (it) => {
        expect(read(write(it))).toEqual(it);
      }),
      { numRuns: 300 },
    );
  });

  it("answers with a value or an EdnError, whatever the text", () => {
    const noise = fc.string({
      unit: fc.constantFrom(...Array.from("[](){}\"\\#_:^;,'`~@ \n\t0123/.+-eMNaxnilu\0é\u{1F600}")),
      maxLength: 40,
    });
    const attempt = (text: string, final: boolean): void => {
      try {
        const reader = new EdnReader(text, final);
        while (reader.peek() !== "") reader.read();
        expect(reader.at).toBe(text.length);
      } catch (error) {
        expect(error).toBeInstanceOf(EdnError);
        expect((error as EdnError).at).toBeLessThanOrEqual(text.length);
      }
    };
    fc.assert(fc.property(noise, fc.boolean(), attempt), { numRuns: 3000 });
  });
});

/** Plain EDN: what the reader is to give back. */
function write(value: unknown): string {
  if (value === null) return "nil";
  if (typeof value === "string") return writeText(value);
  if (Array.isArray(value)) return `[${value.map(write).join(" ")}]`;
  if (typeof value !== "object") return JSON.stringify(value);
  const fields = Object.entries(value as Readonly<Record<string, unknown>>);
  return `{${fields.map(([key, field]) => `${writeText(key)} ${write(field)}`).join(", ")}}`;
}

function writeText(text: string): string {
  return `"${text.replaceAll(/["\\]/g, "\\$&")}"`;
}
