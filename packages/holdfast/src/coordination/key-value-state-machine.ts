import type { Entry, SnapshotSource, StateMachine } from "../consensus/index.ts";
import { InvalidArgumentError } from "../errors/base.ts";
import { MalformedError } from "../wire/index.ts";
import { decodeCommand } from "./command-codec.ts";
import type { Command, CommandOperation, OperationAnswer, Outcome } from "./command.ts";
import type { MemberInfo } from "./coordination.ts";
import { CoordinationError } from "./coordination-error.ts";
import { KeyValueStore } from "./key-value-store.ts";
import type { RangeRequest, RangeResponse, TxnRequest, TxnResponse } from "./key-value.ts";
import { SessionTable, type SessionLimits } from "./session-table.ts";
import { StateHash } from "./state-hash.ts";
import { readState, writeState } from "./state-snapshot.ts";
import { isReadOnlyTxn } from "./txn-execution.ts";

export interface KeyValueStateMachineOptions {
  /** Must be the same on every member. */
  readonly sessionLimits?: Partial<SessionLimits>;
  /** Known bugs for the simulator to find; never set otherwise. */
  readonly plant?: { readonly dropSessionsInSnapshot?: boolean };
}

/** The key-value model as the replicated log drives it: keys, client sessions and the members' addresses. */
export interface KeyValueStateMachine extends StateMachine {
  /** Applies one command. What cannot be read or is refused changes no key, and is answered alike on every member. */
  apply(entry: Entry): Outcome;
  /** Reads the applied state. @throws CoordinationError, see KeyValueStore.range */
  range(request: RangeRequest): RangeResponse;
  /** Runs a transaction that cannot write. @throws CoordinationError, see KeyValueStore.txn; InvalidArgumentError for one that can */
  readTxn(request: TxnRequest): TxnResponse;
  /** What members have made known of themselves, by ascending id. */
  members(): readonly MemberInfo[];
  readonly revision: number;
  readonly compactedRevision: number;
  /** Bytes of keys and values held, all versions. */
  readonly storeBytes: number;
  readonly keyCount: number;
  readonly sessionCount: number;
  /** The same on members that applied the same entries, 16 hexadecimal digits. Snapshots carry it on. */
  readonly stateHash: string;
  /** Frees up to `limit` compacted versions, for idle moments; true when more are left. Reads never notice. */
  sweep(limit: number): boolean;
}

export function createKeyValueStateMachine(options: KeyValueStateMachineOptions = {}): KeyValueStateMachine {
  let store = new KeyValueStore();
  const sessions = new SessionTable(options.sessionLimits);
  const members = new Map<bigint, MemberInfo>();
  const hash = new StateHash();

  function apply(entry: Entry): Outcome {
    const outcome = applyData(entry.data);
    hash.add(entry.index, outcome);
    return outcome;
  }

  function applyData(data: Uint8Array): Outcome {
    let command: Command;
    try {
      command = decodeCommand(data);
    } catch (error) {
      if (error instanceof MalformedError) return { type: "refused", error };
      throw error;
    }
    const { identity, operation } = command;
    if (identity === undefined) return execute(operation);
    const answered = sessions.admit(identity, store.revision);
    if (answered !== undefined) return answered;
    const outcome = execute(operation);
    sessions.remember(identity, outcome);
    return outcome;
  }

  function execute(operation: CommandOperation): Outcome {
    try {
      const answer = perform(operation);
      return { ...answer, revision: store.revision };
    } catch (error) {
      if (error instanceof CoordinationError) return { type: "refused", error };
      throw error;
    }
  }

  function perform(operation: CommandOperation): OperationAnswer {
    const { type } = operation;
    if (type === "put") return { type, response: store.put(operation.request) };
    if (type === "deleteRange") return { type, response: store.deleteRange(operation.request) };
    if (type === "txn") return { type, response: store.txn(operation.request) };
    if (type === "compact") return { type, response: store.compact(operation.request) };
    members.set(operation.request.id, operation.request);
    return { type, response: {} };
  }

  function sortedMembers(): MemberInfo[] {
    return [...members.values()].sort((left, right) => (left.id < right.id ? -1 : 1));
  }

  function snapshot(): SnapshotSource {
    const contents = store.openSnapshot();
    const kept = sessions.capture();
    const chunks = writeState({
      store: contents,
      sessions: options.plant?.dropSessionsInSnapshot === true ? { horizon: -1, sessions: [] } : kept,
      members: sortedMembers(),
      hash: hash.lanes,
    });
    return {
      next: () => chunks.next().value,
      release: () => {
        chunks.return(undefined);
        contents.release();
      },
    };
  }

  function restore(chunks: readonly Uint8Array[]): void {
    // Read whole before anything is replaced: a malformed snapshot changes nothing.
    const state = readState(chunks);
    store = new KeyValueStore({}, state.store);
    sessions.restore(state.sessions);
    members.clear();
    for (const member of state.members) members.set(member.id, member);
    hash.restore(state.hash);
  }

  return {
    apply,
    snapshot,
    restore,
    range: (request) => store.range(request),
    readTxn(request) {
      if (!isReadOnlyTxn(request)) throw new InvalidArgumentError("txn", "must only read", request);
      return store.txn(request);
    },
    members: sortedMembers,
    get revision() {
      return store.revision;
    },
    get compactedRevision() {
      return store.compactedRevision;
    },
    get storeBytes() {
      return store.bytes;
    },
    get keyCount() {
      return store.keyCount;
    },
    get sessionCount() {
      return sessions.size;
    },
    get stateHash() {
      return hash.value;
    },
    sweep: (limit) => store.sweep(limit),
  };
}
