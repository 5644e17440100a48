import type { Buffer } from "node:buffer";
import protobuf from "protobufjs/light.js";
import { isEnumerationName, maxMessageDepth, messages, type FieldSpec, type MessageName } from "./schema.ts";

/** A message as it stands between the wire and the model: field names of the schema, zero values where absent. */
export type WireMessage = object;

/** One message type: bytes to object and back. */
export interface WireType {
  readonly name: MessageName;
  /** @throws Error when the bytes are no such message */
  decode(bytes: Uint8Array): WireMessage;
  /** Fields that are absent or undefined are left out. */
  encode(message: WireMessage): Buffer;
  /** A message with every field at zero. */
  create(): WireMessage;
}

protobuf.Reader.recursionLimit = maxMessageDepth;
protobuf.util.recursionLimit = maxMessageDepth;

const root = new protobuf.Root();
const types = new Map<MessageName, WireType>();

for (const [name, fields] of Object.entries(messages) as [MessageName, Record<string, FieldSpec>][]) {
  const type = new protobuf.Type(name);
  for (const [field, [id, kind, repeated]] of Object.entries(fields)) {
    // An enumeration travels as its number: a value out of range must reach the check that names it.
    type.add(new protobuf.Field(field, id, isEnumerationName(kind) ? "int32" : kind, repeated));
  }
  root.add(type);
  types.set(name, {
    name,
    decode: (bytes) => type.decode(bytes),
    encode: (message) => type.encode(message).finish() as Buffer,
    create: () => type.create(),
  });
}
root.resolveAll();

export function wireType(name: MessageName): WireType {
  return types.get(name) as WireType;
}
