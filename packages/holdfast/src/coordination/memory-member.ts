import { InvalidArgumentError } from "../errors/base.ts";
import { encodeCommand } from "./command-codec.ts";
import type { CommandOperation, OperationAnswer } from "./command.ts";
import type { Answer, Member, MemberInfo, RequestOptions, ResponseHeader } from "./coordination.ts";
import { CoordinationError } from "./coordination-error.ts";
import { createKeyValueStateMachine } from "./key-value-state-machine.ts";
import {
  validateCompact,
  validateDeleteRange,
  validateIdentity,
  validatePut,
  validateRange,
  validateTxn,
} from "./validate-request.ts";

type ResponseOf<T extends CommandOperation["type"]> = Extract<OperationAnswer, { readonly type: T }>["response"];

export interface MemoryMemberOptions {
  /** Default "memory". */
  readonly name?: string;
  /** Operations in one list of a transaction, at most. Default 128. */
  readonly maxTxnOps?: number;
}

/**
 * A cluster of one in this process's memory: the same state machine and the same answers, without a log, a disk or a
 * network. What it holds is gone when the process ends.
 *
 * @throws InvalidArgumentError for an empty name
 * @example
 * const member = createMemoryMember();
 * await member.put({ key: new TextEncoder().encode("a"), value: new TextEncoder().encode("1") });
 */
export function createMemoryMember(options: MemoryMemberOptions = {}): Member {
  const name = options.name ?? "memory";
  if (name === "") throw new InvalidArgumentError("memoryMember.name", "must not be empty", name);
  const machine = createKeyValueStateMachine();
  const id = idOf(`member ${name}`);
  const clusterId = idOf(`cluster ${name}`);
  const self: MemberInfo = { id, name, peerUrls: [], clientUrls: [], httpUrls: [] };
  let appliedIndex = 0;
  let closed = false;

  function header(revision: number): ResponseHeader {
    return { clusterId, memberId: id, revision, term: 1 };
  }

  function admit({ identity, signal }: RequestOptions): void {
    signal?.throwIfAborted();
    if (closed) throw new CoordinationError("STOPPED");
    if (identity !== undefined) validateIdentity(identity);
  }

  function execute<T extends CommandOperation["type"]>(
    operation: CommandOperation & { readonly type: T },
    { identity }: RequestOptions,
  ): Answer<ResponseOf<T>> {
    const data = encodeCommand(identity === undefined ? { operation } : { identity, operation });
    appliedIndex++;
    const outcome = machine.apply({ index: appliedIndex, term: 1, kind: "command", data });
    if (outcome.type === "refused") throw outcome.error;
    return { ...outcome.response, header: header(outcome.revision) } as Answer<ResponseOf<T>>;
  }

  return {
    id,
    name,
    clusterId,
    // Nothing it depends on can fail.
    failed: new Promise<Error>(() => {}),
    async range(request, requestOptions = {}) {
      admit(requestOptions);
      validateRange(request);
      return { ...machine.range(request), header: header(machine.revision) };
    },
    async put(request, requestOptions = {}) {
      admit(requestOptions);
      validatePut(request);
      return execute({ type: "put", request }, requestOptions);
    },
    async deleteRange(request, requestOptions = {}) {
      admit(requestOptions);
      validateDeleteRange(request);
      return execute({ type: "deleteRange", request }, requestOptions);
    },
    async txn(request, requestOptions = {}) {
      admit(requestOptions);
      validateTxn(request, options.maxTxnOps);
      return execute({ type: "txn", request }, requestOptions);
    },
    async compact(request, requestOptions = {}) {
      admit(requestOptions);
      validateCompact(request);
      return execute({ type: "compact", request }, requestOptions);
    },
    status: () => ({
      role: "leader",
      term: 1,
      leader: id,
      commitIndex: appliedIndex,
      appliedIndex,
      revision: machine.revision,
      storeBytes: machine.storeBytes,
      logBytes: 0,
    }),
    members: () => [self],
    async close() {
      closed = true;
    },
  };
}

/** FNV-1a, 64 bits; never 0. */
function idOf(text: string): bigint {
  let hash = 0xcbf29ce484222325n;
  for (let at = 0; at < text.length; at++) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(text.charCodeAt(at))) * 0x100000001b3n);
  }
  return hash === 0n ? 1n : hash;
}
