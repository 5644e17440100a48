import { unary, type Method } from "./method.ts";
import { memberListResponse } from "./responses.ts";

/** etcdserverpb.Cluster */
export const clusterMethods: readonly Method[] = [
  unary(
    ["/etcdserverpb.Cluster/MemberList", "/cluster/member/list", "MemberListRequest", "MemberListResponse"],
    memberListResponse,
  ),
];
