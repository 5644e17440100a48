import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../testing/index.ts";
import { dataValidation } from "./data-validation.ts";
import type { FetchLike } from "./health-probe.ts";
import type { JsonValue } from "./plan.ts";
import type { SqlConnection, SqlPool } from "./sql-source.ts";
import type { StepContext } from "./step-executor.ts";
import { stepContext } from "./testing/step-context.ts";

const answer =
  (status: number, body: string): FetchLike =>
  async () => ({ status, text: async () => body });

/** A database's end of the line: what it was asked, and what it says to anything that is no command. */
class Line implements SqlConnection {
  readonly asked: string[] = [];
  readonly released: (boolean | undefined)[] = [];
  answer: () => Promise<readonly object[]> = async () => [];

  async query(text: string, values: readonly unknown[] = []): Promise<{ readonly rows: readonly object[] }> {
    this.asked.push(values.length === 0 ? text : `${text} ${JSON.stringify(values)}`);
    if (/^(?:START|SET|ROLLBACK)/.test(text)) return { rows: [] };
    return { rows: await this.answer() };
  }

  release(destroy?: boolean): void {
    this.released.push(destroy);
  }
}

const poolOf = (line: Line): SqlPool => ({ totalCount: 1, connect: async () => line });

async function sql(
  line: Line,
  parameters: StepContext["parameters"],
  more: Partial<StepContext> = {},
): Promise<unknown> {
  const { run } = dataValidation({ databases: { shop: poolOf(line) }, clock: new VirtualClock() });
  return await run(stepContext({ sql: "select sum(cents) from accounts", ...parameters }, more));
}

describe("a validation of what a service says", () => {
  const body = '{"rows": [1, 2, 3], "totals": {"a/b": 12.5, "off": false}, "id": "9007199254740993"}';

  it.each<[StepContext["parameters"], JsonValue | undefined, string | undefined]>([
    [{ pointer: "/totals/a~1b", equals: 12.5 }, 12.5, undefined],
    [{ pointer: "/totals/a~1b", min: 12, max: 13 }, 12.5, undefined],
    [{ pointer: "/rows", count: 3 }, [1, 2, 3], undefined],
    [{ pointer: "/totals", equals: { off: false, "a/b": 12.5 } }, { "a/b": 12.5, off: false }, undefined],
    [{ pointer: "/id", equals: "9007199254740993" }, "9007199254740993", undefined],
    [{ pointer: "", count: 3 }, JSON.parse(body) as JsonValue, undefined],
    [{ pointer: "/rows", count: 2 }, undefined, "the value has 3 items, not 2"],
    [{ pointer: "/rows/0", count: 1 }, undefined, "the value is 1, which has no items"],
    [{ pointer: "/totals/a~1b", max: 12 }, undefined, "the value is 12.5, more than 12"],
    [{ pointer: "/totals/a~1b", min: 13 }, undefined, "the value is 12.5, less than 13"],
    [{ pointer: "/totals/off", equals: true }, undefined, "the value is false, not true"],
    [{ pointer: "/totals/off", min: 0 }, undefined, "the value is false, which is no number"],
    [{ pointer: "/totals/on", equals: true }, undefined, 'the value has nothing at "/totals/on"'],
    [{ pointer: "/toString", equals: true }, undefined, 'the value has nothing at "/toString"'],
    [{ status: 204, equals: true }, undefined, "answered 200, not 204"],
  ])("%j", async (parameters, value, message) => {
    const { run } = dataValidation({ fetch: answer(200, body) });
    const running = Promise.resolve(run(stepContext({ url: "http://a.test", ...parameters })));
    if (message === undefined) expect(await running).toEqual({ value });
    else await expect(running).rejects.toMatchObject({ message, retryable: true });
  });

  it("is no validation of what is no JSON", async () => {
    const { run } = dataValidation({ fetch: answer(200, "<p>") });
    await expect(run(stepContext({ url: "http://a.test", equals: 1 }))).rejects.toMatchObject({
      message: "the value is no JSON",
      stepErrorKind: "validation",
    });
  });
});

describe("a validation of what a database says", () => {
  it("asks in a transaction that can only read, for so long", async () => {
    const line = new Line();
    line.answer = async () => [{ sum: "700" }];
    expect(await sql(line, { values: [3, null], equals: 700, within: "1500ms" })).toEqual({ value: "700" });
    expect(line.asked).toEqual([
      "START TRANSACTION READ ONLY",
      "SET LOCAL statement_timeout = 1500",
      "select sum(cents) from accounts [3,null]",
      "ROLLBACK",
    ]);
    expect(line.released).toEqual([false]);
  });

  it.each<[readonly object[], StepContext["parameters"], string]>([
    [[], { equals: 1 }, "the value is 0 rows, not one"],
    [[{ a: 1 }, { a: 1 }], { equals: 1 }, "the value is 2 rows, not one"],
    [[{ a: 1, b: 1 }], { equals: 1 }, "the value is a row of 2 columns, not of one"],
    [[{ a: 1n }], { min: 2 }, 'the value is "1", less than 2'],
    [[{ a: null }], { equals: 0 }, "the value is null, not 0"],
    [[{ a: undefined }], { max: 0 }, "the value is null, which is no number"],
    [[{ a: "x" }], { equals: 7 }, 'the value is "x", not 7'],
  ])("refuses case %#", async (rows, parameters, message) => {
    const line = new Line();
    line.answer = async () => rows;
    await expect(sql(line, parameters)).rejects.toMatchObject({ message, stepErrorKind: "validation" });
    expect(line.released).toEqual([false]);
  });

  it("closes a pool's connection that has not answered, and gives it back after an error", async () => {
    const stuck = new Line();
    stuck.answer = () => new Promise(() => {});
    const controller = new AbortController();
    const asking = sql(stuck, { equals: 1 }, { signal: controller.signal });
    await new Promise((resolve) => setImmediate(resolve));
    controller.abort(new Error("stopped"));
    await expect(asking).rejects.toThrow("stopped");
    await new Promise((resolve) => setImmediate(resolve));
    expect(stuck.released).toEqual([true]);
    const broken = new Line();
    broken.answer = () => Promise.reject(new Error("no such table"));
    await expect(sql(broken, { equals: 1 })).rejects.toThrow("no such table");
    expect([broken.asked.at(-1), broken.released]).toEqual(["ROLLBACK", [true]]);
  });

  it("asks one connection one question after the other", async () => {
    const line = new Line();
    line.answer = () => new Promise((resolve) => setImmediate(() => resolve([{ n: 1 }])));
    const only: SqlConnection = { query: (text, values) => line.query(text, values) };
    const { run } = dataValidation({ databases: { shop: only } });
    const ask = (sql: string): unknown => run(stepContext({ sql, equals: 1 }));
    await Promise.all([ask("select 1"), ask("select 2")]);
    expect(line.asked.map((text) => text.slice(0, 8))).toEqual([
      "START TR", "SET LOCA", "select 1", "ROLLBACK", "START TR", "SET LOCA", "select 2", "ROLLBACK",
    ]); // prettier-ignore
  });
});

describe("the parameters of a validation", () => {
  const both = dataValidation({ fetch: answer(200, ""), databases: { a: new Line(), b: new Line() } });

  it.each<[StepContext["parameters"], string | undefined]>([
    [{ equals: 1 }, "must have exactly one of url, sql (got none)"],
    [{ url: "http://a.test" }, "must have at least one of equals, min, max, count"],
    [{ url: "http://a.test", values: [], equals: 1 }, "values goes with sql, not with url"],
    [{ sql: "select 1", count: 1 }, "count goes with url, not with sql"],
    [{ sql: "select 1", equals: 1 }, "must have a database, one of a, b"],
    [{ sql: "select 1", database: "a", equals: 1 }, undefined],
  ])("%j", (parameters, message) => {
    expect(both.check!(parameters)).toBe(message);
  });

  it.each(["", " ", "select 1; drop table a", "commit; select 1;"])("%j is not one statement", (sql) => {
    expect(both.parameters!["sql"]!.check!(sql)).toMatch(/^must be one statement/);
    expect(both.parameters!["sql"]!.check!("select 1;\n")).toBeUndefined();
  });
});
