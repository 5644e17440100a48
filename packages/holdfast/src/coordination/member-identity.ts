import { InvalidArgumentError } from "../errors/base.ts";
import type { Address } from "../runtime/index.ts";

/** The members a cluster starts with. Names are what stays: ids come from them, addresses may change. */
export interface InitialCluster {
  /** Keeps clusters apart that would otherwise look alike. */
  readonly name: string;
  readonly members: readonly InitialMember[];
}

export interface InitialMember {
  readonly name: string;
  /** Where the member listens for its peers. */
  readonly peer: Address;
  /** It votes and holds no state. Such members must not be a majority. Default false. */
  readonly isWitness?: boolean;
}

export const maxMembers = 7;

/** @throws InvalidArgumentError naming the member that breaks the rule */
export function checkCluster(cluster: InitialCluster, self: string): void {
  const { members } = cluster;
  if (cluster.name === "") throw new InvalidArgumentError("cluster.name", "must not be empty", cluster.name);
  if (members.length < 1 || members.length > maxMembers) {
    throw new InvalidArgumentError("cluster.members", `must be 1 to ${maxMembers}`, members.length);
  }
  const names = new Set<string>();
  const addresses = new Set<string>();
  for (const [at, { name, peer }] of members.entries()) {
    const address = `${peer.host}:${peer.port}`;
    if (name === "") throw new InvalidArgumentError(`cluster.members[${at}].name`, "must not be empty", name);
    if (names.has(name)) throw new InvalidArgumentError(`cluster.members[${at}].name`, "must be unique", name);
    if (addresses.has(address)) {
      throw new InvalidArgumentError(`cluster.members[${at}].peer`, "must be unique", address);
    }
    names.add(name);
    addresses.add(address);
  }
  const witnesses = members.filter(({ isWitness }) => isWitness === true).length;
  // Else they could decide alone what nobody who leads holds.
  if (witnesses > members.length / 2) {
    throw new InvalidArgumentError("cluster.members", "must not have a majority of witnesses", witnesses);
  }
  if (!names.has(self)) {
    throw new InvalidArgumentError("name", `must be one of the cluster's members (${[...names].join(", ")})`, self);
  }
}

/** A member's id: 53 bits of its name and its cluster's, never 0. */
export function memberId(cluster: InitialCluster, name: string): number {
  return hash53(JSON.stringify(["member", cluster.name, name])) || 1;
}

/** The cluster's id: of its name and its first members' names, in any order, and of which of them are witnesses. */
export function clusterId(cluster: InitialCluster): bigint {
  const names = cluster.members.map(({ name }) => name).toSorted();
  const witnesses = cluster.members.filter(({ isWitness }) => isWitness === true).map(({ name }) => name);
  const told = ["cluster", cluster.name, names, ...(witnesses.length === 0 ? [] : [witnesses.toSorted()])];
  return BigInt(hash53(JSON.stringify(told)) || 1);
}

/** Two FNV-1a hashes (Fowler, Noll, Vo), 32 bits and 21, over UTF-16 code units with different seeds. */
function hash53(text: string): number {
  const low = fnv1a(text, 0x811c9dc5);
  const high = fnv1a(text, 0x9e3779b9) & 0x1fffff;
  return high * 2 ** 32 + low;
}

function fnv1a(text: string, seed: number): number {
  let hash = seed;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    hash = Math.imul(hash ^ (unit & 0xff), 0x01000193);
    hash = Math.imul(hash ^ (unit >>> 8), 0x01000193);
  }
  return hash >>> 0;
}
