import { defaultNodeOptions, type Configuration, type Entry, type Fact, type RaftNode } from "../consensus/index.ts";
import type { Clock, Passwords, Random, Timer } from "../runtime/index.ts";
import type { AuthAdministration } from "./auth/auth-administration.ts";
import { AuthDesk } from "./auth/auth-desk.ts";
import { checkLeaseRead, checkRead, checkTxn, type Authority } from "./auth/auth-permission.ts";
import type { AuthTokens } from "./auth/auth-tokens.ts";
import type { ClusterAdministration, MaintenanceAdministration } from "./cluster/cluster.ts";
import { AutoCompaction } from "./compaction/auto-compaction.ts";
import type { AutoCompactionOptions } from "./compaction/auto-compaction-options.ts";
import { decodeIdentity } from "./key-value/command-codec.ts";
import type { CommandOperation, Outcome } from "./key-value/command.ts";
import type { Answer, Member, MemberInfo, MemberStatus, RequestOptions, ResponseHeader } from "./coordination.ts";
import { CoordinationError } from "./coordination-error.ts";
import type { KeyValueStateMachine } from "./key-value/key-value-state-machine.ts";
import type {
  CompactRequest,
  CompactResponse,
  DeleteRangeRequest,
  DeleteRangeResponse,
  PutRequest,
  PutResponse,
  RangeRequest,
  RangeResponse,
  TxnRequest,
  TxnResponse,
} from "./key-value/key-value.ts";
import { LeaseClock } from "./leases/lease-clock.ts";
import { completeGrant } from "./leases/lease-grant.ts";
import { LeaseKeepAlives, type LeaseRenewals } from "./leases/lease-keep-alives.ts";
import type { LeaseOptions } from "./leases/lease-options.ts";
import type {
  LeaseGrantRequest,
  LeaseGrantResponse,
  LeaseKeepAliveRequest,
  LeaseKeepAliveResponse,
  LeaseRevokeRequest,
  LeaseRevokeResponse,
  LeasesResponse,
  LeaseTimeToLiveRequest,
  LeaseTimeToLiveResponse,
} from "./leases/lease.ts";
import { MaintenanceDesk, type MaintenanceDeskOptions } from "./cluster/maintenance-desk.ts";
import { MemberCluster, type MemberClusterOptions } from "./member-cluster.ts";
import { memberContacts, memberStatus } from "./member-status.ts";
import { MemberWrites } from "./member-writes.ts";
import { PendingReads } from "./pending-reads.ts";
import { PendingWrites, type PendingWritesOptions } from "./pending-writes.ts";
import { isReadOnlyTxn } from "./key-value/txn-execution.ts";
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
import type { WatchLimits } from "./watches/watch-limits.ts";
import type { Watcher, WatchOptions, WatchRequest } from "./watches/watch.ts";

export interface ReplicatedMemberOptions
  extends
    Pick<MemberClusterOptions, "quotaBytes" | "autoPromote" | "peerScheme">,
    Pick<PendingWritesOptions, "maxWaiting" | "spans"> {
  readonly clock: Clock;
  readonly random: Random;
  readonly machine: KeyValueStateMachine;
  readonly self: MemberInfo;
  readonly clusterId: bigint;
  /** The members the cluster started with, by what their configuration says of them. */
  readonly initialMembers: readonly MemberInfo[];
  readonly electionTimeoutMs?: number;
  readonly leases: LeaseOptions;
  readonly watches: WatchLimits;
  /** What the machine gives tokens to. */
  readonly tokens: AuthTokens;
  readonly passwords: Passwords | undefined;
  readonly autoCompaction: AutoCompactionOptions | undefined;
  readonly onCompacted: ((told: Compacted) => void) | undefined;
}

/** The history below a revision is gone. */
export interface Compacted {
  readonly compactedRevision: number;
  /** The current one. */
  readonly revision: number;
}

const tickMs = 100;
const defaultTimeoutMs = 5_000;
/** Watches that require a leader outlive so many election timeouts without one, as in etcd: to start them anew is dear. */
const leaderlessElections = 3;
/** Compacted versions freed in one go, between requests. */
const sweepLimit = 500;

/** A member whose state is replicated: writes go through the log, reads are confirmed by the leader. */
export class ReplicatedMember implements Member {
  readonly id: bigint;
  readonly name: string;
  readonly clusterId: bigint;
  readonly cluster: ClusterAdministration;
  readonly maintenance: MaintenanceAdministration;
  readonly #auth: AuthDesk;
  readonly #options: ReplicatedMemberOptions;
  readonly #writes: PendingWrites;
  readonly #named: MemberWrites;
  readonly #reads: PendingReads;
  readonly #keepAlives: LeaseKeepAlives;
  readonly #leaseClock: LeaseClock;
  readonly #autoCompaction: AutoCompaction | undefined;
  readonly #watches: WatchHub;
  readonly #cluster: MemberCluster;
  readonly #failed: PromiseWithResolvers<Error> = Promise.withResolvers();
  #closing: Promise<void> | undefined;
  #node: RaftNode | undefined;
  /** The last entry that the log held when this member started. */
  #replayedTo = 0;
  #tick: Timer | undefined;
  #closed = false;

  constructor(options: ReplicatedMemberOptions) {
    const { self, clusterId, clock, maxWaiting, electionTimeoutMs = defaultNodeOptions.electionTimeoutMs } = options;
    this.#options = options;
    this.id = self.id;
    this.name = self.name;
    this.clusterId = clusterId;
    this.#auth = new AuthDesk({
      auth: options.machine.auth,
      tokens: options.tokens,
      passwords: options.passwords,
      applied: () => this.#running.applied,
      ...this.#deskOptions,
    });
    this.#cluster = new MemberCluster({
      ...options,
      ...this.#deskOptions,
      node: () => this.#running,
      electionTimeoutMs,
      onRemoved: (error) => this.#removed(error),
    });
    this.cluster = this.#cluster.desk;
    this.maintenance = new MaintenanceDesk({ clock, machine: options.machine, ...this.#deskOptions });
    this.#writes = new PendingWrites({
      now: () => clock.now(),
      propose: (command) => this.#running.propose(command),
      leading: () => this.#running.raft.role === "leader",
      term: () => this.#running.raft.term,
      retryMs: electionTimeoutMs,
      maxWaiting,
      spans: options.spans,
    });
    this.#reads = new PendingReads({ read: (ready) => this.#running.read(ready), maxWaiting });
    this.#named = new MemberWrites({
      random: options.random,
      machine: options.machine,
      auth: this.#auth,
      writes: this.#writes,
      reads: this.#reads,
      deadline: (request) => this.#deadline(request),
      header: (revision) => this.#header(revision),
    });
    this.#keepAlives = new LeaseKeepAlives({
      clock,
      renew: (ids, deadline, signal) => {
        const timeoutMs = deadline - clock.now();
        return this.#write<LeaseRenewals>({ type: "leaseKeepAlive", request: { ids } }, { timeoutMs, signal });
      },
      maxWaiting,
    });
    this.#leaseClock = new LeaseClock({
      clock,
      tickMs: options.leases.tickMs,
      leases: options.machine.leases,
      leadingTerm: () => (this.#running.raft.role === "leader" ? this.#running.raft.term : undefined),
      propose: (command) => this.#running.propose(command),
    });
    this.#autoCompaction =
      options.autoCompaction &&
      new AutoCompaction(options.autoCompaction, {
        clock,
        revision: () => options.machine.revision,
        compactedRevision: () => options.machine.compactedRevision,
        leads: () => this.#running.raft.role === "leader",
        // Nobody asks for it, and with users enabled only somebody may: root is always there then.
        compact: (revision) => this.compact({ revision }, { credentials: { user: "root" } }),
      });
    this.#watches = new WatchHub({
      watched: options.machine,
      clock,
      header: (revision) => this.#header(revision),
      hasLeader: () => this.#running.raft.leader !== 0,
      leaderlessMs: leaderlessElections * electionTimeoutMs,
      limits: options.watches,
    });
  }

  get auth(): AuthAdministration {
    return this.#auth;
  }

  /** Watches under way. */
  get watchCount(): number {
    return this.#watches.size;
  }

  /** The Raft node underneath, to look at. */
  get node(): RaftNode {
    return this.#running;
  }

  get machine(): KeyValueStateMachine {
    return this.#options.machine;
  }

  get failed(): Promise<Error> {
    return this.#failed.promise;
  }

  get #running(): RaftNode {
    if (this.#node === undefined) throw new Error("the member has not started");
    return this.#node;
  }

  /** Called once, when the node runs. */
  start(node: RaftNode): void {
    this.#node = node;
    this.#replayedTo = node.raft.log.lastIndex;
    this.#options.tokens.forget();
    this.#scheduleTick();
    void node.failed.then((error) => this.#end(error));
  }

  onApplied(entry: Entry, outcome: Outcome): void {
    // Tokens of a former life may have run out long ago.
    if (entry.index === this.#replayedTo) this.#options.tokens.forget();
    const identity = decodeIdentity(entry.data);
    if (identity !== undefined) this.#writes.onApplied(identity, outcome);
    this.#cluster.onApplied(outcome);
    // What a former life has compacted was told then.
    if (outcome.type !== "compact" || this.#node === undefined || entry.index <= this.#replayedTo) return;
    const { compactedRevision } = this.#options.machine;
    this.#options.onCompacted?.({ compactedRevision, revision: outcome.revision });
  }

  onConfiguration(configuration: Configuration, committed: boolean): void {
    this.#cluster.onConfiguration(configuration, committed);
  }

  onRefused(reason: string): void {
    this.#cluster.onRefused(reason);
  }

  onFact(fact: Fact): void {
    if (fact.type !== "leaderChanged" || fact.leader === 0 || this.#node === undefined) return;
    this.#writes.proposeAgain();
    this.#cluster.onLeader();
  }

  async range(request: RangeRequest, options: RequestOptions = {}): Promise<Answer<RangeResponse>> {
    this.#admit(options);
    validateRange(request);
    if (request.serializable !== true) await this.#linearize(options);
    return this.#read(
      options,
      (authority) => checkRead(request, authority),
      (machine) => machine.range(request),
    );
  }

  async put(request: PutRequest, options: RequestOptions = {}): Promise<Answer<PutResponse>> {
    this.#admit(options);
    validatePut(request);
    const operation = { type: "put", request } as const;
    this.#cluster.requireSpace(operation);
    return this.#write(operation, options);
  }

  async deleteRange(request: DeleteRangeRequest, options: RequestOptions = {}): Promise<Answer<DeleteRangeResponse>> {
    this.#admit(options);
    validateDeleteRange(request);
    return this.#write({ type: "deleteRange", request }, options);
  }

  async txn(request: TxnRequest, options: RequestOptions = {}): Promise<Answer<TxnResponse>> {
    this.#admit(options);
    validateTxn(request);
    if (!isReadOnlyTxn(request)) {
      const operation = { type: "txn", request } as const;
      this.#cluster.requireSpace(operation);
      return this.#write(operation, options);
    }
    await this.#linearize(options);
    return this.#read(
      options,
      (authority) => checkTxn(request, authority),
      (machine) => machine.readTxn(request),
    );
  }

  async compact(request: CompactRequest, options: RequestOptions = {}): Promise<Answer<CompactResponse>> {
    this.#admit(options);
    validateCompact(request);
    return this.#write({ type: "compact", request }, options);
  }

  /** Tells what this member applies, as it does; cut off from the others, it tells nothing new. */
  async watch(request: WatchRequest, options: WatchOptions = {}): Promise<Watcher> {
    this.#admit(options);
    const { auth } = this.#options.machine;
    return this.#auth.permit(
      options,
      (caller) => checkRead(request, { auth, caller }),
      () => this.#watches.watch(request, options),
    );
  }

  async leaseGrant(request: LeaseGrantRequest, options: RequestOptions = {}): Promise<Answer<LeaseGrantResponse>> {
    this.#admit(options);
    validateLeaseGrant(request);
    const { machine, leases, random } = this.#options;
    const grant = completeGrant(request, machine.leases, leases.minTtlSeconds, random);
    return this.#write({ type: "leaseGrant", request: grant }, options);
  }

  async leaseRevoke(request: LeaseRevokeRequest, options: RequestOptions = {}): Promise<Answer<LeaseRevokeResponse>> {
    this.#admit(options);
    validateLeaseId(request);
    return this.#write({ type: "leaseRevoke", request }, options);
  }

  async leaseKeepAlive(
    request: LeaseKeepAliveRequest,
    options: RequestOptions = {},
  ): Promise<Answer<LeaseKeepAliveResponse>> {
    this.#admit(options);
    validateLeaseId(request);
    const { id } = request;
    // One that has a name is answered under that name, and so cannot share a command.
    if (options.identity === undefined) return this.#keepAlives.add(id, this.#deadline(options), options.signal);
    const { ttlSeconds, header } = await this.#write<LeaseRenewals>(
      { type: "leaseKeepAlive", request: { ids: [id] } },
      options,
    );
    return { id, ttlSeconds: ttlSeconds[0]!, header };
  }

  async leaseTimeToLive(
    request: LeaseTimeToLiveRequest,
    options: RequestOptions = {},
  ): Promise<Answer<LeaseTimeToLiveResponse>> {
    this.#admit(options);
    validateLeaseId(request);
    await this.#linearize(options);
    return this.#read(
      options,
      (authority) => request.keys === true && checkLeaseRead(request.id, authority),
      ({ leases }) => leases.timeToLive(request, this.#options.leases.tickMs),
    );
  }

  async leases(options: RequestOptions = {}): Promise<Answer<LeasesResponse>> {
    this.#admit(options);
    await this.#linearize(options);
    return { leases: this.machine.leases.list(), header: this.#header(this.machine.revision) };
  }

  status(): MemberStatus {
    return memberStatus(this.#running, this.#options.machine);
  }

  contacts(): ReturnType<typeof memberContacts> {
    return memberContacts(this.#running);
  }

  /**
   * Hands leadership to another voter, without one to whoever is furthest; for the leader only. Resolves when that one
   * leads.
   *
   * @throws ConsensusError as `RaftNode.transferLeadership`
   */
  async transferLeadership(to: bigint = 0n): Promise<void> {
    await this.#running.transferLeadership(Number(to));
  }

  members(): readonly MemberInfo[] {
    return this.#cluster.members();
  }

  async close(): Promise<void> {
    this.#stop();
    await (this.#closing ??= this.#running.close());
  }

  #removed(error: Error): void {
    if (this.#closed) return;
    this.#end(error);
    void this.close();
  }

  #end(error: Error): void {
    this.#stop();
    this.#failed.resolve(error);
  }

  #stop(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#tick?.cancel();
    this.#watches.close();
    // What was proposed may still be applied, by the others.
    this.#cluster.close();
    this.#keepAlives.close(new CoordinationError("TIMED_OUT"));
    this.#writes.close(new CoordinationError("TIMED_OUT"));
    this.#reads.close(new CoordinationError("STOPPED"));
  }

  get #deskOptions(): Pick<MaintenanceDeskOptions, "header" | "requireRoot" | "linearize" | "write"> {
    return {
      header: () => this.#header(this.#options.machine.revision),
      requireRoot: (options) => this.#admitted(options, () => this.#auth.requireRoot(options)),
      linearize: (options) => this.#admitted(options, () => this.#linearize(options)),
      write: (operation, options) => this.#admitted(options, () => this.#write(operation, options)),
    };
  }

  async #admitted<T>(options: RequestOptions, ask: () => Promise<T>): Promise<T> {
    this.#admit(options);
    return ask();
  }

  #admit({ signal, identity }: Pick<RequestOptions, "signal" | "identity">): void {
    signal?.throwIfAborted();
    if (this.#closed) throw new CoordinationError("STOPPED");
    if (this.#options.self.isWitness === true) throw new CoordinationError("NOT_AT_WITNESS");
    if (identity !== undefined) validateIdentity(identity);
  }

  #header(revision: number): ResponseHeader {
    return { clusterId: this.clusterId, memberId: this.id, revision, term: this.#running.raft.term };
  }

  #deadline({ timeoutMs = defaultTimeoutMs }: RequestOptions): number {
    return this.#options.clock.now() + timeoutMs;
  }

  #linearize(options: RequestOptions): Promise<void> {
    return this.#reads.add(this.#deadline(options), options.signal);
  }

  /** Answers from the state as it is now, if the caller may be told. */
  #read<Response extends object>(
    options: RequestOptions,
    judge: (authority: Authority) => unknown,
    read: (machine: KeyValueStateMachine) => Response,
  ): Promise<Answer<Response>> {
    const { machine } = this.#options;
    const { auth, leases } = machine;
    return this.#auth.permit(
      options,
      (caller) => judge({ auth, caller, keysOf: (lease) => leases.keysOf(lease) }),
      () => ({ ...read(machine), header: this.#header(machine.revision) }),
    );
  }

  #write<Response>(operation: CommandOperation, options: RequestOptions): Promise<Answer<Response>> {
    return this.#named.write<Response>(operation, options);
  }

  #scheduleTick(): void {
    const { clock, machine } = this.#options;
    this.#tick = clock.setTimer(tickMs, () => {
      this.#writes.tick();
      this.#reads.tick(clock.now());
      this.#keepAlives.tick(clock.now());
      this.#leaseClock.tick();
      this.#autoCompaction?.tick();
      this.#cluster.tick();
      machine.sweep(sweepLimit);
      this.#watches.checkLeader();
      if (!this.#closed) this.#scheduleTick();
    });
  }
}
