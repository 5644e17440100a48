import { defaultNodeOptions, type Entry, type Fact, type RaftNode } from "../consensus/index.ts";
import type { Clock, Random, Timer } from "../runtime/index.ts";
import { decodeIdentity, encodeCommand } from "./command-codec.ts";
import type { CommandOperation, Outcome } from "./command.ts";
import type {
  Answer,
  Member,
  MemberInfo,
  MemberStatus,
  RequestIdentity,
  RequestOptions,
  ResponseHeader,
} from "./coordination.ts";
import { CoordinationError } from "./coordination-error.ts";
import type { KeyValueStateMachine } from "./key-value-state-machine.ts";
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
} from "./key-value.ts";
import { OwnSession } from "./own-session.ts";
import { PendingReads } from "./pending-reads.ts";
import { PendingWrites } from "./pending-writes.ts";
import { isReadOnlyTxn } from "./txn-execution.ts";
import {
  validateCompact,
  validateDeleteRange,
  validateIdentity,
  validatePut,
  validateRange,
  validateTxn,
} from "./validate-request.ts";

export interface ReplicatedMemberOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly machine: KeyValueStateMachine;
  readonly self: MemberInfo;
  readonly clusterId: bigint;
  /** The members the cluster started with, by what their configuration says of them. */
  readonly initialMembers: readonly MemberInfo[];
  readonly electionTimeoutMs?: number;
  readonly maxWaiting: number;
}

const tickMs = 100;
const defaultTimeoutMs = 5_000;
/** Compacted versions freed in one go, between requests. */
const sweepLimit = 500;

/** A member whose state is replicated: writes go through the log, reads are confirmed by the leader. */
export class ReplicatedMember implements Member {
  readonly id: bigint;
  readonly name: string;
  readonly clusterId: bigint;
  readonly #options: ReplicatedMemberOptions;
  readonly #writes: PendingWrites;
  readonly #reads: PendingReads;
  #node: RaftNode | undefined;
  #session: OwnSession | undefined;
  #published: "no" | "under way" | "yes" = "no";
  #tick: Timer | undefined;
  #closed = false;

  constructor(options: ReplicatedMemberOptions) {
    const { self, clusterId, clock, maxWaiting, electionTimeoutMs = defaultNodeOptions.electionTimeoutMs } = options;
    this.#options = options;
    this.id = self.id;
    this.name = self.name;
    this.clusterId = clusterId;
    this.#writes = new PendingWrites({
      now: () => clock.now(),
      propose: (command) => this.#running.propose(command),
      leading: () => this.#running.raft.role === "leader",
      term: () => this.#running.raft.term,
      retryMs: electionTimeoutMs,
      maxWaiting,
    });
    this.#reads = new PendingReads({ read: (ready) => this.#running.read(ready), maxWaiting });
  }

  /** The Raft node underneath, to look at. */
  get node(): RaftNode {
    return this.#running;
  }

  get machine(): KeyValueStateMachine {
    return this.#options.machine;
  }

  get failed(): Promise<Error> {
    return this.#running.failed;
  }

  get #running(): RaftNode {
    if (this.#node === undefined) throw new Error("the member has not started");
    return this.#node;
  }

  /** Called once, when the node runs. */
  start(node: RaftNode): void {
    this.#node = node;
    this.#scheduleTick();
    void node.failed.then(() => this.#stop());
  }

  onApplied(entry: Entry, outcome: Outcome): void {
    const identity = decodeIdentity(entry.data);
    if (identity !== undefined) this.#writes.onApplied(identity, outcome);
  }

  onFact(fact: Fact): void {
    if (fact.type === "leaderChanged" && fact.leader !== 0 && this.#node !== undefined) this.#writes.proposeAgain();
  }

  async range(request: RangeRequest, options: RequestOptions = {}): Promise<Answer<RangeResponse>> {
    this.#admit(options);
    validateRange(request);
    if (request.serializable !== true) await this.#linearize(options);
    const { machine } = this.#options;
    return { ...machine.range(request), header: this.#header(machine.revision) };
  }

  async put(request: PutRequest, options: RequestOptions = {}): Promise<Answer<PutResponse>> {
    this.#admit(options);
    validatePut(request);
    return this.#write({ type: "put", request }, options);
  }

  async deleteRange(request: DeleteRangeRequest, options: RequestOptions = {}): Promise<Answer<DeleteRangeResponse>> {
    this.#admit(options);
    validateDeleteRange(request);
    return this.#write({ type: "deleteRange", request }, options);
  }

  async txn(request: TxnRequest, options: RequestOptions = {}): Promise<Answer<TxnResponse>> {
    this.#admit(options);
    validateTxn(request);
    if (!isReadOnlyTxn(request)) return this.#write({ type: "txn", request }, options);
    await this.#linearize(options);
    const { machine } = this.#options;
    return { ...machine.readTxn(request), header: this.#header(machine.revision) };
  }

  async compact(request: CompactRequest, options: RequestOptions = {}): Promise<Answer<CompactResponse>> {
    this.#admit(options);
    validateCompact(request);
    return this.#write({ type: "compact", request }, options);
  }

  status(): MemberStatus {
    const { raft, applied, logBytes } = this.#running;
    const { revision, storeBytes } = this.#options.machine;
    return {
      role: raft.role === "preCandidate" ? "candidate" : raft.role,
      term: raft.term,
      leader: BigInt(raft.leader),
      commitIndex: raft.commit,
      appliedIndex: applied,
      revision,
      storeBytes,
      logBytes,
    };
  }

  members(): readonly MemberInfo[] {
    const known = new Map(this.#options.initialMembers.map((member) => [member.id, member]));
    for (const member of this.#options.machine.members()) known.set(member.id, member);
    return [...known.values()];
  }

  async close(): Promise<void> {
    this.#stop();
    await this.#running.close();
  }

  #stop(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#tick?.cancel();
    // What was proposed may still be applied, by the others.
    this.#writes.close(new CoordinationError("TIMED_OUT"));
    this.#reads.close(new CoordinationError("STOPPED"));
  }

  #admit({ signal, identity }: RequestOptions): void {
    signal?.throwIfAborted();
    if (this.#closed) throw new CoordinationError("STOPPED");
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

  /** `Response` is what the state machine answers such an operation with. */
  async #write<Response>(operation: CommandOperation, options: RequestOptions): Promise<Answer<Response>> {
    const { signal } = options;
    const deadline = this.#deadline(options);
    if (options.identity !== undefined) return this.#propose(operation, options.identity, deadline, signal);
    const session = this.#session ?? (await this.#openSession(deadline, signal));
    const identity = session.begin();
    try {
      return await this.#propose(operation, identity, deadline, signal);
    } catch (error) {
      // A session that the cluster has forgotten is of no more use.
      const expired = error instanceof CoordinationError && error.code === "SESSION_EXPIRED";
      if (expired && this.#session === session) this.#session = undefined;
      throw error;
    } finally {
      session.end(identity);
    }
  }

  async #propose<Response>(
    operation: CommandOperation,
    identity: RequestIdentity,
    deadline: number,
    signal: AbortSignal | undefined,
  ): Promise<Answer<Response>> {
    const command = encodeCommand({ identity, operation });
    const outcome = await this.#writes.add(identity, command, deadline, signal);
    if (outcome.type === "refused") throw outcome.error;
    return { ...outcome.response, header: this.#header(outcome.revision) } as Answer<Response>;
  }

  /**
   * Opens the session with the first write: it must know a revision that no forgotten session is younger than. Each write
   * that finds none waits by itself, with its own deadline and signal; the first that is ready opens it for all.
   */
  async #openSession(deadline: number, signal: AbortSignal | undefined): Promise<OwnSession> {
    await this.#reads.add(deadline, signal);
    const { random, machine } = this.#options;
    this.#session ??= new OwnSession(random.integer(1, Number.MAX_SAFE_INTEGER), machine.revision);
    return this.#session;
  }

  #scheduleTick(): void {
    const { clock, machine } = this.#options;
    this.#tick = clock.setTimer(tickMs, () => {
      this.#writes.tick();
      this.#reads.tick(clock.now());
      machine.sweep(sweepLimit);
      if (this.#published === "no") void this.#publish();
      if (!this.#closed) this.#scheduleTick();
    });
  }

  /** Makes this member's addresses known to all, however long it takes to find a leader. */
  async #publish(): Promise<void> {
    this.#published = "under way";
    try {
      await this.#write({ type: "memberAttributes", request: this.#options.self }, {});
      this.#published = "yes";
    } catch {
      // No leader yet, or lost on the way: the next tick tries again, and applied twice it would say the same.
      this.#published = "no";
    }
  }
}
