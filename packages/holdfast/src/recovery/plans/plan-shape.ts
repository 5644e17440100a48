import { shown, type Problems } from "./plan-error.ts";

export type JsonSchema = Readonly<Record<string, unknown>>;

/** What a part of a document must look like: one rule for the check and for the published schema. */
export interface Shape {
  readonly schema: JsonSchema;
  /** Tells what is wrong; nothing for what fits. */
  check(value: unknown, path: string, problems: Problems): void;
}

const durationPattern: RegExp = /^(\d{1,9}(?:\.\d{1,6})?)(ms|s|m|h)$/;
const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
const longestMs = 30 * 24 * 3_600_000;

/** Milliseconds of `250ms`, `1.5s`, `2m`, `1h`; NaN for anything else. */
export function durationMs(text: string): number {
  const [, digits = "", unit = ""] = durationPattern.exec(text) ?? [];
  return Number(digits) * (unitMs[unit] ?? Number.NaN);
}

function simple(schema: JsonSchema, rule: string, fits: (value: unknown) => boolean): Shape {
  return {
    schema,
    check(value, path, problems) {
      if (!fits(value)) problems.add(path, `${rule} (got ${shown(value)})`);
    },
  };
}

export function text(maxLength: number): Shape {
  return simple(
    { type: "string", maxLength },
    `must be text of at most ${maxLength} characters`,
    (value) => typeof value === "string" && value.length <= maxLength,
  );
}

/** As the ids of plans and steps. */
export const namePattern: RegExp = /^[\w.-]{1,64}$/;

export const nameShape: Shape = simple(
  { type: "string", pattern: namePattern.source },
  "must be 1 to 64 letters, digits, _, . and -",
  (value) => typeof value === "string" && namePattern.test(value),
);

export function integer(least: number, most: number): Shape {
  return simple(
    { type: "integer", minimum: least, maximum: most },
    `must be an integer >= ${least} and <= ${most}`,
    (value) => Number.isInteger(value) && (value as number) >= least && (value as number) <= most,
  );
}

export function number(least: number, most: number): Shape {
  return simple(
    { type: "number", minimum: least, maximum: most },
    `must be a number >= ${least} and <= ${most}`,
    (value) => typeof value === "number" && value >= least && value <= most,
  );
}

/** More than nothing; a number alone has no unit and is refused. */
export const duration: Shape = simple(
  { type: "string", pattern: durationPattern.source },
  "must be a duration with a unit like 500ms, 30s, 5m or 1h, of at most 720h",
  (value) => {
    const ms = typeof value === "string" ? durationMs(value) : Number.NaN;
    return ms > 0 && ms <= longestMs;
  },
);

export function oneOf(words: readonly string[]): Shape {
  return simple({ enum: words }, `must be ${words.join(", ")}`, (value) => words.includes(value as string));
}

/** Whatever JSON can say. */
export const anything: Shape = {
  schema: {},
  check(value, path, problems) {
    if (!isJson(value, 0)) problems.add(path, `must be what JSON can say (got ${shown(value)})`);
  },
};

const maxDepth = 32;

function isJson(value: unknown, depth: number): boolean {
  if (value === null || typeof value === "string" || typeof value === "boolean") return true;
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value !== "object" || depth >= maxDepth) return false;
  if (Array.isArray(value)) return value.every((each) => isJson(each, depth + 1));
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return false;
  return Object.values(value).every((each) => isJson(each, depth + 1));
}

export function list(item: Shape, least: number, most: number): Shape {
  return {
    schema: { type: "array", items: item.schema, ...(least > 0 ? { minItems: least } : {}), maxItems: most },
    check(value, path, problems) {
      if (!Array.isArray(value) || value.length < least || value.length > most) {
        problems.add(path, `must be a list of ${least > 0 ? `${least} to` : "at most"} ${most} (got ${shown(value)})`);
        return;
      }
      for (const [at, each] of value.entries()) item.check(each, `${path}[${at}]`, problems);
    },
  };
}

/** Any names, each with the same kind of value. */
export function record(item: Shape): Shape {
  return {
    schema: { type: "object", propertyNames: nameShape.schema, additionalProperties: item.schema },
    check(value, path, problems) {
      if (!isObject(value)) {
        problems.add(path, `must be an object (got ${shown(value)})`);
        return;
      }
      for (const [name, each] of Object.entries(value)) {
        if (!namePattern.test(name)) problems.add(path, `the name ${shown(name)} ${nameRule}`);
        else item.check(each, join(path, name), problems);
      }
    },
  };
}

const nameRule = "must be 1 to 64 letters, digits, _, . and -";

/** Known names only. */
export function object(fields: Readonly<Record<string, Shape>>, required: readonly string[]): Shape {
  const names = Object.keys(fields);
  return {
    schema: {
      type: "object",
      properties: Object.fromEntries(Object.entries(fields).map(([name, shape]) => [name, shape.schema])),
      ...(required.length > 0 ? { required } : {}),
      additionalProperties: false,
    },
    check(value, path, problems) {
      if (!isObject(value)) {
        problems.add(path, `must be an object (got ${shown(value)})`);
        return;
      }
      for (const [name, each] of Object.entries(value)) {
        const shape = Object.hasOwn(fields, name) ? fields[name] : undefined;
        if (shape === undefined) problems.add(join(path, name), `is no field; there are ${names.join(", ")}`);
        else if (each !== undefined) shape.check(each, join(path, name), problems);
      }
      for (const name of required) if (value[name] === undefined) problems.add(join(path, name), "is missing");
    },
  };
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function join(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}
