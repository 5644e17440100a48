import { CoordinationError, type Member, type RequestOptions } from "holdfast/coordination";
import { grpcCode } from "../grpc/status-code.ts";
import { RequestError } from "./status.ts";
import type { WireMessage } from "./wire-type.ts";

/**
 * Methods that only root may call once users are enabled. Those of the Auth service and of the key-value model are judged
 * by the member. etcd 3.4 lets anybody move the leader and raise alarms, too.
 */
const rootMethods: ReadonlySet<string> = new Set([
  "/etcdserverpb.Cluster/MemberAdd",
  "/etcdserverpb.Cluster/MemberRemove",
  "/etcdserverpb.Cluster/MemberUpdate",
  "/etcdserverpb.Cluster/MemberPromote",
  "/etcdserverpb.Maintenance/Alarm",
  "/etcdserverpb.Maintenance/Defragment",
  "/etcdserverpb.Maintenance/Hash",
  "/etcdserverpb.Maintenance/HashKV",
  "/etcdserverpb.Maintenance/MoveLeader",
  "/etcdserverpb.Maintenance/Snapshot",
]);

/** Whether only root may make this call. To list alarms is how etcdctl finds out whether a member is well. */
export function needsRoot(path: string, message?: WireMessage): boolean {
  if (!rootMethods.has(path)) return false;
  const { action } = (message ?? {}) as { readonly action?: number };
  return !path.endsWith("/Alarm") || action !== 0;
}

/** @throws CoordinationError, RequestError as etcd says it: of maintenance with its code unknown */
export async function requireRoot(member: Member, path: string, options: RequestOptions): Promise<void> {
  try {
    await member.auth.requireRoot(options);
  } catch (error) {
    if (!(error instanceof CoordinationError) || !path.startsWith("/etcdserverpb.Maintenance/")) throw error;
    throw denials.has(error.code) ? new RequestError(grpcCode.UNKNOWN, `auth: ${error.message}`) : error;
  }
}

const denials: ReadonlySet<string> = new Set(["USER_EMPTY", "PERMISSION_DENIED", "INVALID_AUTH_TOKEN"]);
