import { Buffer } from "node:buffer";
import { grpcCode } from "../grpc/status-code.ts";
import {
  enumerations,
  isEnumerationName,
  isMessageName,
  maxMessageDepth,
  messages,
  type EnumerationName,
  type FieldSpec,
  type MessageName,
} from "holdfast/adapters/etcd-protocol";
import { RequestError } from "../etcd/status.ts";
import { wireType, type WireMessage } from "../etcd/wire-type.ts";
import { decodeBase64, encodeBase64 } from "./base64.ts";
import { jsonInteger, integerText } from "./json-integer.ts";

/**
 * Messages as JSON, as etcd's gateway writes and reads them: bytes in base64, 64-bit integers as strings, zero fields left
 * out, names as in the schema; on input also lowerCamel names, numbers for integers and enumerations, and null for zero.
 * Unknown fields are ignored.
 */

interface JsonField {
  readonly name: string;
  readonly camelName: string;
  readonly repeated: boolean;
  read(value: unknown, path: string, depth: number): unknown;
  /** Undefined for a zero value. */
  write(value: unknown): string | undefined;
}

const compiled = new Map<MessageName, readonly JsonField[]>();

function fieldsOf(name: MessageName): readonly JsonField[] {
  let fields = compiled.get(name);
  if (fields === undefined) {
    fields = Object.entries(messages[name]).map(([field, spec]) => compile(field, spec));
    compiled.set(name, fields);
  }
  return fields;
}

function compile(name: string, [, type, repeated]: FieldSpec): JsonField {
  return {
    name,
    camelName: name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase()),
    repeated: repeated !== undefined,
    ...codecOf(type),
  };
}

function codecOf(type: string): Pick<JsonField, "read" | "write"> {
  if (isMessageName(type)) {
    return {
      read: (value, path, depth) => readMessage(type, value, path, depth + 1),
      write: (value) => writeMessage(type, value as WireMessage),
    };
  }
  if (isEnumerationName(type)) {
    return { read: (value, path) => readEnumeration(type, value, path), write: (value) => nameOf(type, value) };
  }
  switch (type) {
    case "bytes":
      return {
        read: (value, path) => (typeof value === "string" ? decodeBase64(value, path) : refuse(path, "base64", value)),
        write: (value) => ((value as Uint8Array).length === 0 ? undefined : `"${encodeBase64(value as Uint8Array)}"`),
      };
    case "int64":
    case "uint64":
      return {
        read: (value, path) => jsonInteger(value, type) ?? refuse(path, `a whole number that fits ${type}`, value),
        write: (value) => integerText(value as number),
      };
    case "bool":
      return {
        read: (value, path) => (typeof value === "boolean" ? value : refuse(path, "true or false", value)),
        write: (value) => (value === true ? "true" : undefined),
      };
    default:
      return {
        read: (value, path) => (typeof value === "string" ? value : refuse(path, "a string", value)),
        write: (value) => (value === "" ? undefined : JSON.stringify(value)),
      };
  }
}

/** Reads a parsed document as a message. @throws RequestError naming the field, the rule and the value */
export function fromJson(name: MessageName, document: unknown): WireMessage {
  return document === null || document === undefined
    ? wireType(name).create()
    : readMessage(name, document, "the request", 0);
}

function readMessage(name: MessageName, value: unknown, path: string, depth: number): WireMessage {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return refuse(path, "a JSON object", value);
  if (depth > maxMessageDepth) return refuse(path, `nested at most ${maxMessageDepth} deep`, value);
  const source = value as Readonly<Record<string, unknown>>;
  const message = wireType(name).create() as Record<string, unknown>;
  for (const field of fieldsOf(name)) {
    const given = source[field.camelName] ?? source[field.name];
    if (given === undefined || given === null) continue;
    const fieldPath = depth === 0 ? field.name : `${path}.${field.name}`;
    if (!field.repeated) {
      message[field.name] = field.read(given, fieldPath, depth);
    } else if (Array.isArray(given)) {
      message[field.name] = given.map((item, at) => field.read(item ?? {}, `${fieldPath}[${at}]`, depth));
    } else {
      refuse(fieldPath, "an array", given);
    }
  }
  return message;
}

/** Writes a message as a JSON document without spaces. */
export function toJson(name: MessageName, message: WireMessage): string {
  return writeMessage(name, message);
}

function writeMessage(name: MessageName, message: WireMessage): string {
  const values = message as Readonly<Record<string, unknown>>;
  let members = "";
  for (const field of fieldsOf(name)) {
    const value = values[field.name];
    if (value === undefined || value === null) continue;
    const text = field.repeated ? writeArray(field, value as readonly unknown[]) : field.write(value);
    if (text === undefined) continue;
    members += members === "" ? `"${field.name}":${text}` : `,"${field.name}":${text}`;
  }
  return `{${members}}`;
}

function writeArray(field: JsonField, values: readonly unknown[]): string | undefined {
  if (values.length === 0) return undefined;
  let items = "";
  for (const value of values) items += `${items === "" ? "" : ","}${field.write(value) ?? '""'}`;
  return `[${items}]`;
}

function readEnumeration(type: EnumerationName, value: unknown, path: string): number {
  const names = enumerations[type];
  if (typeof value === "number" && Number.isInteger(value)) return value;
  const at = typeof value === "string" ? names.indexOf(value) : -1;
  return at >= 0 ? at : refuse(path, `one of ${names.join(", ")}`, value);
}

function nameOf(type: EnumerationName, value: unknown): string | undefined {
  if (value === 0) return undefined;
  const name = enumerations[type][value as number];
  return name === undefined ? String(value) : `"${name}"`;
}

function refuse(path: string, rule: string, value: unknown): never {
  const shown = Buffer.from(JSON.stringify(value) ?? "nothing").subarray(0, 80);
  throw new RequestError(grpcCode.INVALID_ARGUMENT, `${path} must be ${rule} (got ${shown.toString()})`);
}
