import type { Entry, SnapshotSource, StateMachine } from "../../consensus/index.ts";
import { InvalidArgumentError } from "../../errors/base.ts";
import { MalformedError } from "../../wire/index.ts";
import { checkAlarms } from "../cluster/alarm-rules.ts";
import { checkPermission, checkStanding } from "../auth/auth-permission.ts";
import { AuthStore } from "../auth/auth-store.ts";
import type { AuthTokens } from "../auth/auth-tokens.ts";
import type { ClusterChange, ClusterChangeResponse } from "../cluster/cluster-change.ts";
import { ClusterState } from "../cluster/cluster-state.ts";
import { decodeCommand } from "./command-codec.ts";
import type { Command, CommandOperation, OperationAnswer, Outcome } from "./command.ts";
import type { MemberInfo } from "../coordination.ts";
import { CoordinationError } from "../coordination-error.ts";
import { KeyValueStore, type StoreContents } from "./key-value-store.ts";
import type { RangeRequest, RangeResponse, TxnRequest, TxnResponse } from "./key-value.ts";
import { LeaseTable, type LeaseCapture, type LeaseReader } from "../leases/lease-table.ts";
import { SessionTable, type SessionLimits } from "./session-table.ts";
import { StateHash } from "./state-hash.ts";
import { readState, writeState } from "./state-snapshot.ts";
import { isReadOnlyTxn } from "./txn-execution.ts";
import type { ChangeObserver, Watchable } from "../watches/watch-hub.ts";

export interface KeyValueStateMachineOptions {
  /** Must be the same on every member. */
  readonly sessionLimits?: Partial<SessionLimits>;
  /** Leases at once. Must be the same on every member. Default 100 000. */
  readonly maxLeases?: number;
  /** Where tokens that the log gives are kept; by default, nowhere. */
  readonly tokens?: AuthTokens;
  /** Known bugs for the simulator to find; never set otherwise. */
  readonly plant?: {
    readonly dropSessionsInSnapshot?: boolean;
    readonly renewLeasesInSnapshot?: boolean;
    readonly restoreSilently?: boolean;
    readonly dropCompactionInSnapshot?: boolean;
  };
}

/** The key-value model as the replicated log drives it: keys, leases, users, client sessions and the members' addresses. */
export interface KeyValueStateMachine extends StateMachine, Watchable {
  /** Applies one command. What cannot be read or is refused changes no key, and is answered alike on every member. */
  apply(entry: Entry): Outcome;
  /** Reads the applied state. @throws CoordinationError, see KeyValueStore.range */
  range(request: RangeRequest): RangeResponse;
  /** Runs a transaction that cannot write. @throws CoordinationError, see KeyValueStore.txn; InvalidArgumentError for one that can */
  readTxn(request: TxnRequest): TxnResponse;
  /** What members have made known of themselves, by ascending id. */
  members(): readonly MemberInfo[];
  readonly leases: LeaseReader;
  /** Users, roles and permissions; to be changed by commands alone. */
  readonly auth: AuthStore;
  /** Who has left, alarms, and what the leader is to do; to be changed by commands alone. */
  readonly cluster: ClusterState;
  /** See KeyValueStore.openSnapshot. */
  openStore(): StoreContents & { release(): void };
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

/** A planted bug: all leases as if they were kept alive just now. */
function renewed({ clockMs, leases }: LeaseCapture): LeaseCapture {
  return { clockMs, leases: leases.map((lease) => ({ ...lease, deadlineMs: undefined })) };
}

type LeaseOperation = Extract<CommandOperation, { readonly type: `lease${string}` | "clockTick" }>;

type AuthOperation = Extract<CommandOperation, { readonly type: "auth" | "authenticate" }>;

export function createKeyValueStateMachine(options: KeyValueStateMachineOptions = {}): KeyValueStateMachine {
  const leases = new LeaseTable(options.maxLeases);
  let observer: ChangeObserver | undefined;
  const storeOptions = { leases, onRevision: (revision: number) => observer?.onRevision(revision) };
  let store = new KeyValueStore(storeOptions);
  const sessions = new SessionTable(options.sessionLimits);
  const members = new Map<bigint, MemberInfo>();
  const auth = new AuthStore();
  const cluster = new ClusterState();
  const { tokens } = options;
  const hash = new StateHash();

  function apply(entry: Entry): Outcome {
    const outcome = applyData(entry);
    hash.add(entry.index, outcome);
    return outcome;
  }

  function applyData({ data, term }: Entry): Outcome {
    let command: Command;
    try {
      command = decodeCommand(data);
    } catch (error) {
      if (error instanceof MalformedError) return { type: "refused", error };
      throw error;
    }
    const { identity } = command;
    if (identity === undefined) return execute(command, term);
    // Before its session is looked for: it may come again under its name, and nobody in particular makes no session.
    const stranger = whyNotAdmitted(command);
    if (stranger !== undefined) return stranger;
    const answered = sessions.admit(identity, store.revision);
    if (answered !== undefined) return answered;
    const outcome = execute(command, term);
    sessions.remember(identity, outcome);
    return outcome;
  }

  function whyNotAdmitted({ caller, operation }: Command): Outcome | undefined {
    try {
      checkStanding(operation, { auth, caller });
      return undefined;
    } catch (error) {
      if (error instanceof CoordinationError) return { type: "refused", error };
      throw error;
    }
  }

  function execute({ caller, operation }: Command, term: number): Outcome {
    try {
      checkPermission(operation, { auth, caller, keysOf: (lease) => leases.keysOf(lease) });
      if (cluster.isAlarmed) checkAlarms(operation, cluster);
      const answer = perform(operation, term);
      return { ...answer, revision: store.revision };
    } catch (error) {
      if (error instanceof CoordinationError) return { type: "refused", error };
      throw error;
    }
  }

  function perform(operation: CommandOperation, term: number): OperationAnswer {
    const { type } = operation;
    if (type === "put") return { type, response: store.put(operation.request) };
    if (type === "deleteRange") return { type, response: store.deleteRange(operation.request) };
    if (type === "txn") return { type, response: store.txn(operation.request) };
    if (type === "compact") return { type, response: store.compact(operation.request) };
    if (type === "auth" || type === "authenticate") return performAuth(operation);
    if (type === "cluster") return { type, response: performCluster(operation.request) };
    if (type !== "memberAttributes") return performLease(operation, term);
    // What one that has left says of itself may come late.
    if (!cluster.removed.has(operation.request.id)) members.set(operation.request.id, operation.request);
    return { type, response: {} };
  }

  function performCluster(change: ClusterChange): ClusterChangeResponse {
    const response = cluster.change(change);
    for (const id of members.keys()) if (cluster.removed.has(id)) members.delete(id);
    return response;
  }

  function performLease(operation: LeaseOperation, term: number): OperationAnswer {
    const { type, request } = operation;
    if (type === "leaseGrant") return { type, response: leases.grant(request.id, request.ttlSeconds) };
    if (type === "leaseKeepAlive") return { type, response: { ttlSeconds: leases.keepAlive(request.ids) } };
    if (type === "leaseRevoke") {
      store.deleteKeys(leases.revoke(request.id));
      return { type, response: {} };
    }
    // A tick counts only where its proposer led: what another leader appends speaks of a time that may be counted already.
    const before = leases.size;
    if (request.term === term) for (const keys of leases.advance(request.elapsedMs)) store.deleteKeys(keys);
    return { type, response: { expired: before - leases.size } };
  }

  function performAuth(operation: AuthOperation): OperationAnswer {
    const { type, request } = operation;
    if (type === "auth") {
      auth.change(request);
      if (request.type === "authDisable") tokens?.forget();
      if (request.type === "userDelete" || request.type === "userChangePassword") tokens?.forget(request.name);
      return { type, response: { authRevision: auth.status().revision } };
    }
    const { enabled, revision } = auth.status();
    if (!enabled) throw new CoordinationError("AUTH_NOT_ENABLED");
    if (request.authRevision !== revision) throw new CoordinationError("AUTH_OLD_REVISION");
    tokens?.give(request.token, request.user);
    return { type, response: {} };
  }

  function sortedMembers(): MemberInfo[] {
    return [...members.values()].sort((left, right) => (left.id < right.id ? -1 : 1));
  }

  function snapshot(): SnapshotSource {
    const contents = store.openSnapshot();
    const kept = sessions.capture();
    const chunks = writeState({
      store: options.plant?.dropCompactionInSnapshot === true ? { ...contents, compactedRevision: -1 } : contents,
      leases: options.plant?.renewLeasesInSnapshot === true ? renewed(leases.capture()) : leases.capture(),
      sessions: options.plant?.dropSessionsInSnapshot === true ? { horizon: -1, sessions: [] } : kept,
      members: sortedMembers(),
      auth: auth.capture(),
      cluster: cluster.capture(),
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
    leases.restore(state.leases);
    store = new KeyValueStore(storeOptions, state.store);
    sessions.restore(state.sessions);
    members.clear();
    for (const member of state.members) members.set(member.id, member);
    auth.restore(state.auth);
    cluster.restore(state.cluster);
    // What was given or voided in the meantime is not known.
    tokens?.forget();
    hash.restore(state.hash);
    if (options.plant?.restoreSilently !== true) observer?.onRestored();
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
    get store() {
      return store;
    },
    observe: (next) => {
      observer = next;
    },
    leases,
    auth,
    cluster,
    openStore: () => store.openSnapshot(),
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
