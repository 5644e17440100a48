import protobuf from "protobufjs/light.js";
import { maxMessageDepth, wireTypes, type WireTypes } from "holdfast/adapters/etcd-protocol";

export type { WireMessage, WireType } from "holdfast/adapters/etcd-protocol";

protobuf.Reader.recursionLimit = maxMessageDepth;
protobuf.util.recursionLimit = maxMessageDepth;

/** The codec of one message of the protocol. */
export const wireType: WireTypes = wireTypes(protobuf);
