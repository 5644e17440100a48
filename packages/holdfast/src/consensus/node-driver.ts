import type { Timer } from "../runtime/index.ts";
import { Applier } from "./applier.ts";
import { ChangeRequests } from "./change-requests.ts";
import { checkChanges, type ConfigurationChange } from "./configuration-change.ts";
import type { Configuration } from "./configuration.ts";
import { ConsensusError } from "./consensus-error.ts";
import type { Effects } from "./effects.ts";
import type { NodeId } from "./entry.ts";
import { shielded } from "../errors/base.ts";
import type { DurableLog, RecoveredLog } from "./log/durable-log.ts";
import { LogWriter } from "./log-writer.ts";
import type { NodeOptions, RaftNode } from "./node.ts";
import { PeerContacts, type PeerContact } from "./peer-contacts.ts";
import { PeerList } from "./peer-list.ts";
import type { PeerMessage } from "./peer-message.ts";
import { ProposalWatch } from "./proposal-watch.ts";
import { createRaft, type Raft } from "./raft.ts";
import { ReadQueue } from "./read-queue.ts";
import type { ChangeMode } from "./reconfiguration.ts";
import { SnapshotKeeper } from "./snapshot-keeper.ts";
import type { StagedSnapshot } from "./snapshot-receiver.ts";
import { step, type Input } from "./step.ts";
import { TransferRequest } from "./transfer-request.ts";
import { witnessState } from "./witness-state.ts";

type DriverOptions = NodeOptions &
  Required<Pick<NodeOptions, "heartbeatMs" | "electionTimeoutMs" | "snapshotEntries" | "trailingEntries">>;

/** Performs what the core asks for, in the documented order. */
export class NodeDriver implements RaftNode {
  readonly raft: Raft;
  readonly failed: Promise<Error>;
  readonly #options: DriverOptions;
  readonly #log: DurableLog;
  readonly #writer: LogWriter;
  readonly #applier: Applier;
  readonly #reads: ReadQueue;
  readonly #snapshots: SnapshotKeeper;
  readonly #transfers: TransferRequest;
  readonly #changes: ChangeRequests;
  readonly #peers: PeerList;
  readonly #contacts: PeerContacts;
  readonly #watch: ProposalWatch | undefined;
  readonly #onFact: NodeOptions["onFact"];
  readonly #onConfiguration: NodeOptions["onConfiguration"];
  #listenerFailures = 0;
  #proposals: Uint8Array[] = [];
  #tick: Timer | undefined;
  #closed = false;
  #fail: (error: Error) => void = () => undefined;

  constructor(options: DriverOptions, log: DurableLog, recovered: RecoveredLog) {
    const { id, runtime, stateMachine, electionTimeoutMs, heartbeatMs, plant } = options;
    const { clock, random } = runtime;
    this.#options = options;
    this.#log = log;
    this.raft = createRaft({
      id,
      ...recovered,
      random: random.fork("raft"),
      now: clock.now(),
      electionTimeoutMs,
      heartbeatMs,
      ...(options.maxAppendBytes === undefined ? {} : { maxAppendBytes: options.maxAppendBytes }),
      ...(options.reads === undefined ? {} : { reads: options.reads }),
      ...(options.clockDriftRatio === undefined ? {} : { clockDriftRatio: options.clockDriftRatio }),
      ...(options.diskHangMs === undefined ? {} : { diskHangMs: options.diskHangMs }),
      witness: stateMachine === witnessState,
      ...(plant === undefined ? {} : { plant }),
    });
    this.#peers = new PeerList(this.raft);
    this.#contacts = new PeerContacts(this.raft);
    this.#changes = new ChangeRequests((request) => this.#feed({ type: "changeConfiguration", ...request }));
    this.failed = new Promise((resolve) => (this.#fail = resolve));
    const onThrown = (): void => void this.#listenerFailures++;
    this.#onFact = shielded(options.onFact, onThrown);
    this.#onConfiguration = shielded(options.onConfiguration, onThrown);
    this.#watch = options.proposals && new ProposalWatch(this.raft, options.proposals, onThrown);
    const onError = (error: Error): void => this.#stop(error);
    this.#writer = new LogWriter({
      log,
      now: () => clock.now(),
      install: (installation) => this.#snapshots.install(installation),
      onDurable: (messages, mark) => {
        for (const message of messages) this.#send(message);
        if (mark !== undefined) this.#watch?.onSynced(mark);
        if (mark !== undefined) this.#feed({ type: "synced", mark });
      },
      onError,
    });
    this.#applier = new Applier({
      raft: this.raft,
      stateMachine,
      clock,
      onApplied: shielded(options.onApplied, onThrown),
      onProgress: (applied) => {
        this.#reads.onApplied(applied);
        this.#watch?.onApplied(applied);
        this.#snapshots.onApplied(applied);
      },
      onError,
    });
    this.#reads = new ReadQueue({
      clock,
      random: random.fork("reads"),
      retryMs: electionTimeoutMs,
      ask: (read) => this.#feed({ type: "read", id: read, now: clock.now() }),
      applied: () => this.#applier.applied,
      onThrown,
    });
    this.#transfers = new TransferRequest({
      raft: this.raft,
      clock,
      ask: (to) => this.#feed({ type: "transferLeadership", to }),
    });
    this.#snapshots = new SnapshotKeeper({
      raft: this.raft,
      log,
      writer: this.#writer,
      stateMachine,
      clock,
      index: recovered.snapshot.index,
      snapshotEntries: options.snapshotEntries,
      trailingEntries: options.trailingEntries,
      send: (message) => this.#send(message),
      feed: (input, staged) => this.#feed(input, staged),
      onInstalled: (index) => this.#applier.resume(index),
      onError,
    });
  }

  get applied(): number {
    return this.#applier.applied;
  }

  get listenerFailures(): number {
    return this.#listenerFailures;
  }

  get logBytes(): number {
    return this.#log.sizeBytes;
  }

  contacts(): readonly PeerContact[] {
    return this.#contacts.all(this.#options.runtime.clock.now());
  }

  async start(): Promise<void> {
    await this.#options.transport.start({
      onMessage: (message) => this.#onMessage(message),
      onUnreachable: (peer) => this.#feed({ type: "unreachable", peer }),
      onHeard: (peer, beats) => {
        const now = this.#options.runtime.clock.now();
        this.#contacts.heard(peer, now);
        if (beats !== undefined) this.#contacts.setBeats(peer, beats);
      },
    });
    const { configurations, configurationCommitted } = this.raft;
    const { index, configuration } = configurations.at(-1)!;
    this.#configure(configuration, index, index <= configurationCommitted);
    this.#scheduleTick();
  }

  propose(command: Uint8Array): void {
    this.#watch?.add(command);
    this.#proposals.push(command);
    if (this.#proposals.length > 1) return;
    // Everything that arrives in this turn of the event loop becomes one append.
    this.#options.runtime.clock.defer(() => {
      const commands = this.#proposals;
      this.#proposals = [];
      this.#feed({ type: "propose", commands });
    });
  }

  read(ready: () => void): () => void {
    return this.#closed ? () => undefined : this.#reads.add(ready);
  }

  transferLeadership(to: NodeId = 0): Promise<void> {
    return this.#closed ? Promise.reject(new ConsensusError("STOPPED")) : this.#transfers.start(to);
  }

  forgetLeader(): void {
    this.#feed({ type: "forgetLeader" });
  }

  changeConfiguration(changes: readonly ConfigurationChange[], mode: ChangeMode = "auto"): Promise<Configuration> {
    if (this.#closed) return Promise.reject(new ConsensusError("STOPPED"));
    checkChanges(changes);
    return this.#changes.start(changes, mode);
  }

  async close(): Promise<void> {
    this.#stop(undefined);
    await this.#options.transport.close();
    await this.#snapshots.close();
    await this.#writer.stop();
    await this.#log.close();
  }

  #stop(error: Error | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#tick?.cancel();
    this.#applier.hold();
    this.#transfers.close();
    this.#changes.close();
    if (error === undefined) return;
    // A node that cannot keep its promises must not go on talking.
    void this.#options.transport.close();
    this.#fail(error);
  }

  #scheduleTick(): void {
    const { runtime, heartbeatMs } = this.#options;
    this.#tick = runtime.clock.setTimer(heartbeatMs / 4, () => {
      const now = runtime.clock.now();
      this.#contacts.judge(now);
      this.#feed({ type: "tick", now, diskWaitMs: this.#writer.waitMs });
      this.#reads.tick();
      this.#transfers.tick();
      if (!this.#closed) this.#scheduleTick();
    });
  }

  #feed(input: Input, staged?: StagedSnapshot): void {
    if (this.#closed) return;
    try {
      this.#perform(step(this.raft, input), staged);
    } catch (error) {
      // The core refuses to go on from a state that breaks Raft's own invariants.
      this.#stop(error as Error);
    }
  }

  #perform(effects: Effects, staged: StagedSnapshot | undefined): void {
    const { plant } = this.#options;
    this.#watch?.onEffects(effects);
    for (const message of effects.messages) this.#send(this.#watch?.withNotes(message) ?? message);
    if (plant === "vote-not-persisted" && effects.hardState?.vote !== 0) effects.hardState = undefined;
    const { messagesAfterSync, mark } = effects;
    const early = plant === "acknowledge-before-sync";
    if (early) {
      effects.messagesAfterSync = [];
      effects.mark = undefined;
    }
    if (effects.restore !== undefined) this.#applier.hold();
    else void staged?.writer.abort();
    this.#writer.add(effects, staged);
    for (const peer of effects.snapshotsTo) void this.#snapshots.sendTo(peer);
    for (const { id, index } of effects.reads) this.#reads.answered(id, index);
    for (const id of effects.droppedReads) this.#reads.dropped(id);
    if (effects.transferRefused !== undefined) this.#transfers.refused(effects.transferRefused);
    this.#changes.onResults(effects.configurationResults);
    for (const fact of effects.facts) {
      this.#transfers.onFact(fact);
      if (fact.type === "configurationChanged") this.#configure(fact.configuration, fact.index, fact.committed);
      this.#onFact?.(fact);
    }
    this.#applier.advance();
    if (!early) return;
    for (const message of messagesAfterSync) this.#send(message);
    if (mark !== undefined) this.#feed({ type: "synced", mark });
  }

  #configure(configuration: Configuration, index: number, committed: boolean): void {
    const { transport } = this.#options;
    if (committed) this.#peers.commit(configuration);
    const { peers, removed } = this.#peers;
    // A node that has not been told who takes part keeps to whom it knows.
    if (peers.size > 0) transport.setPeers(peers, removed);
    this.#onConfiguration?.(configuration, index, committed);
  }

  #send(message: PeerMessage): void {
    if (message.to !== this.#options.id) {
      this.#contacts.said(message, this.raft.now);
      this.#options.transport.send(message);
    } else if (message.type !== "snapshotChunk" && message.type !== "snapshotChunkResult") {
      this.#feed({ type: "message", message, now: this.#options.runtime.clock.now() });
    }
  }

  #onMessage(message: PeerMessage): void {
    if (this.#closed) return;
    const now = this.#options.runtime.clock.now();
    this.#contacts.heard(message.from, now, message.type);
    if (message.type === "snapshotChunk") void this.#snapshots.onChunk(message);
    else if (message.type === "snapshotChunkResult") this.#snapshots.onChunkResult(message);
    else if (message.type === "propose" && this.#watch !== undefined) {
      this.#watch.arrive(message, () => this.#feed({ type: "message", message, now }));
    } else this.#feed({ type: "message", message, now });
  }
}
