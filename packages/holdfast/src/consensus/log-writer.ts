import type { AppendMark, Effects } from "./effects.ts";
import type { Entry, HardState, SnapshotMeta } from "./entry.ts";
import type { DurableLog } from "./log/durable-log.ts";
import type { Message } from "./message.ts";
import type { StagedSnapshot } from "./snapshot-receiver.ts";

/** A snapshot to make part of the node's state before what follows it in the log. */
export interface Installation {
  readonly meta: SnapshotMeta;
  readonly staged: StagedSnapshot;
}

/** What several steps asked for, to be made durable by one write and one sync. */
interface Batch {
  hardState: HardState | undefined;
  installation: Installation | undefined;
  reset: { readonly index: number; readonly term: number } | undefined;
  entries: Entry[];
  mark: AppendMark | undefined;
  messages: Message[];
  durable: boolean;
}

export interface LogWriterOptions {
  readonly log: DurableLog;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** Commits a snapshot that arrived and replaces the state machine's state by it. */
  readonly install: (installation: Installation) => Promise<void>;
  /** What was handed over is durable: its messages may leave, its mark is reached. */
  readonly onDurable: (messages: readonly Message[], mark: AppendMark | undefined) => void;
  readonly onError: (error: Error) => void;
}

/**
 * Group commit: while one batch is being synced, everything else that comes is collected and goes out as the next one.
 * Messages that depend on durability wait behind everything handed over before them.
 */
export class LogWriter {
  readonly #options: LogWriterOptions;
  #next: Batch = emptyBatch();
  #jobs: (() => Promise<void>)[] = [];
  #writing: Promise<void> | undefined;
  #stopped = false;
  #busySince = 0;

  constructor(options: LogWriterOptions) {
    this.#options = options;
  }

  /** How long the disk has been at the present write; 0 when there is none. */
  get waitMs(): number {
    return this.#writing === undefined ? 0 : this.#options.now() - this.#busySince;
  }

  add(effects: Effects, staged: StagedSnapshot | undefined): void {
    const batch = this.#next;
    if (effects.hardState !== undefined) {
      batch.hardState = effects.hardState;
      batch.durable = true;
    }
    if (effects.restore !== undefined && staged !== undefined) {
      // An installation still waiting here is covered by this later one.
      void batch.installation?.staged.writer.abort();
      batch.installation = { meta: effects.restore, staged };
      batch.durable = true;
    }
    if (effects.reset !== undefined) {
      batch.reset = effects.reset;
      batch.entries = [];
      batch.mark = undefined;
    }
    if (effects.entries.length > 0) {
      addEntries(batch.entries, effects.entries);
      batch.durable = true;
    }
    batch.mark = effects.mark ?? batch.mark;
    for (const message of effects.messagesAfterSync) batch.messages.push(message);
    this.#start();
  }

  /** Runs a job that must not overlap with a write. */
  run(job: () => Promise<void>): void {
    this.#jobs.push(job);
    this.#start();
  }

  /** Takes nothing more; resolves when what is being written has ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#writing;
  }

  #start(): void {
    if (this.#writing !== undefined || this.#stopped) return;
    const { durable, messages, mark } = this.#next;
    if (!durable && this.#jobs.length === 0) {
      // Nothing is on its way to the disk and nothing new goes there: the messages need not wait.
      if (messages.length === 0) return;
      this.#next = emptyBatch();
      this.#options.onDurable(messages, mark);
      return;
    }
    this.#busySince = this.#options.now();
    this.#writing = this.#writeAndGoOn();
  }

  async #writeAndGoOn(): Promise<void> {
    try {
      await this.#write();
    } catch (error) {
      this.#stopped = true;
      this.#options.onError(error as Error);
    }
    this.#writing = undefined;
    this.#start();
  }

  async #write(): Promise<void> {
    const { log, install, onDurable } = this.#options;
    const batch = this.#next;
    this.#next = emptyBatch();
    if (batch.durable) {
      if (batch.installation !== undefined) await install(batch.installation);
      const { hardState, reset, entries } = batch;
      await log.append({
        entries,
        ...(hardState === undefined ? {} : { hardState }),
        ...(reset === undefined ? {} : { reset }),
      });
    }
    if (this.#stopped) return;
    if (batch.messages.length > 0 || batch.mark !== undefined) onDurable(batch.messages, batch.mark);
    for (const job of this.#jobs.splice(0)) await job();
  }
}

function emptyBatch(): Batch {
  return {
    hardState: undefined,
    installation: undefined,
    reset: undefined,
    entries: [],
    mark: undefined,
    messages: [],
    durable: false,
  };
}

/** Entries replace those of their index and all after them, also among what is not written yet. */
function addEntries(held: Entry[], added: readonly Entry[]): void {
  const first = added[0]!.index;
  while (held.length > 0 && held.at(-1)!.index >= first) held.pop();
  for (const entry of added) held.push(entry);
}
