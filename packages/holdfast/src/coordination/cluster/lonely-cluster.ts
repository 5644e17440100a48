import type { ClusterAdministration } from "./cluster.ts";
import type { MemberInfo, ResponseHeader } from "../coordination.ts";
import { CoordinationError } from "../coordination-error.ts";

/** The cluster of a member that is alone and stays so. */
export function lonelyCluster(self: MemberInfo, header: () => ResponseHeader): ClusterAdministration {
  const refuse = async (): Promise<never> => {
    throw new CoordinationError("NOT_SUPPORTED");
  };
  return {
    memberList: async () => ({ members: [self], header: header() }),
    memberAdd: refuse,
    memberRemove: refuse,
    memberUpdate: refuse,
    memberPromote: refuse,
    async moveLeader(id) {
      if (id !== self.id) throw new CoordinationError("BAD_LEADER_TRANSFEREE");
      return { header: header() };
    },
  };
}
