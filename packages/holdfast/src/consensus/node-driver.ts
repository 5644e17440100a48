import type { Timer } from "../runtime/index.ts";
import { Applier } from "./applier.ts";
import type { Effects } from "./effects.ts";
import type { DurableLog, RecoveredLog } from "./log/durable-log.ts";
import { LogWriter } from "./log-writer.ts";
import type { NodeOptions, RaftNode } from "./node.ts";
import type { PeerMessage } from "./peer-message.ts";
import { createRaft, type Raft } from "./raft.ts";
import { ReadQueue } from "./read-queue.ts";
import { SnapshotKeeper } from "./snapshot-keeper.ts";
import type { StagedSnapshot } from "./snapshot-receiver.ts";
import { step, type Input } from "./step.ts";

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
      ...(plant === undefined ? {} : { plant }),
    });
    this.failed = new Promise((resolve) => (this.#fail = resolve));
    const onError = (error: Error): void => this.#stop(error);
    this.#writer = new LogWriter({
      log,
      install: (installation) => this.#snapshots.install(installation),
      onDurable: (messages, mark) => {
        for (const message of messages) this.#send(message);
        if (mark !== undefined) this.#feed({ type: "synced", mark });
      },
      onError,
    });
    this.#applier = new Applier({
      raft: this.raft,
      stateMachine,
      clock,
      onApplied: options.onApplied,
      onProgress: (applied) => {
        this.#reads.onApplied(applied);
        this.#snapshots.onApplied(applied);
      },
      onError,
    });
    this.#reads = new ReadQueue({
      clock,
      random: random.fork("reads"),
      retryMs: electionTimeoutMs,
      ask: (read) => this.#feed({ type: "read", id: read }),
      applied: () => this.#applier.applied,
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

  get logBytes(): number {
    return this.#log.sizeBytes;
  }

  async start(): Promise<void> {
    await this.#options.transport.start({
      onMessage: (message) => this.#onMessage(message),
      onUnreachable: (peer) => this.#feed({ type: "unreachable", peer }),
    });
    this.#scheduleTick();
  }

  propose(command: Uint8Array): void {
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
    if (error === undefined) return;
    // A node that cannot keep its promises must not go on talking.
    void this.#options.transport.close();
    this.#fail(error);
  }

  #scheduleTick(): void {
    const { runtime, heartbeatMs } = this.#options;
    this.#tick = runtime.clock.setTimer(heartbeatMs / 4, () => {
      this.#feed({ type: "tick", now: runtime.clock.now() });
      this.#reads.tick();
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
    const { plant, onFact } = this.#options;
    for (const message of effects.messages) this.#send(message);
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
    if (onFact !== undefined) for (const fact of effects.facts) onFact(fact);
    this.#applier.advance();
    if (!early) return;
    for (const message of messagesAfterSync) this.#send(message);
    if (mark !== undefined) this.#feed({ type: "synced", mark });
  }

  #send(message: PeerMessage): void {
    if (message.to !== this.#options.id) {
      this.#options.transport.send(message);
    } else if (message.type !== "snapshotChunk" && message.type !== "snapshotChunkResult") {
      this.#feed({ type: "message", message });
    }
  }

  #onMessage(message: PeerMessage): void {
    if (this.#closed) return;
    if (message.type === "snapshotChunk") void this.#snapshots.onChunk(message);
    else if (message.type === "snapshotChunkResult") this.#snapshots.onChunkResult(message);
    else this.#feed({ type: "message", message });
  }
}
