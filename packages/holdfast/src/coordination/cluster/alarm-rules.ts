import type { ClusterState } from "./cluster-state.ts";
import type { CommandOperation } from "../key-value/command.ts";
import { CoordinationError } from "../coordination-error.ts";
import type { RequestOp, TxnRequest } from "../key-value/key-value.ts";

/**
 * What a raised alarm keeps out, on every member alike: NOSPACE what takes more room, CORRUPT all changes of keys and
 * leases. Deletes and compactions make room.
 *
 * @throws CoordinationError NO_SPACE, CORRUPT
 */
export function checkAlarms(operation: CommandOperation, cluster: ClusterState): void {
  if (cluster.isRaised("CORRUPT") && changesKeys.has(operation.type)) throw new CoordinationError("CORRUPT");
  if (cluster.isRaised("NOSPACE") && grows(operation)) throw new CoordinationError("NO_SPACE");
}

const changesKeys: ReadonlySet<CommandOperation["type"]> = new Set([
  "put",
  "deleteRange",
  "txn",
  "compact",
  "leaseGrant",
  "leaseRevoke",
]);

function grows(operation: CommandOperation): boolean {
  if (operation.type === "txn") return hasPut(operation.request);
  return operation.type === "put" || operation.type === "leaseGrant";
}

function hasPut({ success, failure }: TxnRequest): boolean {
  const isPut = (step: RequestOp): boolean => step.type === "put" || (step.type === "txn" && hasPut(step.request));
  return success.some(isPut) || failure.some(isPut);
}

/** What is counted for each new version beside its key and value. */
const versionBytes = 64;

/** At least how many bytes a request adds to the store. */
export function growthOf(operation: RequestOp): number {
  if (operation.type === "put") return operation.request.key.length + operation.request.value.length + versionBytes;
  if (operation.type !== "txn") return 0;
  const sum = (steps: readonly RequestOp[]): number => steps.reduce((bytes, step) => bytes + growthOf(step), 0);
  return Math.max(sum(operation.request.success), sum(operation.request.failure));
}
