import type { JsonValue } from "./plan.ts";
import { isObject, join } from "./plan-shape.ts";

/** What a text of a plan refers to: `${parameters.region}`, `${steps.dump.output.file}`. */
export type Reference =
  | { readonly kind: "parameter"; readonly name: string }
  | { readonly kind: "output"; readonly step: string; readonly fields: readonly string[] };

/** A reference, or a text that wants to be one, and where it stands. */
export interface FoundReference {
  readonly path: string;
  readonly source: string;
  /** Undefined when it is written wrongly. */
  readonly reference: Reference | undefined;
  /** It is the whole text, so that it stands for the value itself and not for its text. */
  readonly whole: boolean;
}

const pattern = /\$\$\{|\$\{([^}]*)\}?/g;

function readReference(source: string): Reference | undefined {
  const parts = source.trim().split(".");
  const [root, name = "", ...rest] = parts;
  if (parts.includes("")) return undefined;
  // Names of parameters and steps may have dots in them, where they are the whole rest or stand before `output`.
  if (root === "parameters" && name !== "") return { kind: "parameter", name: [name, ...rest].join(".") };
  const at = rest.indexOf("output");
  if (root !== "steps" || name === "" || at < 0) return undefined;
  return { kind: "output", step: [name, ...rest.slice(0, at)].join("."), fields: rest.slice(at + 1) };
}

/** All references in a value, however deep, with the path to each. */
export function findReferences(value: JsonValue, path: string): FoundReference[] {
  if (typeof value === "string") {
    return [...value.matchAll(pattern)].flatMap(([found, source]) =>
      source === undefined
        ? []
        : [
            {
              path,
              source: found,
              reference: found.endsWith("}") ? readReference(source) : undefined,
              whole: found === value,
            },
          ],
    );
  }
  if (Array.isArray(value)) {
    return (value as readonly JsonValue[]).flatMap((each, at) => findReferences(each, `${path}[${at}]`));
  }
  if (isObject(value)) {
    return Object.entries(value).flatMap(([name, each]) => findReferences(each, join(path, name)));
  }
  return [];
}

/** What references stand for, at the time. */
export interface ReferenceValues {
  readonly parameters: { readonly [name: string]: JsonValue };
  /** The outputs of completed steps. */
  readonly outputs: ReadonlyMap<string, JsonValue>;
}

/**
 * The value with everything it refers to. A text that is one reference becomes what it refers to; in a longer text
 * stands its text, or its JSON.
 *
 * @throws Error for a field that an output does not have
 */
export function resolveReferences(value: JsonValue, values: ReferenceValues): JsonValue {
  if (typeof value === "string") return resolveText(value, values);
  if (Array.isArray(value)) return (value as readonly JsonValue[]).map((each) => resolveReferences(each, values));
  if (isObject(value)) {
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, resolveReferences(each, values)]));
  }
  return value;
}

function resolveText(text: string, values: ReferenceValues): JsonValue {
  if (!text.includes("${")) return text;
  const [only] = findReferences(text, "");
  if (only?.whole === true) return lookUp(only.source.slice(2, -1), values);
  return text.replaceAll(pattern, (_, source: string | undefined) => {
    if (source === undefined) return "${";
    const found = lookUp(source, values);
    return typeof found === "string" ? found : JSON.stringify(found);
  });
}

function lookUp(source: string, { parameters, outputs }: ReferenceValues): JsonValue {
  const reference = readReference(source);
  if (reference?.kind === "parameter" && Object.hasOwn(parameters, reference.name)) return parameters[reference.name]!;
  if (reference?.kind === "output" && outputs.has(reference.step)) {
    let value: unknown = outputs.get(reference.step);
    for (const field of reference.fields) {
      const isThere = typeof value === "object" && value !== null && Object.hasOwn(value, field);
      if (!isThere) throw new Error(`\${${source}} is not there: the output has no ${JSON.stringify(field)}`);
      value = (value as Record<string, unknown>)[field];
    }
    return value as JsonValue;
  }
  throw new Error(`\${${source}} is not there`);
}
