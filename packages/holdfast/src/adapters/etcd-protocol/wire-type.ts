import { isEnumerationName, messages, type FieldSpec, type MessageName } from "./schema.ts";

/** A message as it stands between the wire and the model: field names of the schema, zero values where absent. */
export type WireMessage = object;

/** One message type: bytes to object and back. */
export interface WireType {
  readonly name: MessageName;
  /** @throws Error when the bytes are no such message */
  readonly decode: (bytes: Uint8Array) => WireMessage;
  /** Fields that are absent or undefined are left out. */
  readonly encode: (message: WireMessage) => Buffer;
  /** A message with every field at zero. */
  readonly create: () => WireMessage;
}

export type WireTypes = (name: MessageName) => WireType;

/** What is needed of protobufjs, which the caller loads: `protobufjs/light.js`, 7 or later. */
export interface ProtobufLibrary {
  readonly Root: new () => { add(type: object): unknown; resolveAll(): unknown };
  readonly Type: new (name: string) => ProtobufType;
  readonly Field: new (name: string, id: number, type: string, rule?: string) => object;
}

interface ProtobufType {
  add(field: object): unknown;
  decode(bytes: Uint8Array): object;
  encode(message: object): { finish(): Uint8Array };
  create(): object;
}

/** Makes the codecs of all messages of the schema. */
export function wireTypes(protobuf: ProtobufLibrary): WireTypes {
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
  return (name) => types.get(name) as WireType;
}
