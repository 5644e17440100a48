import type { ByteReader, ByteWriter } from "../../wire/index.ts";
import type { NodeId } from "../entry.ts";
import { ForeignDirectoryError } from "./log-error.ts";

/** Whose files these are; every one of them carries it. */
export interface LogIdentity {
  /** 64 bits, drawn when the cluster is made. */
  readonly clusterId: bigint;
  readonly nodeId: NodeId;
}

export function writeIdentity(writer: ByteWriter, identity: LogIdentity): void {
  writer.bigU64(identity.clusterId);
  writer.u64(identity.nodeId);
}

export function readIdentity(reader: ByteReader): LogIdentity {
  return { clusterId: reader.bigU64("clusterId"), nodeId: reader.u64("nodeId") };
}

/** @throws ForeignDirectoryError when the identities differ */
export function requireIdentity(file: string, found: LogIdentity, expected: LogIdentity): void {
  if (found.clusterId !== expected.clusterId || found.nodeId !== expected.nodeId) {
    throw new ForeignDirectoryError(file, found, expected);
  }
}
