import type * as Grpc from "@grpc/grpc-js";
import { wireTypes, type WireTypes } from "../etcd-protocol/index.ts";

/** The two packages that this adapter works with. */
export interface EtcdLibrary {
  readonly grpc: typeof Grpc;
  readonly types: WireTypes;
}

let loading: Promise<EtcdLibrary> | undefined;

/** Loaded with the first request of the process. @throws Error when `@grpc/grpc-js` or `protobufjs` is not installed */
export function loadEtcdLibrary(): Promise<EtcdLibrary> {
  loading ??= load();
  return loading;
}

async function load(): Promise<EtcdLibrary> {
  const [grpc, protobuf] = await Promise.all([import("@grpc/grpc-js"), import("protobufjs/light.js")]);
  return { grpc, types: wireTypes(protobuf.default) };
}
