export { enumerations, isEnumerationName, isMessageName, maxMessageDepth, messages } from "./schema.ts";
export type { EnumerationName, FieldSpec, MessageName } from "./schema.ts";
export { fromBigInt, toBigInt, toSafeInteger, toUnsignedBigInt } from "./wire-integer.ts";
export type { WireHalves, WireInteger } from "./wire-integer.ts";
export { wireTypes } from "./wire-type.ts";
export type { ProtobufLibrary, WireMessage, WireType, WireTypes } from "./wire-type.ts";
