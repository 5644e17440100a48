/** What a value must be, told apart by what `typeof` and `Array.isArray` say. */
export type Shape =
  | "string"
  | "number"
  | "boolean"
  | "object"
  | { readonly orNull: Shape }
  | { readonly listOf: Shape }
  | { readonly fields: { readonly [name: string]: Shape } };

/** The path of the first thing that has another shape, or undefined when all is well. Fields not named are let be. */
export function misshapen(value: unknown, shape: Shape, path: string = ""): string | undefined {
  if (typeof shape === "string") {
    const fits = shape === "object" ? isRecord(value) : typeof value === shape && !Number.isNaN(value);
    return fits ? undefined : path;
  }
  if ("orNull" in shape) return value === null ? undefined : misshapen(value, shape.orNull, path);
  if ("listOf" in shape) {
    if (!Array.isArray(value)) return path;
    for (const [at, each] of value.entries()) {
      const wrong = misshapen(each, shape.listOf, `${path}[${at}]`);
      if (wrong !== undefined) return wrong;
    }
    return undefined;
  }
  if (!isRecord(value)) return path;
  for (const [name, each] of Object.entries(shape.fields)) {
    const wrong = misshapen(value[name], each, path === "" ? name : `${path}.${name}`);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
