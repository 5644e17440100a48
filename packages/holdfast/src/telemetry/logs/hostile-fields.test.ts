import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { logLine, type LogEntry } from "./log-entry.ts";
import { createLogger } from "./logger.ts";

function logging() {
  const entries: LogEntry[] = [];
  const logger = createLogger({ service: "orders", sinks: [{ write: (entry) => entries.push(entry) }] });
  const line = (fields?: object, message = "m"): LogEntry => {
    logger.info(message, fields);
    return entries.at(-1)!;
  };
  return { logger, entries, line };
}

const twenty = (error: Error): Error[] => Array.from({ length: 20 }, () => error);

/** Of a line, whatever is in it: message, fields and error, each with its own room, and what JSON adds. */
const mostOfALine = 120_000;

describe("a line is bounded, and says where it was cut", () => {
  it("an error that is reached by more ways than there are atoms", () => {
    const { line } = logging();
    let error = new Error("root");
    for (let level = 0; level < 40; level++) error = new AggregateError(twenty(error), `level ${level}`);
    const text = logLine(line({ error }));
    expect(text.length).toBeLessThan(mostOfALine);
    expect(text).toContain("[deeper]");
    expect(text).toContain("[12 more]");
  });

  it("causes nested 100 deep", () => {
    const { line } = logging();
    let error = new Error("cause 0");
    for (let at = 1; at < 100; at++) error = new Error(`cause ${at}`, { cause: error });
    let told = line({ error }).error;
    const names: string[] = [];
    for (; told !== undefined; told = told.cause) names.push(told.name === "Error" ? told.message : told.name);
    expect(names).toEqual([...Array.from({ length: 8 }, (_, at) => `cause ${99 - at}`), "[deeper]"]);
  });

  it("a cause that is its own, and one that is thrown but no error", () => {
    const { line } = logging();
    const own = new Error("own");
    own.cause = own;
    expect(line({ error: own }).error).not.toHaveProperty("cause");
    expect(line({ error: new Error("e", { cause: "text" }) }).error?.cause).toEqual({
      name: "thrown",
      message: "text",
    });
  });

  it("ten thousand texts of 8 kB each", () => {
    const { line } = logging();
    const text = "y".repeat(8_192);
    const rows = Array.from({ length: 100 }, () => Array.from({ length: 100 }, () => text));
    const entry = line({ rows, after: "seen?" });
    expect(logLine(entry).length).toBeLessThan(40_000);
    expect(JSON.stringify(entry.fields)).toContain("[96 more]");
  });

  it("an array of four thousand million holes, a map and a set of many", () => {
    const { line } = logging();
    const many = Array.from({ length: 1_000 }, (_, at) => at);
    const { fields } = line({
      holes: Object.assign([], { length: 2 ** 32 - 1 }),
      map: new Map(many.map((at) => [at, at])),
      set: new Set(many),
      object: Object.fromEntries(many.map((at) => [`n${at}`, at])),
    });
    expect((fields["holes"] as unknown[]).at(-1)).toBe(`[${2 ** 32 - 101} more]`);
    expect((fields["set"] as unknown[]).length).toBe(101);
    expect([fields["map"], fields["object"]]).toMatchObject([{ "…": "[900 more]" }, { "…": "[900 more]" }]);
  });

  it("names and whole numbers without end", () => {
    const { line } = logging();
    const { fields } = line({ ["k".repeat(1_000_000)]: 1, whole: 10n ** 5_000n, small: -5n });
    expect(fields).toEqual({ [`${"k".repeat(127)}…`]: 1, whole: "[bigint]", small: "-5" });
  });
});

describe("what is secret is not shown", () => {
  it.each([8_100, 8_150, 8_185, 8_191, 8_192])("also where a text is cut, %d characters in", (before) => {
    const { line } = logging();
    const secret = "hunter2".repeat(20);
    for (const text of [`postgres://ann:${secret}@db/x`, `Bearer ${secret}`]) {
      const whole = `${"x".repeat(before)} ${text}`;
      const { message, fields } = line({ text: whole }, whole);
      expect(message.length).toBeLessThanOrEqual(8_192);
      expect(message + JSON.stringify(fields)).not.toContain("hunter2");
    }
  });

  it("also by a name that is cut", () => {
    const { line } = logging();
    expect(JSON.stringify(line({ [`${"k".repeat(500)}token`]: "hunter2" }).fields)).not.toContain("hunter2");
  });
});

it("nothing that is logged throws: getters, proxies and errors of any kind", () => {
  const { line, logger } = logging();
  const fail = (): never => {
    throw new Error("no");
  };
  const traps = ["get", "has", "ownKeys", "getPrototypeOf", "getOwnPropertyDescriptor"] as const;
  for (const trap of traps) {
    for (const target of [{}, [1], new Error("e")]) {
      const value = new Proxy(target, { [trap]: fail });
      line({ value, error: value });
      line(value);
      line({ error: Object.assign(new Error("e"), { errors: value, cause: value }) });
    }
  }
  const { proxy, revoke } = Proxy.revocable([], {});
  revoke();
  line({ proxy, error: proxy });
  line({ error: { errors: proxy } });
  line({ tag: { get [Symbol.toStringTag]() { return fail(); } } }); // prettier-ignore
  line({ json: { toJSON: fail }, endless: { toJSON() { return { inner: this, ...this }; } } }); // prettier-ignore
  line({ [Symbol("name")]: 1, symbol: Symbol("value"), call: fail });
  expect(logger.metrics.sinkFailures).toBe(0);
  expect(line({ __proto__: null, own: 1 }).fields).toEqual({ own: 1 });
  expect(JSON.parse(logLine(line(JSON.parse('{"__proto__":{"level":"x"}}') as object)))).toMatchObject({
    level: "info",
  });
});

it("whatever is logged is a line of JSON of bounded size", () => {
  const { line } = logging();
  const anything = fc.anything({
    withBigInt: true,
    withDate: true,
    withMap: true,
    withSet: true,
    withNullPrototype: true,
    withTypedArray: true,
    withSparseArray: true,
    maxDepth: 4,
  });
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), anything, anything, (message, value, error) => {
      const text = logLine(line({ value, error }, message));
      expect(text.length).toBeLessThan(mostOfALine);
      expect(text).not.toContain("\n");
      expect(Object.keys(JSON.parse(text) as object).slice(0, 4)).toEqual(["time", "level", "service", "message"]);
    }),
    { numRuns: 60 },
  );
});
