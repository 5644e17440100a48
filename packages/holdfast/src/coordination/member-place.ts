import {
  configurationOf,
  emptyConfiguration,
  formatAddress,
  type Configuration,
  type NodeId,
} from "../consensus/index.ts";
import { InvalidArgumentError } from "../errors/base.ts";
import type { Address } from "../runtime/index.ts";
import type { MemberInfo } from "./coordination.ts";
import { checkCluster, clusterId, memberId, type InitialCluster } from "./member-identity.ts";
import { formatPeerUrl } from "./cluster/peer-url.ts";

/** A cluster that runs, as it is known to a member that was added to it and has not run yet. */
export interface JoinedCluster {
  readonly clusterId: bigint;
  /** The id that the new member was given. */
  readonly memberId: bigint;
  /** Everybody, the new member among them. */
  readonly members: readonly JoinedMember[];
}

export interface JoinedMember {
  readonly id: bigint;
  /** Empty for one that has not told its name yet. */
  readonly name: string;
  readonly peer: Address;
  /** As it was added. Default false. */
  readonly isWitness?: boolean;
}

/** Which member this is, of which cluster, and whom it knows at the start. */
export interface MemberPlace {
  readonly id: NodeId;
  readonly clusterId: bigint;
  /** It votes and holds no state. */
  readonly isWitness: boolean;
  /** Where the others reach it. */
  readonly advertise: Address;
  readonly members: readonly MemberInfo[];
  readonly peers: ReadonlyMap<NodeId, Address>;
  /** What an empty directory starts with. */
  readonly configuration: Configuration;
}

/**
 * The cluster as it began, if its members are still those. A member of it that has not run yet must start with them: the
 * log, which tells those that join later, does not say who was there at the beginning.
 */
export function foundingCluster(joined: JoinedCluster, name: string): InitialCluster | undefined {
  const members = joined.members.map((member) => ({
    name: member.name,
    peer: member.peer,
    ...(member.isWitness === true ? { isWitness: true } : {}),
  }));
  const cluster = { name, members };
  const isFounded = joined.members.every((member) => member.id === BigInt(memberId(cluster, member.name)));
  return isFounded && clusterId(cluster) === joined.clusterId ? cluster : undefined;
}

/** A member of a new cluster, or one of those that made it. @throws InvalidArgumentError */
export function initialPlace(cluster: InitialCluster, self: string): MemberPlace {
  checkCluster(cluster, self);
  const idOf = (name: string): number => memberId(cluster, name);
  const members = cluster.members.map((member) => ({ ...member, id: BigInt(idOf(member.name)) }));
  const place = placeOf(members, BigInt(idOf(self)), clusterId(cluster));
  const addresses = new Map([...place.peers].map(([id, peer]) => [id, formatAddress(peer)]));
  const witnesses = cluster.members.filter(({ isWitness }) => isWitness === true).map(({ name }) => idOf(name));
  const configuration = {
    ...configurationOf(place.peers.keys(), addresses),
    witnesses: witnesses.toSorted((a, b) => a - b),
  };
  return { ...place, configuration };
}

/** One that was added later: it takes no part until the others have told it who does. @throws InvalidArgumentError */
export function joinedPlace({ clusterId: cluster, memberId: self, members }: JoinedCluster): MemberPlace {
  if (cluster < 1n || cluster >= 1n << 64n) {
    throw new InvalidArgumentError("join.clusterId", "must be from 1 to 2^64 - 1", cluster);
  }
  for (const [at, { id }] of members.entries()) {
    if (id < 1n || id > BigInt(Number.MAX_SAFE_INTEGER)) {
      throw new InvalidArgumentError(`join.members[${at}].id`, "must be from 1 to 2^53 - 1", id);
    }
    if (members.findIndex((other) => other.id === id) < at) {
      throw new InvalidArgumentError(`join.members[${at}].id`, "must be unique", id);
    }
  }
  if (!members.some(({ id }) => id === self)) {
    throw new InvalidArgumentError("join.memberId", "must be one of join.members", self);
  }
  return placeOf(members, self, cluster);
}

function placeOf(members: readonly JoinedMember[], self: bigint, cluster: bigint): MemberPlace {
  const { peer: advertise, isWitness = false } = members.find(({ id }) => id === self)!;
  return {
    id: Number(self),
    clusterId: cluster,
    isWitness,
    advertise,
    members: members.map(({ id, name, peer }) => {
      return { id, name, peerUrls: [formatPeerUrl(peer)], clientUrls: [], httpUrls: [] };
    }),
    peers: new Map(members.map(({ id, peer }) => [Number(id), peer])),
    configuration: emptyConfiguration,
  };
}
