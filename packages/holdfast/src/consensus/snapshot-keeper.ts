import type { Clock } from "../runtime/index.ts";
import { configurationAt } from "./configuration-history.ts";
import type { NodeId } from "./entry.ts";
import type { DurableLog } from "./log/durable-log.ts";
import type { Installation, LogWriter } from "./log-writer.ts";
import type { PeerMessage, SnapshotChunk, SnapshotChunkResult } from "./peer-message.ts";
import type { Raft } from "./raft.ts";
import { SnapshotReceiver, type StagedSnapshot } from "./snapshot-receiver.ts";
import { SnapshotSender } from "./snapshot-sender.ts";
import type { StateMachine } from "./state-machine.ts";
import type { Input } from "./step.ts";
import { withoutState } from "./witness-state.ts";

const chunkBytes = 128 * 1024;
const restoreBytes = 1024 * 1024;
const attempts = 5;
/** A snapshot is also taken after this many bytes of commands, however few entries they are. */
const snapshotBytes = 64 * 1024 * 1024;
/** Entries kept behind a snapshot hold at most this. */
const trailingBytes = 16 * 1024 * 1024;

export interface SnapshotKeeperOptions {
  readonly raft: Raft;
  readonly log: DurableLog;
  readonly writer: LogWriter;
  readonly stateMachine: StateMachine;
  readonly clock: Clock;
  /** The position of the newest snapshot at the start. */
  readonly index: number;
  readonly snapshotEntries: number;
  readonly trailingEntries: number;
  readonly send: (message: PeerMessage) => void;
  readonly feed: (input: Input, staged?: StagedSnapshot) => void;
  /** A snapshot was made part of the state, which now stands at `index`. */
  readonly onInstalled: (index: number) => void;
  readonly onError: (error: Error) => void;
}

/** Everything a node does with snapshots: takes them, drops the log behind them, sends, receives and installs them. */
export class SnapshotKeeper {
  readonly #options: SnapshotKeeperOptions;
  readonly #receiver: SnapshotReceiver;
  readonly #senders = new Map<NodeId, SnapshotSender | "opening">();
  #index: number;
  /** Bytes the log in memory held right after the last snapshot. */
  #heldBytes: number;
  #taking: { cancelled: boolean; done: Promise<void> } | undefined;
  #closed = false;

  constructor(options: SnapshotKeeperOptions) {
    this.#options = options;
    this.#receiver = new SnapshotReceiver(options.log);
    this.#index = options.index;
    this.#heldBytes = options.raft.log.bytes;
  }

  /** Takes a snapshot when enough has been applied since the last one. */
  onApplied(applied: number): void {
    const { raft, snapshotEntries } = this.#options;
    const due = applied - this.#index >= snapshotEntries || raft.log.bytes - this.#heldBytes >= snapshotBytes;
    if (!due || applied === this.#index || this.#taking !== undefined || this.#closed) return;
    const taking = { cancelled: false, done: Promise.resolve() };
    this.#taking = taking;
    taking.done = this.#takeOne(applied, taking);
  }

  async #takeOne(index: number, taking: { readonly cancelled: boolean }): Promise<void> {
    try {
      await this.#take(index, taking);
    } catch (error) {
      if (!this.#closed) this.#options.onError(error as Error);
    }
    this.#taking = undefined;
  }

  async #take(index: number, taking: { readonly cancelled: boolean }): Promise<void> {
    const { raft, log, writer, stateMachine, feed, trailingEntries } = this.#options;
    const term = raft.log.termAt(index);
    if (term === undefined) throw new Error(`applied entry ${index} is not in the log`);
    // Captured before anything is awaited: the state as of exactly this index.
    const source = stateMachine.snapshot();
    const configuration = configurationAt(raft, index);
    try {
      const file = await log.createSnapshot({ index, term, configuration });
      for (let chunk = source.next(); chunk !== undefined && !taking.cancelled; chunk = source.next()) {
        await file.write(chunk);
      }
      if (taking.cancelled) {
        await file.abort();
        return;
      }
      await file.commit();
    } finally {
      source.release();
    }
    this.#index = Math.max(this.#index, index);
    writer.run(() => log.compact(index));
    feed({ type: "compact", index: this.#firstKept(index, trailingEntries) - 1 });
    this.#heldBytes = raft.log.bytes;
  }

  /** The first entry to keep behind a snapshot, for followers that are a little behind. */
  #firstKept(index: number, trailingEntries: number): number {
    const { log } = this.#options.raft;
    let first = index + 1;
    for (let bytes = 0; first > index - trailingEntries + 1 && first - 1 > log.baseIndex; first--) {
      bytes += log.at(first - 1)!.data.length;
      if (bytes > trailingBytes) break;
    }
    return first;
  }

  /** Called by the log's writer, before what follows the snapshot in the log: the file, then the state. */
  async install({ meta, staged }: Installation): Promise<void> {
    const { log, stateMachine, onInstalled } = this.#options;
    if (this.#taking !== undefined) {
      this.#taking.cancelled = true;
      await this.#taking.done;
    }
    await staged.writer.commit();
    await restoreNewest(log, stateMachine);
    this.#index = meta.index;
    this.#heldBytes = this.#options.raft.log.bytes;
    onInstalled(meta.index);
  }

  /** Sends the newest snapshot to a follower that has fallen behind the log. */
  async sendTo(peer: NodeId): Promise<void> {
    const { raft, log, clock, send, feed, onError } = this.#options;
    if (this.#senders.has(peer) || this.#closed) return;
    this.#senders.set(peer, "opening");
    const { term } = raft;
    try {
      const reader = await log.openSnapshot();
      if (this.#closed || reader === undefined) {
        this.#senders.delete(peer);
        await reader?.close();
        feed({ type: "snapshotSent", to: peer, index: 0, delivered: false });
        return;
      }
      const sender = new SnapshotSender({
        clock,
        from: raft.id,
        to: peer,
        term,
        reader: raft.configuration.witnesses.includes(peer) ? withoutState(reader) : reader,
        chunkBytes,
        retryMs: raft.electionTimeoutMs,
        attempts,
        send,
        onDone: (delivered) => {
          this.#senders.delete(peer);
          feed({ type: "snapshotSent", to: peer, index: reader.meta.index, delivered });
        },
        onError,
      });
      this.#senders.set(peer, sender);
      sender.start();
    } catch (error) {
      this.#senders.delete(peer);
      if (!this.#closed) onError(error as Error);
    }
  }

  onChunkResult(result: SnapshotChunkResult): void {
    const sender = this.#senders.get(result.from);
    if (sender instanceof SnapshotSender) sender.onResult(result);
  }

  async onChunk(chunk: SnapshotChunk): Promise<void> {
    const { raft, send, feed, onError } = this.#options;
    // A leader of another term shows itself by its heartbeats; its snapshot can wait until then.
    if (this.#closed || chunk.term !== raft.term) return;
    const { from: to, to: from, term, snapshot } = chunk;
    const arrived = { type: "snapshot", from: to, to: from, term, snapshot } as const;
    if (snapshot.index <= raft.commit) {
      // We have outgrown it: there is no need for the rest, and the core's answer says where we stand.
      send({ type: "snapshotChunkResult", from, to, term, snapshotIndex: snapshot.index, offset: chunk.size });
      feed({ type: "message", message: arrived });
      return;
    }
    try {
      const taken = await this.#receiver.take(chunk);
      if (taken === undefined || this.#closed) return;
      send({ type: "snapshotChunkResult", from, to, term, snapshotIndex: snapshot.index, offset: taken.offset });
      if (taken.staged === undefined) return;
      feed({ type: "message", message: arrived }, taken.staged);
    } catch (error) {
      if (!this.#closed) onError(error as Error);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const sender of this.#senders.values()) if (sender !== "opening") sender.stop();
    // What cannot be removed now goes when the log is opened next.
    await this.#receiver.close().catch(() => undefined);
    if (this.#taking === undefined) return;
    this.#taking.cancelled = true;
    await this.#taking.done;
  }
}

/** Replaces the state machine's state by the newest snapshot on the disk. */
export async function restoreNewest(log: DurableLog, stateMachine: StateMachine): Promise<void> {
  const reader = await log.openSnapshot();
  if (reader === undefined) throw new Error("the log names a snapshot that is not there");
  try {
    const chunks: Uint8Array[] = [];
    for (let at = 0; at < reader.size; at += restoreBytes) chunks.push(await reader.read(at, restoreBytes));
    stateMachine.restore(chunks);
  } finally {
    await reader.close();
  }
}
