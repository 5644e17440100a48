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
const more = "[more]";
const maxDepth = 8;
const maxItems = 100;
const maxValues = 2_000;
const maxText = 8_192;
/** Of names and texts together, in the fields of a line and once more in its error. */
const maxCharacters = 32_768;
const maxName = 128;
const maxErrors = 8;
const maxStack = 4_096;

/** Makes of whatever is logged what JSON can say, without what nobody may see; of bounded size, and never throwing. */
export interface Redaction {
  /** Without the one of the name `except`. */
  fields(fields: object, except?: string): { readonly [name: string]: LogValue };
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

/** What has been looked at: an object may be reached by more ways than there is time or room for. */
interface Walk {
  /** What contains the value that is looked at. */
  readonly around: object[];
  values: number;
  /** That there is room for. */
  characters: number;
}

const walkFrom = (...around: object[]): Walk => ({ around, values: 0, characters: maxCharacters });
const isFull = ({ values, characters }: Walk): boolean => values >= maxValues || characters <= 0;

class Redactor implements Redaction {
  readonly #paths: readonly (readonly string[])[];
  readonly #names: RegExp;
  readonly #texts: readonly RegExp[];

  constructor(paths: readonly (readonly string[])[], names: RegExp, texts: readonly RegExp[]) {
    this.#paths = paths;
    this.#names = names;
    this.#texts = texts;
  }

  fields(fields: object, except?: string): { readonly [name: string]: LogValue } {
    try {
      const names = Object.keys(fields).filter((name) => name !== except);
      return this.#members(fields, names, names.length, this.#paths, walkFrom(fields));
    } catch {
      // A proxy that does not even tell its names.
      return { fields: "[unreadable]" };
    }
  }

  text(text: unknown): string {
    return this.#clean(text, maxText);
  }

  error(error: unknown): LoggedError {
    try {
      return this.#inner(error, walkFrom());
    } catch {
      return { name: "[unreadable]", message: "" };
    }
  }

  /** One that is inside another, or the first. */
  #inner(error: unknown, walk: Walk): LoggedError {
    if (!isObject(error)) return { name: "thrown", message: this.#text(error, walk) };
    if (walk.around.length >= maxDepth || isFull(walk)) return { name: "[deeper]", message: "" };
    walk.around.push(error);
    try {
      return this.#error(error, walk);
    } finally {
      walk.around.pop();
    }
  }

  #error(error: object, walk: Walk): LoggedError {
    walk.values++;
    const [name, message, code, stack, cause, errors] = ["name", "message", "code", "stack", "cause", "errors"].map(
      (part) => readOf(error, part),
    );
    const isNew = (other: unknown): boolean => other !== undefined && !walk.around.includes(other as object);
    return {
      name: typeof name === "string" ? name.slice(0, 64) : "thrown",
      message: this.#text(typeof message === "string" ? message : "", walk),
      ...(typeof code === "string" || typeof code === "number" ? { code: String(code).slice(0, 64) } : {}),
      ...(typeof stack === "string" ? { stack: this.#text(stack, walk, maxStack) } : {}),
      ...(isNew(cause) ? { cause: this.#inner(cause, walk) } : {}),
      ...(Array.isArray(errors) ? { errors: this.#errors(errors, isNew, walk) } : {}),
    };
  }

  #errors(errors: readonly unknown[], isNew: (error: unknown) => boolean, walk: Walk): readonly LoggedError[] {
    const told = errors
      .slice(0, maxErrors)
      .filter(isNew)
      .map((each) => this.#inner(each, walk));
    const left = errors.length - maxErrors;
    return left > 0 ? [...told, { name: `[${left} more]`, message: "" }] : told;
  }

  #value(value: unknown, paths: readonly (readonly string[])[], walk: Walk): LogValue {
    if (isFull(walk)) return more;
    walk.values++;
    switch (typeof value) {
      case "string":
        return this.#text(value, walk);
      case "boolean":
        return value;
      case "number":
        return Number.isFinite(value) ? value : String(value);
      case "bigint":
        // One of a million digits takes long to write, and nobody reads it.
        return value < largest && value > -largest ? String(value) : "[bigint]";
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
      if (isError(value)) return this.#error(value, walk) as unknown as LogValue;
      if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
      if (Array.isArray(value)) return this.#items(itemsOf(value), value.length, paths, walk);
      if (value instanceof Set) return this.#items(value, value.size, paths, walk);
      // Dates, URLs, and whatever else says how it wants to be written.
      const own = readOf(value, "toJSON");
      if (typeof own === "function") return this.#value(own.call(value), paths, walk);
      const plain = value instanceof Map ? firstOf(value) : value;
      const names = Object.keys(plain);
      const total = value instanceof Map ? value.size : names.length;
      return this.#members(plain, names, total, paths, walk);
    } catch {
      return "[unreadable]";
    } finally {
      walk.around.pop();
    }
  }

  #items(
    items: Iterable<unknown>,
    length: number,
    paths: readonly (readonly string[])[],
    walk: Walk,
  ): readonly LogValue[] {
    const told: LogValue[] = [];
    for (const item of items) {
      if (told.length >= maxItems || isFull(walk)) break;
      told.push(this.#member(String(told.length), item, paths, walk));
    }
    return told.length < length ? [...told, `[${length - told.length} more]`] : told;
  }

  #members(
    value: object,
    names: readonly string[],
    total: number,
    paths: readonly (readonly string[])[],
    walk: Walk,
  ): { [name: string]: LogValue } {
    const members: (readonly [name: string, value: LogValue])[] = [];
    for (const name of names) {
      if (members.length >= maxItems || isFull(walk)) break;
      const shown = name.length <= maxName ? name : `${name.slice(0, maxName - 1)}…`;
      walk.characters -= shown.length;
      members.push([shown, this.#member(name, readOf(value, name), paths, walk)]);
    }
    if (members.length < total) members.push(["…", `[${total - members.length} more]`]);
    return Object.fromEntries(members);
  }

  #member(name: string, value: unknown, paths: readonly (readonly string[])[], walk: Walk): LogValue {
    if (this.#names.test(name)) return censor;
    const below = paths.filter(([first]) => first === "*" || first === name).map(([, ...rest]) => rest);
    return below.some((rest) => rest.length === 0) ? censor : this.#value(value, below, walk);
  }

  /** As much as there is room for. */
  #text(text: unknown, walk: Walk, most: number = maxText): string {
    const clean = this.#clean(text, Math.max(1, Math.min(most, walk.characters)));
    walk.characters -= clean.length;
    return clean;
  }

  #clean(text: unknown, most: number): string {
    const whole = textOf(text);
    // More than is kept: what is secret must be seen whole to be known, also where it is cut.
    let clean = whole.slice(0, 2 * maxText);
    for (const each of this.#texts) clean = clean.replace(each, censor);
    return clean.length <= most && whole.length <= 2 * maxText ? clean : `${clean.slice(0, most - 1)}…`;
  }
}

const largest = 2n ** 512n;

/** Also one of another realm. */
function isError(value: object): boolean {
  return value instanceof Error || Object.prototype.toString.call(value) === "[object Error]";
}

/** By their places: an array may say how long it is, and hold nothing. */
function* itemsOf(array: readonly unknown[]): Iterable<unknown> {
  for (let at = 0; at < array.length; at++) yield readOf(array, String(at));
}

/** As many as are shown. */
function firstOf(map: ReadonlyMap<unknown, unknown>): object {
  const members: (readonly [name: string, value: unknown])[] = [];
  for (const [name, value] of map) {
    if (members.length >= maxItems) break;
    members.push([textOf(name), value]);
  }
  return Object.fromEntries(members);
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
