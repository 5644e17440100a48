import { checkOptionNames, InvalidArgumentError } from "../../errors/base.ts";
import type { LoggedError, LogValue } from "./log-entry.ts";

export interface RedactionOptions {
  /**
   * Fields whose values never leave the process, by path: `user.card`, `headers.*.value`, `orders[*].iban`; `*` is any one
   * name or index.
   */
  readonly paths?: readonly string[];
  /** Names of such fields, wherever they are. Default: what passwords, tokens, keys and cookies are usually called. */
  readonly names?: RegExp;
  /** What is taken out of texts, messages of errors included; global expressions. Default: bearer tokens, and passwords in URLs. */
  readonly texts?: readonly RegExp[];
}

export const redactionDefaults: { readonly names: RegExp; readonly texts: readonly RegExp[] } = {
  names: /pass(word|wd|phrase)?$|secret|token$|^authorization$|cookie|api[-_]?key|private[-_]?key|credential/i,
  texts: [/(?<=\bBearer )[\w.~+/=-]+/gi, /(?<=:\/\/[^\s/:@]*:)[^\s/:@]+(?=@)/g],
};

const censor = "[redacted]";
const maxDepth = 8;
const maxItems = 100;
const maxValues = 2_000;
const maxText = 8_192;
const maxErrors = 8;
const maxStack = 4_096;

/** Makes of whatever is logged what JSON can say, without what nobody may see; of bounded size, and never throwing. */
export interface Redaction {
  fields(fields: object): { readonly [name: string]: LogValue };
  text(text: unknown): string;
  error(error: unknown): LoggedError;
}

/** @throws InvalidArgumentError naming the option and its rule */
export function createRedaction(options: RedactionOptions = {}): Redaction {
  checkOptionNames("redact", options, ["paths", "names", "texts"]);
  const { paths = [], names = redactionDefaults.names, texts = redactionDefaults.texts } = options;
  if (!(names instanceof RegExp)) throw new InvalidArgumentError("redact.names", "must be a regular expression", names);
  for (const [at, each] of texts.entries()) {
    if (each instanceof RegExp && each.global) continue;
    throw new InvalidArgumentError(`redact.texts[${at}]`, "must be a global regular expression", each);
  }
  return new Redactor(paths.map(parsePath), new RegExp(names.source, names.flags.replace(/[gy]/g, "")), texts);
}

function parsePath(path: string, at: number): readonly string[] {
  const parts = typeof path === "string" ? path.replaceAll(/\[(\*|\d+)\]/g, ".$1").split(".") : [];
  if (parts.length > 0 && !parts.includes("")) return parts;
  throw new InvalidArgumentError(`redact.paths[${at}]`, "must be names with dots between them", path);
}

interface Walk {
  /** What contains the value that is looked at. */
  readonly around: object[];
  values: number;
}

class Redactor implements Redaction {
  readonly #paths: readonly (readonly string[])[];
  readonly #names: RegExp;
  readonly #texts: readonly RegExp[];

  constructor(paths: readonly (readonly string[])[], names: RegExp, texts: readonly RegExp[]) {
    this.#paths = paths;
    this.#names = names;
    this.#texts = texts;
  }

  fields(fields: object): { readonly [name: string]: LogValue } {
    try {
      return this.#members(fields, this.#paths, { around: [fields], values: 0 });
    } catch {
      // A proxy that does not even tell its names.
      return { fields: "[unreadable]" };
    }
  }

  text(text: unknown): string {
    const whole = textOf(text);
    let clean = whole.length <= maxText ? whole : `${whole.slice(0, maxText - 1)}…`;
    for (const each of this.#texts) clean = clean.replace(each, censor);
    return clean;
  }

  error(error: unknown): LoggedError {
    return this.#error(error, []);
  }

  #error(error: unknown, around: readonly unknown[]): LoggedError {
    if (!isObject(error)) return { name: "thrown", message: this.text(error) };
    const read = (name: string): unknown => readOf(error, name);
    const [name, message, code, stack, cause, errors] = ["name", "message", "code", "stack", "cause", "errors"].map(
      read,
    );
    const inside = [...around, error];
    const isNew = (other: unknown): boolean =>
      other !== undefined && inside.length < maxDepth && !inside.includes(other);
    return {
      name: typeof name === "string" ? name.slice(0, 64) : "thrown",
      message: this.text(typeof message === "string" ? message : ""),
      ...(typeof code === "string" || typeof code === "number" ? { code: String(code).slice(0, 64) } : {}),
      ...(typeof stack === "string" ? { stack: this.text(stack).slice(0, maxStack) } : {}),
      ...(isNew(cause) ? { cause: this.#error(cause, inside) } : {}),
      ...(Array.isArray(errors)
        ? {
            errors: errors
              .filter(isNew)
              .slice(0, maxErrors)
              .map((each) => this.#error(each, inside)),
          }
        : {}),
    };
  }

  #value(value: unknown, paths: readonly (readonly string[])[], walk: Walk): LogValue {
    if (++walk.values > maxValues) return "[more]";
    switch (typeof value) {
      case "string":
        return this.text(value);
      case "boolean":
        return value;
      case "number":
        return Number.isFinite(value) ? value : String(value);
      case "bigint":
        return String(value);
      case "undefined":
        return null;
      case "object":
        return value === null ? null : this.#object(value, paths, walk);
      default:
        return `[${typeof value}]`;
    }
  }

  #object(value: object, paths: readonly (readonly string[])[], walk: Walk): LogValue {
    if (walk.around.includes(value)) return "[circular]";
    if (walk.around.length >= maxDepth) return "[deeper]";
    walk.around.push(value);
    try {
      if (value instanceof Error) return this.#error(value, []) as unknown as LogValue;
      if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
      if (Array.isArray(value) || value instanceof Set) {
        const items = [...value].slice(0, maxItems);
        const all = items.map((item, at) => this.#member(String(at), item, paths, walk));
        const left = (Array.isArray(value) ? value.length : value.size) - items.length;
        return left > 0 ? [...all, `[${left} more]`] : all;
      }
      // Dates, URLs, and whatever else says how it wants to be written.
      const own = readOf(value, "toJSON");
      if (typeof own === "function") return this.#value(own.call(value), paths, walk);
      return this.#members(value instanceof Map ? Object.fromEntries(value) : value, paths, walk);
    } catch {
      return "[unreadable]";
    } finally {
      walk.around.pop();
    }
  }

  #members(value: object, paths: readonly (readonly string[])[], walk: Walk): { [name: string]: LogValue } {
    const names = Object.keys(value);
    const members = names
      .slice(0, maxItems)
      .map((name) => [name, this.#member(name, readOf(value, name), paths, walk)] as const);
    if (names.length > maxItems) members.push(["…", `[${names.length - maxItems} more]`]);
    return Object.fromEntries(members);
  }

  #member(name: string, value: unknown, paths: readonly (readonly string[])[], walk: Walk): LogValue {
    if (this.#names.test(name)) return censor;
    const below = paths.filter(([first]) => first === "*" || first === name).map(([, ...rest]) => rest);
    return below.some((rest) => rest.length === 0) ? censor : this.#value(value, below, walk);
  }
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/** A getter may throw, and a proxy may do anything. */
export function readOf(value: object, name: string): unknown {
  try {
    return (value as Record<string, unknown>)[name];
  } catch {
    return "[unreadable]";
  }
}

function textOf(value: unknown): string {
  try {
    return String(value);
  } catch {
    return "[unreadable]";
  }
}
