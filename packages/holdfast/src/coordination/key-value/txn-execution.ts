import { textOf } from "../byte-text.ts";
import { CoordinationError } from "../coordination-error.ts";
import type { KeyRecord } from "./key-record.ts";
import { isToEnd, keyRange } from "./key-range.ts";
import type {
  Compare,
  CompareResult,
  DeleteRangeRequest,
  DeleteRangeResponse,
  LeaseId,
  PutRequest,
  PutResponse,
  RangeRequest,
  RangeResponse,
  RequestOp,
  ResponseOp,
  TxnRequest,
  TxnResponse,
} from "./key-value.ts";
import type { OrderedIndex } from "./ordered-index.ts";

/** What a transaction reads and writes. */
export interface TxnTarget {
  readonly revision: number;
  readonly compactedRevision: number;
  readonly index: OrderedIndex<KeyRecord>;
  requireKey(key: string): void;
  requireLease(lease: LeaseId | undefined): void;
  range(request: RangeRequest): RangeResponse;
  put(request: PutRequest): PutResponse;
  deleteRange(request: DeleteRangeRequest): DeleteRangeResponse;
}

/** The branch that a transaction takes, and those of the transactions in it, in order. */
interface Plan {
  readonly succeeded: boolean;
  readonly operations: readonly RequestOp[];
  readonly nested: readonly Plan[];
}

/**
 * Runs a checked transaction: first all conditions, nested ones too, are judged on the state before it; then everything
 * that may refuse is checked for the branches taken; then their operations run, each seeing the writes before it.
 *
 * @throws CoordinationError KEY_NOT_FOUND, LEASE_NOT_FOUND, FUTURE_REVISION, COMPACTED; nothing has changed then
 */
export function executeTxn(request: TxnRequest, target: TxnTarget): TxnResponse {
  const plan = planOf(request, target);
  checkPuts(plan, target, undefined);
  checkRanges(plan, target);
  return run(plan, target);
}

/** Whether a transaction cannot write, whichever way it goes. */
export function isReadOnlyTxn(request: TxnRequest): boolean {
  const reads = (operation: RequestOp): boolean =>
    operation.type === "range" || (operation.type === "txn" && isReadOnlyTxn(operation.request));
  return request.success.every(reads) && request.failure.every(reads);
}

function planOf(request: TxnRequest, target: TxnTarget): Plan {
  const succeeded = request.compare.every((condition) => holds(condition, target));
  const operations = succeeded ? request.success : request.failure;
  const nested: Plan[] = [];
  for (const operation of operations) if (operation.type === "txn") nested.push(planOf(operation.request, target));
  return { succeeded, operations, nested };
}

/**
 * Puts that keep the value or the lease need the key. Of the deletes that may come before such a put in the same
 * transaction, only those to the end of all keys pass the check for overlaps; `deletedFrom` is where they begin.
 */
function checkPuts(plan: Plan, target: TxnTarget, deletedFrom: string | undefined): string | undefined {
  let next = 0;
  let gone = deletedFrom;
  for (const operation of plan.operations) {
    if (operation.type === "put") {
      const { key, ignoreValue, ignoreLease, lease } = operation.request;
      if (ignoreValue === true || ignoreLease === true) {
        const text = textOf(key);
        target.requireKey(text);
        if (gone !== undefined && text >= gone) throw new CoordinationError("KEY_NOT_FOUND");
      }
      target.requireLease(lease);
    } else if (operation.type === "deleteRange") {
      const { key, rangeEnd } = operation.request;
      const from = textOf(key);
      if (rangeEnd !== undefined && isToEnd(rangeEnd) && (gone === undefined || from < gone)) gone = from;
    } else if (operation.type === "txn") {
      gone = checkPuts(plan.nested[next++]!, target, gone);
    }
  }
  return gone;
}

function checkRanges(plan: Plan, target: TxnTarget): void {
  let next = 0;
  for (const operation of plan.operations) {
    if (operation.type === "range") {
      const revision = operation.request.revision ?? 0;
      if (revision > target.revision) throw new CoordinationError("FUTURE_REVISION");
      if (revision !== 0 && revision < target.compactedRevision) throw new CoordinationError("COMPACTED");
    } else if (operation.type === "txn") {
      checkRanges(plan.nested[next++]!, target);
    }
  }
}

function run(plan: Plan, target: TxnTarget): TxnResponse {
  let next = 0;
  const responses = plan.operations.map((operation): ResponseOp => {
    const { type } = operation;
    if (type === "range") return { type, response: target.range(operation.request) };
    if (type === "put") return { type, response: target.put(operation.request) };
    if (type === "deleteRange") return { type, response: target.deleteRange(operation.request) };
    return { type, response: run(plan.nested[next++]!, target) };
  });
  return { succeeded: plan.succeeded, responses };
}

/** Every key of the range has to satisfy it. No key at all is judged as one that is missing, whose value equals nothing. */
function holds(condition: Compare, target: TxnTarget): boolean {
  const { from, to, single } = keyRange(condition.key, condition.rangeEnd);
  const operand = condition.target === "value" ? textOf(condition.operand) : condition.operand;
  let found = false;
  let satisfied = true;
  const judge = (record: KeyRecord | undefined): boolean => {
    if (record?.value === undefined) return true;
    found = true;
    satisfied = matches[condition.result](stateOf[condition.target](record), operand);
    return satisfied;
  };
  if (single) judge(target.index.get(from));
  else target.index.ascend(from, to, judge);
  if (found) return satisfied;
  if (condition.target === "value") return false;
  return matches[condition.result](condition.target === "lease" ? 0n : 0, operand);
}

type Comparable = string | number | bigint;

const stateOf: Readonly<Record<Compare["target"], (record: KeyRecord) => Comparable>> = {
  version: (record) => record.version,
  create: (record) => record.createRevision,
  mod: (record) => record.modRevision,
  value: (record) => record.value!,
  lease: (record) => record.lease,
};

const matches: Readonly<Record<CompareResult, (state: Comparable, operand: Comparable) => boolean>> = {
  equal: (state, operand) => state === operand,
  notEqual: (state, operand) => state !== operand,
  greater: (state, operand) => state > operand,
  less: (state, operand) => state < operand,
};
