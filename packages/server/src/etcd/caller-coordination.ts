import {
  actingAs,
  openSession,
  RecipeError,
  untilLeft,
  type Coordination,
  type Member,
  type RequestOptions,
  type Session,
} from "holdfast/coordination";
import { grpcCode } from "../grpc/status-code.ts";
import { RequestError, statusOf } from "./status.ts";

/** A member as one caller may use it: every request is made in that caller's name. */
export function inNameOf(member: Member, { credentials }: RequestOptions): Coordination {
  return credentials === undefined ? member : actingAs(member, credentials);
}

/** What etcd grants one who names no lease. */
const ownTtlSeconds = 60;

/**
 * Runs `work` in a session of the caller's lease, which is kept alive meanwhile; afterwards that is the caller's affair,
 * also when the lease was granted here. The signal fires when the caller is gone, and when the lease is.
 */
export async function withLease<T>(
  coordination: Coordination,
  leaseId: bigint,
  signal: AbortSignal,
  work: (session: Session, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const session = await openSession(
    coordination,
    leaseId === 0n ? { ttlSeconds: ownTtlSeconds, signal } : { leaseId, signal },
  );
  try {
    return await work(session, AbortSignal.any([signal, session.signal]));
  } finally {
    // One who has given up must not go on standing in line.
    void untilLeft(session).then(() => session.detach());
  }
}

/** etcd's services of this kind are clients of itself, and tell all that goes wrong there under one code. */
export async function asClient<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (RecipeError.is(error) && (error.code === "SESSION_LOST" || error.code === "LOCK_LOST")) {
      throw new RequestError(grpcCode.UNKNOWN, "mutex: session is expired");
    }
    if (RecipeError.is(error) && error.code === "LEADERSHIP_OVER") {
      throw new RequestError(grpcCode.UNKNOWN, "election: not leader");
    }
    const { code, message } = statusOf(error);
    // These say that another member may do better, and are left as they are.
    if (code === grpcCode.UNAVAILABLE || code === grpcCode.RESOURCE_EXHAUSTED) throw error;
    throw new RequestError(code === grpcCode.INTERNAL ? code : grpcCode.UNKNOWN, message);
  }
}
