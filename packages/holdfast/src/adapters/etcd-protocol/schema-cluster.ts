import type { FieldSpec } from "./schema.ts";

/** The messages by which etcd's Cluster and Maintenance services change something, as `schema.ts` has the others. */

export type ClusterMessageName =
  | "MemberAddRequest"
  | "MemberAddResponse"
  | "MemberRemoveRequest"
  | "MemberRemoveResponse"
  | "MemberUpdateRequest"
  | "MemberUpdateResponse"
  | "MemberPromoteRequest"
  | "MemberPromoteResponse"
  | "MoveLeaderRequest"
  | "MoveLeaderResponse"
  | "DefragmentRequest"
  | "DefragmentResponse"
  | "HashRequest"
  | "HashResponse"
  | "HashKVRequest"
  | "HashKVResponse"
  | "SnapshotRequest"
  | "SnapshotResponse";

/** Ours alone, as in MemberAddRequest: see `ifMembers`. */
const ifMembers: Readonly<Record<string, FieldSpec>> = {
  ifVoters: [1002, "uint64", "repeated"],
  ifLearners: [1003, "uint64", "repeated"],
};
const header: Readonly<Record<string, FieldSpec>> = { header: [1, "ResponseHeader"] };
const headerAndMembers: Readonly<Record<string, FieldSpec>> = { ...header, members: [2, "Member", "repeated"] };

export const clusterMessages: Readonly<Record<ClusterMessageName, Readonly<Record<string, FieldSpec>>>> = {
  MemberAddRequest: {
    peerURLs: [1, "string", "repeated"],
    isLearner: [2, "bool"],
    // Ours alone, far from what etcd may come to use: the name by which the member will find itself.
    name: [1000, "string"],
    isWitness: [1001, "bool"],
    ...ifMembers,
  },
  MemberAddResponse: { ...header, member: [2, "Member"], members: [3, "Member", "repeated"] },
  MemberRemoveRequest: { ID: [1, "uint64"], ...ifMembers },
  MemberRemoveResponse: headerAndMembers,
  MemberUpdateRequest: { ID: [1, "uint64"], peerURLs: [2, "string", "repeated"] },
  MemberUpdateResponse: headerAndMembers,
  MemberPromoteRequest: { ID: [1, "uint64"], ...ifMembers },
  MemberPromoteResponse: headerAndMembers,
  MoveLeaderRequest: { targetID: [1, "uint64"] },
  MoveLeaderResponse: header,
  DefragmentRequest: {},
  DefragmentResponse: header,
  HashRequest: {},
  HashResponse: { ...header, hash: [2, "uint32"] },
  HashKVRequest: { revision: [1, "int64"] },
  HashKVResponse: { ...header, hash: [2, "uint32"], compact_revision: [3, "int64"] },
  SnapshotRequest: {},
  SnapshotResponse: { ...header, remaining_bytes: [2, "uint64"], blob: [3, "bytes"] },
};
