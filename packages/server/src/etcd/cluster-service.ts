import type { Answer, ChangeOptions, MemberInfo, MembersResponse } from "holdfast/coordination";
import { unary, type Method } from "./method.ts";
import { fromHeader, wireId } from "./responses.ts";
import { toUnsignedBigInt, type WireInteger } from "holdfast/adapters/etcd-protocol";
import type { WireMessage } from "./wire-type.ts";

/** etcdserverpb.Cluster */
export const clusterMethods: readonly Method[] = [
  unary(
    ["/etcdserverpb.Cluster/MemberList", "/cluster/member/list", "MemberListRequest", "MemberListResponse"],
    (member, { message, options }) => {
      const { linearizable } = message as { readonly linearizable: boolean };
      return member.cluster.memberList({ ...options, linearizable }).then(fromMembers);
    },
  ),
  unary(
    ["/etcdserverpb.Cluster/MemberAdd", "/cluster/member/add", "MemberAddRequest", "MemberAddResponse"],
    async (member, { message, options }) => {
      const { peerURLs: peerUrls, isLearner, isWitness, name } = message as AddMessage;
      const added = await member.cluster.memberAdd(
        { peerUrls, isLearner, isWitness, name },
        { ...options, ...meantFor(message) },
      );
      return { ...fromMembers(added), member: fromMember(added.member) };
    },
  ),
  unary(
    ["/etcdserverpb.Cluster/MemberRemove", "/cluster/member/remove", "MemberRemoveRequest", "MemberRemoveResponse"],
    (member, { message, options }) =>
      member.cluster.memberRemove(idOf(message), { ...options, ...meantFor(message) }).then(fromMembers),
  ),
  unary(
    ["/etcdserverpb.Cluster/MemberUpdate", "/cluster/member/update", "MemberUpdateRequest", "MemberUpdateResponse"],
    (member, { message, options }) => {
      const { peerURLs } = message as AddMessage;
      return member.cluster.memberUpdate(idOf(message), peerURLs, options).then(fromMembers);
    },
  ),
  unary(
    ["/etcdserverpb.Cluster/MemberPromote", "/cluster/member/promote", "MemberPromoteRequest", "MemberPromoteResponse"],
    (member, { message, options }) =>
      member.cluster.memberPromote(idOf(message), { ...options, ...meantFor(message) }).then(fromMembers),
  ),
];

interface AddMessage {
  readonly peerURLs: readonly string[];
  readonly isLearner: boolean;
  readonly isWitness: boolean;
  readonly name: string;
}

/** Nobody means a cluster without voters: none are no condition. */
function meantFor(message: WireMessage): Pick<ChangeOptions, "ifMembers"> {
  const { ifVoters = [], ifLearners = [] } = message as Partial<Record<string, readonly WireInteger[]>>;
  if (ifVoters.length === 0) return {};
  return { ifMembers: { voters: ifVoters.map(toUnsignedBigInt), learners: ifLearners.map(toUnsignedBigInt) } };
}

function idOf(message: WireMessage): bigint {
  return toUnsignedBigInt((message as { readonly ID: WireInteger }).ID);
}

function fromMembers({ members, header }: Answer<MembersResponse>): WireMessage {
  // As etcd answers here: without a revision.
  return { header: { ...fromHeader(header), revision: undefined }, members: members.map(fromMember) };
}

function fromMember({ id, name, peerUrls, clientUrls, isLearner, isWitness }: MemberInfo): WireMessage {
  const kind = { isLearner: isLearner || undefined, isWitness: isWitness || undefined };
  return { ID: wireId(id), name, peerURLs: peerUrls, clientURLs: clientUrls, ...kind };
}
