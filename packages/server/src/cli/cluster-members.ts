import type { GatewayClient } from "../client/gateway-client.ts";
import type { Json } from "../client/gateway-json.ts";
import { usageError } from "./exit.ts";

/** A member as the cluster tells of it. */
export interface ClusterMember {
  /** Hexadecimal, as etcd shows it. */
  readonly id: string;
  /** Empty before it has told it. */
  readonly name: string;
  readonly peerUrls: readonly string[];
  readonly clientUrls: readonly string[];
  readonly isLearner: boolean;
  /** It votes, holds no state, and answers no clients. */
  readonly isWitness: boolean;
}

export async function readMembers(client: GatewayClient): Promise<readonly ClusterMember[]> {
  return membersIn(await client.call("/cluster/member/list", { linearizable: true }, { reads: true }));
}

export function membersIn(answer: Json): readonly ClusterMember[] {
  return ((answer["members"] ?? []) as readonly Json[]).map(memberIn);
}

export function memberIn(json: Json): ClusterMember {
  return {
    id: BigInt((json["ID"] ?? 0) as string | number).toString(16),
    name: (json["name"] ?? "") as string,
    peerUrls: (json["peerURLs"] ?? []) as readonly string[],
    clientUrls: (json["clientURLs"] ?? []) as readonly string[],
    isLearner: json["isLearner"] === true,
    isWitness: json["isWitness"] === true,
  };
}

/** The member of that name, or else of that id. @throws ExitError (usage) */
export function findMember(members: readonly ClusterMember[], wanted: string): ClusterMember {
  const named = members.filter(({ name }) => name === wanted);
  const found = named.length > 0 ? named : members.filter(({ id }) => id === wanted.toLowerCase());
  if (found.length === 1) return found[0]!;
  if (found.length > 1) {
    throw usageError(
      `${wanted} is the name of several members: name it by its id, ${found.map(({ id }) => id).join(" or ")}`,
    );
  }
  const known = members.map(({ id, name }) => (name === "" ? id : name)).join(", ");
  throw usageError(`the cluster has no member ${JSON.stringify(wanted)}; there are ${known}`);
}

/** An id as the gateway takes it. */
export function wireId({ id }: Pick<ClusterMember, "id">): string {
  return BigInt(`0x${id}`).toString();
}
