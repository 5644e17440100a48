/** What a value must be, told apart by what `typeof` and `Array.isArray` say. */
export type Shape =
  | "string"
  | "number"
  /** One of a few words that views look up: none that every object has of itself. */
  | "word"
  /** Milliseconds since 1970 that a date can stand for. */
  | "time"
  | "boolean"
  | "object"
  | { readonly orNull: Shape }
  | { readonly listOf: Shape }
  | { readonly fields: { readonly [name: string]: Shape } };

/**
 * The path of the first thing that has another shape, or undefined when all is well. Fields not named are let be. Every
 * message goes through here: the path is put together only where something is wrong.
 */
export function misshapen(value: unknown, shape: Shape): string | undefined {
  if (typeof shape === "string") {
    return fits(value, shape) ? undefined : "";
  }
  if ("orNull" in shape) return value === null ? undefined : misshapen(value, shape.orNull);
  if ("listOf" in shape) {
    if (!Array.isArray(value)) return "";
    for (let at = 0; at < value.length; at++) {
      const wrong = misshapen(value[at], shape.listOf);
      if (wrong !== undefined) return `[${at}]${wrong}`;
    }
    return undefined;
  }
  if (!isRecord(value)) return "";
  const { fields } = shape;
  for (const name in fields) {
    const wrong = misshapen(value[name], fields[name] as Shape);
    if (wrong !== undefined) return `.${name}${wrong}`;
  }
  return undefined;
}

function fits(value: unknown, shape: Extract<Shape, string>): boolean {
  if (shape === "object") return isRecord(value);
  if (shape === "word") return typeof value === "string" && !(value in Object.prototype);
  if (shape === "number") return Number.isFinite(value);
  if (shape === "time") return Number.isFinite(value) && Math.abs(value as number) <= lastMs;
  return typeof value === shape;
}

const lastMs = 8.64e15;

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
