import { HistoryError } from "../history-error.ts";
import type { Operation } from "../history.ts";

/** What a session may count on (Terry et al., "Session guarantees for weakly consistent replicated data", 1994). */
export type SessionGuarantee = "read-your-writes" | "monotonic-reads" | "monotonic-writes" | "writes-follow-reads";

export const sessionGuarantees: readonly SessionGuarantee[] = [
  "read-your-writes",
  "monotonic-reads",
  "monotonic-writes",
  "writes-follow-reads",
];

/** Under a guarantee, the version of one operation is not newer than that of a later one in the same session. */
export interface SessionClaim {
  readonly guarantee: SessionGuarantee;
  readonly earlier: VersionedOperation;
  readonly later: VersionedOperation;
}

export interface VersionedOperation {
  readonly operation: Operation;
  readonly writes: boolean;
  /** The value that was read or written, as JSON; `null` before the first write. */
  readonly value: string;
  /** The version's number, where the history has them. */
  readonly version: number | undefined;
}

/**
 * What each session saw and wrote of one key, told as claims. Without numbers each operation is compared with the last
 * one before it; with numbers, with the newest.
 */
export function sessionClaims(
  operations: readonly Operation[],
  versionOf: ((operation: Operation) => number | undefined) | undefined,
): SessionClaim[] {
  const claims: SessionClaim[] = [];
  const last = new Map<number, { read?: VersionedOperation; write?: VersionedOperation }>();
  for (const operation of operations) {
    const later = versioned(operation, versionOf);
    if (later === undefined) continue;
    const session = last.get(operation.process) ?? {};
    last.set(operation.process, session);
    const { read, write } = session;
    const claim = (guarantee: SessionGuarantee, earlier: VersionedOperation | undefined): void => {
      if (earlier !== undefined) claims.push({ guarantee, earlier, later });
    };
    claim(later.writes ? "monotonic-writes" : "read-your-writes", write);
    claim(later.writes ? "writes-follow-reads" : "monotonic-reads", read);
    if (later.writes) session.write = newest(write, later);
    else session.read = newest(read, later);
  }
  return claims;
}

function newest(before: VersionedOperation | undefined, now: VersionedOperation): VersionedOperation {
  return before?.version !== undefined && now.version !== undefined && before.version > now.version ? before : now;
}

function versioned(
  operation: Operation,
  versionOf: ((operation: Operation) => number | undefined) | undefined,
): VersionedOperation | undefined {
  const { f, line, input, output, outcome } = operation;
  const writes = f === "write" || f === "put";
  if (!writes && f !== "read" && f !== "get") {
    throw new HistoryError(line, `sessions have read, get, write and put, and no function ${JSON.stringify(f)}`);
  }
  if (!writes && outcome === "unknown") return undefined;
  const version = versionOf?.(operation);
  if (versionOf !== undefined && version === undefined) return undefined;
  if (version !== undefined && !Number.isFinite(version)) {
    throw new HistoryError(line, `a version is a number (got ${version})`);
  }
  return { operation, writes, value: JSON.stringify(writes ? input : output) ?? "null", version };
}
