import { checkFunction, checkOptionNames, InvalidArgumentError } from "../../errors/base.ts";
import { systemClock, type Clock } from "../../runtime/system.ts";
import { sameAnswer } from "../same-answer.ts";
import { get, isHttpUrl, type FetchLike } from "./health-probe.ts";
import { pointerRule, valueAt } from "./json-pointer.ts";
import { exactlyOne } from "./parameter-rule.ts";
import type { JsonValue } from "./plan.ts";
import { shown } from "./plan-error.ts";
import { durationMs, isObject } from "./plan-shape.ts";
import { readRows, type SqlSource } from "./sql-source.ts";
import type { StepContext, StepExecutor } from "./step-executor.ts";
import { StepFailure } from "./step-failure.ts";
import { withinLimit } from "./time-limit.ts";

export interface DataValidationOptions {
  /** For steps with a `url`. */
  readonly fetch?: FetchLike;
  /** For steps with `sql`: PostgreSQL databases by the names that `database` chooses from. */
  readonly databases?: Readonly<Record<string, SqlSource>>;
  readonly clock?: Clock;
}

const claims = ["equals", "min", "max", "count"];
const defaultWithin = "30s";

/**
 * Steps of the type `data-validation`: what a database or a service says must be so. It reads only: SQL runs in a
 * transaction that cannot write. Fails with the kind `validation`, and may be tried again by the step's `retry`.
 *
 * - `sql` with `values`, of `database` (needed where there are several): one row with one column
 * - `url` with `status` (default any of 200 to 299): the JSON of a GET, at the JSON `pointer` (default all of it)
 *
 * The value must be `equals`, at least `min`, at most `max`, or have `count` items (of a list, or fields of an object).
 * `within` bounds one try (default 30s).
 *
 * @example
 * dataValidation({ fetch, databases: { shop: new pg.Pool() } });
 */
export function dataValidation(options: DataValidationOptions): StepExecutor {
  checkOptionNames("dataValidation", options, ["fetch", "databases", "clock"]);
  const { fetch, databases = {}, clock = systemClock } = options;
  checkFunction("dataValidation.fetch", fetch);
  const names = Object.keys(databases);
  if (fetch === undefined && names.length === 0) {
    throw new InvalidArgumentError("dataValidation", "must have fetch or databases", options);
  }
  const choices = {
    ...(fetch === undefined ? {} : { url: ["status", "pointer", "count"] }),
    ...(names.length === 0 ? {} : { sql: ["database", "values"] }),
  };
  const oneSource = exactlyOne(choices);

  async function read(context: StepContext, signal: AbortSignal): Promise<JsonValue> {
    const { parameters } = context;
    const { url, sql, database = names[0], values = [], within, status, pointer } = parameters;
    if (typeof url === "string") {
      const { body } = await get(fetch!, url, { status, signal });
      return valueIn(body, (pointer ?? "") as string);
    }
    const question = { text: sql as string, values: values as readonly unknown[] };
    const limits = { timeoutMs: durationMs((within ?? defaultWithin) as string), signal };
    return onlyValue(await readRows(databases[database as string]!, question, limits));
  }

  return {
    type: "data-validation",
    parameters: {
      url: { type: "text", check: (url) => (isHttpUrl(url) ? undefined : "must be an http or https URL") },
      status: { type: "number" },
      pointer: { type: "text", check: pointerRule },
      sql: { type: "text", check: statementRule },
      database: {
        type: "text",
        check: (name) => (names.includes(name as string) ? undefined : `must be one of ${names.join(", ") || "none"}`),
      },
      values: { type: "list" },
      equals: { type: "any" },
      min: { type: "number" },
      max: { type: "number" },
      count: { type: "number" },
      within: { type: "duration" },
    },
    check(given) {
      const wrong = oneSource(given);
      if (wrong !== undefined) return wrong;
      if (!claims.some((claim) => Object.hasOwn(given, claim))) return `must have at least one of ${claims.join(", ")}`;
      const isOpen = Object.hasOwn(given, "sql") && names.length > 1 && !Object.hasOwn(given, "database");
      return isOpen ? `must have a database, one of ${names.join(", ")}` : undefined;
    },
    outputs: ["value"],
    changes: false,
    errorKind: "validation",
    async run(context) {
      const { parameters, signal } = context;
      const bounded = { parameters: { ...parameters, within: parameters["within"] ?? defaultWithin }, signal };
      const value = await withinLimit(bounded, clock, (signal) => read(context, signal));
      const broken = brokenClaim(value, parameters);
      if (broken !== undefined) throw notSo(broken);
      return { value };
    },
  };
}

/** A second statement could end the transaction that cannot write. */
function statementRule(sql: JsonValue): string | undefined {
  const fits = typeof sql === "string" && /^[^;]*[^;\s][^;]*;?\s*$/.test(sql);
  return fits ? undefined : "must be one statement, without ; in it (give texts by values)";
}

/** What is not as it must be, or undefined. */
function brokenClaim(value: JsonValue, { equals, min, max, count }: StepContext["parameters"]): string | undefined {
  if (equals !== undefined && !isEqual(value, equals)) return `is ${shown(value)}, not ${shown(equals)}`;
  if (min !== undefined || max !== undefined) {
    const number = numberOf(value);
    if (number === undefined) return `is ${shown(value)}, which is no number`;
    if (min !== undefined && number < (min as number)) return `is ${shown(value)}, less than ${shown(min)}`;
    if (max !== undefined && number > (max as number)) return `is ${shown(value)}, more than ${shown(max)}`;
  }
  if (count === undefined) return undefined;
  const items = Array.isArray(value) ? value.length : isObject(value) ? Object.keys(value).length : undefined;
  if (items === undefined) return `is ${shown(value)}, which has no items`;
  return items === count ? undefined : `has ${items} items, not ${shown(count)}`;
}

/** PostgreSQL's integers of 64 bits and its decimals come as texts. */
function isEqual(value: JsonValue, wanted: JsonValue): boolean {
  if (typeof value === "string" && typeof wanted === "number") return numberOf(value) === wanted;
  return sameAnswer(value, wanted);
}

function numberOf(value: JsonValue): number | undefined {
  if (typeof value === "number") return value;
  const isNumeral = typeof value === "string" && /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(value);
  return isNumeral ? Number(value) : undefined;
}

function valueIn(body: string, pointer: string): JsonValue {
  let document: JsonValue;
  try {
    document = JSON.parse(body) as JsonValue;
  } catch (cause) {
    throw notSo("is no JSON", cause);
  }
  const value = valueAt(document, pointer);
  if (value === undefined) throw notSo(`has nothing at ${JSON.stringify(pointer)}`);
  return value;
}

function onlyValue(rows: readonly object[]): JsonValue {
  const [row] = rows;
  if (row === undefined || rows.length > 1) throw notSo(`is ${rows.length} rows, not one`);
  const values = Object.values(row) as readonly unknown[];
  if (values.length !== 1) throw notSo(`is a row of ${values.length} columns, not of one`);
  return asJson(values[0]);
}

/** As a step's output can have it. */
function asJson(value: unknown): JsonValue {
  if (typeof value === "bigint") return String(value);
  if (typeof value === "number" && !Number.isFinite(value)) return String(value);
  return (JSON.parse(JSON.stringify(value) ?? "null") ?? null) as JsonValue;
}

function notSo(what: string, cause?: unknown): StepFailure {
  // It may become so: data that is still on its way.
  return new StepFailure("validation", `the value ${what}`, { retryable: true, cause });
}
