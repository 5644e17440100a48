import type {
  Answer,
  CompactResponse,
  DeleteRangeResponse,
  KeyValue,
  Member,
  PutResponse,
  RangeResponse,
  ResponseHeader,
  ResponseOp,
  TxnResponse,
} from "holdfast/coordination";
import { etcdCompatibleVersion } from "./version.ts";
import { fromBigInt, type WireHalves } from "holdfast/adapters/etcd-protocol";
import type { WireMessage } from "./wire-type.ts";

/** Ids repeat in every answer; their halves and digits are worked out once. Bounded by the cluster's few ids. */
const knownIds = new Map<bigint, WireHalves>();
const maxKnownIds = 64;

export function wireId(id: bigint): WireHalves {
  const known = knownIds.get(id);
  if (known !== undefined) return known;
  if (knownIds.size >= maxKnownIds) knownIds.clear();
  const halves = fromBigInt(id);
  knownIds.set(id, halves);
  return halves;
}

export function fromHeader(header: ResponseHeader): WireMessage {
  return {
    cluster_id: wireId(header.clusterId),
    member_id: wireId(header.memberId),
    revision: header.revision,
    raft_term: header.term,
  };
}

/** Undefined is left out on the wire, as proto3 leaves out zero. */
export function fromPair(pair: KeyValue): WireMessage {
  return {
    key: pair.key,
    create_revision: pair.createRevision,
    mod_revision: pair.modRevision,
    version: pair.version,
    value: pair.value.length === 0 ? undefined : pair.value,
    lease: pair.lease === 0n ? undefined : fromBigInt(pair.lease),
  };
}

function rangeBody(header: WireMessage, range: RangeResponse): WireMessage {
  return {
    header,
    kvs: range.pairs.map(fromPair),
    more: range.more || undefined,
    count: range.count || undefined,
  };
}

function putBody(header: WireMessage, put: PutResponse): WireMessage {
  return { header, prev_kv: put.previousPair && fromPair(put.previousPair) };
}

function deleteBody(header: WireMessage, response: DeleteRangeResponse): WireMessage {
  return { header, deleted: response.deleted || undefined, prev_kvs: response.previousPairs.map(fromPair) };
}

export function fromRangeResponse(answer: Answer<RangeResponse>): WireMessage {
  return rangeBody(fromHeader(answer.header), answer);
}

export function fromPutResponse(answer: Answer<PutResponse>): WireMessage {
  return putBody(fromHeader(answer.header), answer);
}

export function fromDeleteRangeResponse(answer: Answer<DeleteRangeResponse>): WireMessage {
  return deleteBody(fromHeader(answer.header), answer);
}

export function fromCompactResponse(answer: Answer<CompactResponse>): WireMessage {
  return { header: fromHeader(answer.header) };
}

export function fromTxnResponse(answer: Answer<TxnResponse>): WireMessage {
  const { revision } = answer.header;
  // A step tells the revision it saw: the transaction's own once something has been written, the one before it until then.
  const progress = { before: writes(answer) ? revision - 1 : revision, after: revision, written: false };
  return { header: fromHeader(answer.header), ...txnBody(answer, progress) };
}

interface Progress {
  readonly before: number;
  readonly after: number;
  written: boolean;
}

function txnBody(txn: TxnResponse, progress: Progress): WireMessage {
  return { succeeded: txn.succeeded || undefined, responses: txn.responses.map((step) => fromStep(step, progress)) };
}

function fromStep(step: ResponseOp, progress: Progress): WireMessage {
  if (step.type === "txn") return { response_txn: { header: {}, ...txnBody(step.response, progress) } };
  if (writesAt(step)) progress.written = true;
  const header = { revision: progress.written ? progress.after : progress.before };
  if (step.type === "range") return { response_range: rangeBody(header, step.response) };
  if (step.type === "put") return { response_put: putBody(header, step.response) };
  return { response_delete_range: deleteBody(header, step.response) };
}

function writesAt(step: ResponseOp): boolean {
  return step.type === "put" || (step.type === "deleteRange" && step.response.deleted > 0);
}

function writes(txn: TxnResponse): boolean {
  return txn.responses.some((step) => writesAt(step) || (step.type === "txn" && writes(step.response)));
}

export function statusResponse(member: Member): WireMessage {
  const { term, leader, commitIndex, appliedIndex, revision, storeBytes, isLearner, alarms } = member.status();
  return {
    header: fromHeader({ clusterId: member.clusterId, memberId: member.id, revision, term }),
    version: etcdCompatibleVersion,
    dbSize: storeBytes,
    leader: wireId(leader),
    raftIndex: commitIndex,
    raftTerm: term,
    raftAppliedIndex: appliedIndex,
    // What etcd says here makes `etcdctl endpoint status` show it.
    errors: [
      ...(leader === 0n ? ["etcdserver: no leader"] : []),
      ...alarms.map((alarm) => `memberID:${alarm.member} alarm:${alarm.type} `),
    ],
    dbSizeInUse: storeBytes,
    isLearner: isLearner || undefined,
  };
}
