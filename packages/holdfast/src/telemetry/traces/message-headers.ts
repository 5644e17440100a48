import { InvalidArgumentError } from "../../errors/base.ts";
import { parseTraceContext, traceHeaders, type TraceContext } from "./trace-context.ts";

/** Headers that are asked for one by one: a Map, those of NATS, of `fetch`. */
export interface HeaderTable {
  get(name: string): unknown;
  set(name: string, value: string): unknown;
  delete(name: string): unknown;
  /** Where it is there, names are found in other spellings too. */
  keys?(): Iterable<unknown>;
}

/**
 * What goes along with a message: names and values as an object (AMQP, Kafka), a table, or a list in which each name is
 * followed by its value (the fields of a Redis stream's entry). Values are texts, or bytes of them.
 */
export type MessageHeaders = HeaderTable | Record<string, unknown> | unknown[];

const names = ["traceparent", "tracestate"] as const;
/** Longer lists and texts than any sender's are not looked through. */
const maxHeaders = 1_024;
const maxBytes = 16_384;
const decoder = new TextDecoder();

/**
 * Puts a context into the headers given, in place of one that is there, and gives them back; without a context, as they are.
 *
 * @example
 * channel.publish("orders", "placed", body, { headers: injectTrace({}, tracer.current()) });
 */
export function injectTrace<Headers extends MessageHeaders>(
  headers: Headers,
  context: TraceContext | undefined,
): Headers {
  if (!isHeaders(headers))
    throw new InvalidArgumentError("injectTrace.headers", "must be headers of a message", headers);
  if (context === undefined) return headers;
  const values = traceHeaders(context);
  for (const name of names) {
    // The state of another context must not stay, in whatever spelling.
    for (const spelling of spellings(headers, name)) remove(headers, spelling);
    const value = values[name];
    if (value !== undefined) put(headers, name, value);
  }
  return headers;
}

/** The context in headers, by the rules of `parseTraceContext`: undefined for none and for one that breaks them. Never throws. */
export function extractTrace(headers: unknown): TraceContext | undefined {
  try {
    if (!isHeaders(headers)) return undefined;
    const [parent, state] = names.map((name) => textOf(look(headers, name)));
    return parseTraceContext(parent, state);
  } catch {
    // They may be anybody's objects.
    return undefined;
  }
}

function isHeaders(headers: unknown): headers is MessageHeaders {
  return typeof headers === "object" && headers !== null;
}

function isTable(headers: MessageHeaders): headers is HeaderTable {
  return "get" in headers && typeof headers.get === "function" && "set" in headers && typeof headers.set === "function";
}

/** As it is to be spelled, or else as others have spelled it. */
function look(headers: MessageHeaders, name: string): unknown {
  const exact = valueOf(headers, name);
  if (exact !== undefined && exact !== null && exact !== "") return exact;
  const [other] = spellings(headers, name);
  return other === undefined ? undefined : valueOf(headers, other);
}

function valueOf(headers: MessageHeaders, name: string): unknown {
  if (isTable(headers)) return headers.get(name);
  if (!Array.isArray(headers)) return Object.hasOwn(headers, name) ? headers[name] : undefined;
  const at = places(headers).find((place) => textOf(headers[place]) === name);
  return at === undefined ? undefined : headers[at + 1];
}

/** All that the headers call so, in upper or lower case. */
function spellings(headers: MessageHeaders, name: string): string[] {
  return namesOf(headers).filter((one) => one.length === name.length && one.toLowerCase() === name);
}

function namesOf(headers: MessageHeaders): string[] {
  if (Array.isArray(headers)) return places(headers).flatMap((at) => textOf(headers[at]) ?? []);
  if (!isTable(headers)) return Object.keys(headers).slice(0, maxHeaders);
  const all = Array.from(headers.keys?.() ?? []);
  return all.slice(0, maxHeaders).filter((one) => typeof one === "string");
}

/** Where the names stand in a list of names and values. */
function places(list: readonly unknown[]): number[] {
  const count = Math.min(maxHeaders, Math.floor(list.length / 2));
  return Array.from({ length: count }, (_, at) => 2 * at);
}

function remove(headers: MessageHeaders, name: string): void {
  if (Array.isArray(headers)) {
    for (const at of places(headers).toReversed()) if (textOf(headers[at]) === name) headers.splice(at, 2);
  } else if (isTable(headers)) headers.delete(name);
  else delete headers[name];
}

function put(headers: MessageHeaders, name: string, value: string): void {
  if (Array.isArray(headers)) headers.push(name, value);
  else if (isTable(headers)) headers.set(name, value);
  else headers[name] = value;
}

/** Of a header that was given several times: one text, as HTTP has it. */
function textOf(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  if (value instanceof Uint8Array) return value.length > maxBytes ? undefined : decoder.decode(value);
  if (!Array.isArray(value) || value.length > maxHeaders) return undefined;
  const texts = value.map((one) => (Array.isArray(one) ? undefined : textOf(one)));
  return texts.some((text) => text === undefined) ? undefined : texts.join(",");
}
