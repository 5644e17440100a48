import { InvalidArgumentError } from "../errors/base.ts";
import type { Passwords } from "../runtime/index.ts";
import { systemClock, systemRandom, type Clock, type RandomSource, type Timer } from "../runtime/system.ts";
import { AuthDesk } from "./auth/auth-desk.ts";
import { checkLeaseRead, checkRead, type Authority } from "./auth/auth-permission.ts";
import { AuthTokens } from "./auth/auth-tokens.ts";
import { AutoCompaction } from "./compaction/auto-compaction.ts";
import { checkAutoCompaction, type AutoCompactionOptions } from "./compaction/auto-compaction-options.ts";
import { encodeCommand } from "./key-value/command-codec.ts";
import type { CommandOperation, OperationAnswer, Outcome } from "./key-value/command.ts";
import type { Answer, Member, MemberInfo, RequestOptions, ResponseHeader } from "./coordination.ts";
import { CoordinationError } from "./coordination-error.ts";
import { createKeyValueStateMachine } from "./key-value/key-value-state-machine.ts";
import { lonelyCluster } from "./cluster/lonely-cluster.ts";
import { LeaseClock } from "./leases/lease-clock.ts";
import { completeGrant } from "./leases/lease-grant.ts";
import { checkLeaseOptions, type LeaseOptions } from "./leases/lease-options.ts";
import { MaintenanceDesk } from "./cluster/maintenance-desk.ts";
import {
  validateCompact,
  validateDeleteRange,
  validateIdentity,
  validateLeaseGrant,
  validateLeaseId,
  validatePut,
  validateRange,
  validateTxn,
} from "./key-value/validate-request.ts";
import { WatchHub } from "./watches/watch-hub.ts";
import { checkWatchLimits, type WatchLimits } from "./watches/watch-limits.ts";

type ResponseOf<T extends CommandOperation["type"]> = Extract<OperationAnswer, { readonly type: T }>["response"];

export interface MemoryMemberOptions {
  /** Default "memory". */
  readonly name?: string;
  /** Operations in one list of a transaction, at most. Default 128. */
  readonly maxTxnOps?: number;
  /** Lets history go by itself. Default: it is kept until somebody calls `compact`. */
  readonly autoCompaction?: AutoCompactionOptions;
  readonly leases?: Partial<LeaseOptions>;
  readonly watches?: Partial<WatchLimits>;
  /** What leases run out by. Default: the system's. */
  readonly clock?: Clock;
  /** Where the ids of leases come from. Default: the system's. */
  readonly random?: RandomSource;
  /** What users' passwords are kept by. Default: Node's crypto. */
  readonly passwords?: Passwords;
}

const compactionLookMs = 500;

/**
 * A cluster of one in this process's memory: the same state machine and the same answers, without a log, a disk or a
 * network. What it holds is gone when the process ends.
 *
 * @throws InvalidArgumentError for an empty name, and for an option of the leases, the watches or the compaction that
 * breaks its rule
 * @example
 * const member = createMemoryMember();
 * await member.put({ key: new TextEncoder().encode("a"), value: new TextEncoder().encode("1") });
 */
export function createMemoryMember(options: MemoryMemberOptions = {}): Member {
  const name = options.name ?? "memory";
  if (name === "") throw new InvalidArgumentError("memoryMember.name", "must not be empty", name);
  const leaseOptions = checkLeaseOptions(options.leases);
  const watchLimits = checkWatchLimits(options.watches);
  const autoCompaction = checkAutoCompaction(options.autoCompaction);
  const { clock = systemClock, random = systemRandom } = options;
  const tokens = new AuthTokens(() => clock.now());
  const machine = createKeyValueStateMachine({ maxLeases: leaseOptions.maxLeases, tokens });
  const id = idOf(`member ${name}`);
  const clusterId = idOf(`cluster ${name}`);
  const self: MemberInfo = { id, name, peerUrls: [], clientUrls: [], httpUrls: [] };
  let appliedIndex = 0;
  let closed = false;
  let leaseTimer: Timer | undefined;
  let compactionTimer: Timer | undefined;
  const leaseClock = new LeaseClock({
    clock,
    tickMs: leaseOptions.tickMs,
    leases: machine.leases,
    leadingTerm: () => 1,
    propose: apply,
  });

  /** Lets the clock of the leases run while there are any. */
  function runLeaseClock(): void {
    leaseClock.tick();
    leaseTimer = closed || machine.leases.size === 0 ? undefined : clock.setTimer(leaseOptions.tickMs, runLeaseClock);
  }

  /** Lets the history go, step by step. */
  function runCompaction(settings: AutoCompactionOptions): void {
    const compaction = new AutoCompaction(settings, {
      clock,
      revision: () => machine.revision,
      compactedRevision: () => machine.compactedRevision,
      leads: () => true,
      compact: (revision) => execute({ type: "compact", request: { revision } }, { credentials: { user: "root" } }),
    });
    const step = (): void => {
      compaction.tick();
      if (!closed) compactionTimer = clock.setTimer(compactionLookMs, step);
    };
    step();
  }

  const hub = new WatchHub({
    watched: machine,
    clock,
    header,
    hasLeader: () => true,
    leaderlessMs: 0,
    limits: watchLimits,
  });

  function apply(data: Uint8Array): Outcome {
    appliedIndex++;
    return machine.apply({ index: appliedIndex, term: 1, kind: "command", data });
  }

  function header(revision: number): ResponseHeader {
    return { clusterId, memberId: id, revision, term: 1 };
  }

  function admit({ identity, signal }: Pick<RequestOptions, "identity" | "signal">): void {
    signal?.throwIfAborted();
    if (closed) throw new CoordinationError("STOPPED");
    if (identity !== undefined) validateIdentity(identity);
  }

  const auth = new AuthDesk({
    auth: machine.auth,
    tokens,
    passwords: options.passwords,
    applied: () => appliedIndex,
    linearize: async (requestOptions) => admit(requestOptions),
    write: execute,
    header: () => header(machine.revision),
  });

  const maintenance = new MaintenanceDesk({
    clock,
    machine,
    header: () => header(machine.revision),
    requireRoot: (requestOptions) => auth.requireRoot(requestOptions),
    linearize: async (requestOptions) => admit(requestOptions),
    write: execute,
  });

  function read<T extends object>(
    requestOptions: RequestOptions,
    judge: (authority: Authority) => unknown,
    act: () => T,
  ): Promise<Answer<T>> {
    return auth.permit(
      requestOptions,
      (caller) => judge({ auth: machine.auth, caller, keysOf: (lease) => machine.leases.keysOf(lease) }),
      () => ({ ...act(), header: header(machine.revision) }),
    );
  }

  async function execute<T extends CommandOperation["type"]>(
    operation: CommandOperation & { readonly type: T },
    requestOptions: RequestOptions,
  ): Promise<Answer<ResponseOf<T>>> {
    const { identity } = requestOptions;
    const recognised = auth.recognise(requestOptions);
    const caller = recognised instanceof Promise ? await recognised : recognised;
    const outcome = apply(
      encodeCommand({
        ...(identity === undefined ? {} : { identity }),
        ...(caller === undefined ? {} : { caller }),
        operation,
      }),
    );
    if (outcome.type === "refused") throw outcome.error;
    return { ...outcome.response, header: header(outcome.revision) } as Answer<ResponseOf<T>>;
  }

  if (autoCompaction !== undefined) runCompaction(autoCompaction);

  return {
    id,
    name,
    clusterId,
    auth,
    cluster: lonelyCluster(self, () => header(machine.revision)),
    maintenance,
    // Nothing it depends on can fail.
    failed: new Promise<Error>(() => {}),
    async range(request, requestOptions = {}) {
      admit(requestOptions);
      validateRange(request);
      return read(
        requestOptions,
        (authority) => checkRead(request, authority),
        () => machine.range(request),
      );
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
    async watch(request, watchOptions = {}) {
      admit(watchOptions);
      return auth.permit(
        watchOptions,
        (caller) => checkRead(request, { auth: machine.auth, caller }),
        () => hub.watch(request, watchOptions),
      );
    },
    async leaseGrant(request, requestOptions = {}) {
      admit(requestOptions);
      validateLeaseGrant(request);
      const grant = completeGrant(request, machine.leases, leaseOptions.minTtlSeconds, random);
      const answer = await execute({ type: "leaseGrant", request: grant }, requestOptions);
      if (leaseTimer === undefined) runLeaseClock();
      return answer;
    },
    async leaseRevoke(request, requestOptions = {}) {
      admit(requestOptions);
      validateLeaseId(request);
      return execute({ type: "leaseRevoke", request }, requestOptions);
    },
    async leaseKeepAlive(request, requestOptions = {}) {
      admit(requestOptions);
      validateLeaseId(request);
      const { id } = request;
      const renewal = await execute({ type: "leaseKeepAlive", request: { ids: [id] } }, requestOptions);
      return { id, ttlSeconds: renewal.ttlSeconds[0]!, header: renewal.header };
    },
    async leaseTimeToLive(request, requestOptions = {}) {
      admit(requestOptions);
      validateLeaseId(request);
      return read(
        requestOptions,
        (authority) => request.keys === true && checkLeaseRead(request.id, authority),
        () => machine.leases.timeToLive(request, leaseOptions.tickMs),
      );
    },
    async leases(requestOptions = {}) {
      admit(requestOptions);
      return { leases: machine.leases.list(), header: header(machine.revision) };
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
      isLearner: false,
      alarms: machine.cluster.alarms,
    }),
    members: () => [self],
    async close() {
      closed = true;
      hub.close();
      leaseTimer?.cancel();
      compactionTimer?.cancel();
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
