import {
  createRaft,
  step,
  type Effects,
  type Entry,
  type HardState,
  type Input,
  type Message,
  type NodeId,
  type PlantedBug,
  type Raft,
  type SnapshotMeta,
} from "../consensus/index.ts";
import type { Random } from "../runtime/index.ts";

export interface CoreClusterOptions {
  readonly size: number;
  readonly random: Random;
  /** Default 1 000. */
  readonly electionTimeoutMs?: number;
  /** Default 100. */
  readonly heartbeatMs?: number;
  readonly maxAppendBytes?: number;
  readonly maxInFlight?: number;
  readonly maxUncommittedBytes?: number;
  readonly plant?: PlantedBug;
}

/** What a restart of a core finds: everything that was synced, and a snapshot wherever the log was compacted. */
interface Stored {
  hardState: HardState;
  snapshot: SnapshotMeta;
  /** Those after the snapshot. */
  entries: Entry[];
}

/**
 * Raft cores in one thread, without a driver: messages are delivered in order, and the disk is as fast as memory.
 *
 * For tests of the core by hand and for measuring it.
 */
export class CoreCluster {
  readonly cores: Map<NodeId, Raft> = new Map<NodeId, Raft>();
  /** Decides for each message whether it arrives; all do at first. */
  passes: (message: Message) => boolean = () => true;
  /** Sees the effects of every step before they are performed. */
  onEffects: (id: NodeId, effects: Effects) => void = () => undefined;
  now = 0;
  readonly #options: CoreClusterOptions;
  readonly #stored = new Map<NodeId, Stored>();
  #queue: { readonly to: NodeId; readonly input: Input }[] = [];

  constructor(options: CoreClusterOptions) {
    this.#options = options;
    const voters = Array.from({ length: options.size }, (_, at) => at + 1);
    for (let id = 1; id <= options.size; id++) {
      this.#stored.set(id, {
        hardState: { term: 0, vote: 0 },
        snapshot: { index: 0, term: 0, configuration: { voters } },
        entries: [],
      });
      this.restart(id);
    }
  }

  get ids(): NodeId[] {
    return [...this.cores.keys()];
  }

  core(id: NodeId): Raft {
    const core = this.cores.get(id);
    if (core === undefined) throw new Error(`there is no core ${id}`);
    return core;
  }

  /** The leader of the highest term; undefined when there is none. */
  get leader(): Raft | undefined {
    const leaders = [...this.cores.values()].filter((core) => core.role === "leader");
    return leaders.toSorted((a, b) => b.term - a.term)[0];
  }

  /** Starts a core anew from what it had synced. */
  restart(id: NodeId): void {
    const { size: _, random, electionTimeoutMs = 1_000, heartbeatMs = 100, ...options } = this.#options;
    const core = createRaft({
      ...options,
      id,
      ...this.#stored.get(id)!,
      random: random.fork(`core ${id} ${this.now}`),
      now: this.now,
      electionTimeoutMs,
      heartbeatMs,
    });
    this.cores.set(id, core);
  }

  /** Gives a core one input and performs its effects; what it sends waits for `deliver`. */
  feed(id: NodeId, input: Input): Effects {
    const core = this.core(id);
    const effects = step(core, input);
    this.onEffects(id, effects);
    for (const message of effects.messages) this.#send(message);
    const stored = this.#stored.get(id)!;
    if (effects.hardState !== undefined) stored.hardState = effects.hardState;
    if (effects.restore !== undefined) rebase(stored, effects.restore, []);
    if (effects.entries.length > 0) {
      stored.entries.length = Math.min(stored.entries.length, effects.entries[0]!.index - 1 - stored.snapshot.index);
      for (const entry of effects.entries) stored.entries.push(entry);
    }
    if (input.type === "compact") {
      const { baseIndex: index } = core.log;
      const meta = { index, term: core.log.termAt(index)!, configuration: core.configuration };
      rebase(stored, meta, stored.entries.slice(index - stored.snapshot.index));
    }
    if (effects.mark !== undefined) this.#queue.push({ to: id, input: { type: "synced", mark: effects.mark } });
    for (const message of effects.messagesAfterSync) this.#send(message);
    return effects;
  }

  #send(message: Message): void {
    if (this.passes(message)) this.#queue.push({ to: message.to, input: { type: "message", message } });
  }

  /** Delivers everything that is on its way, and what that causes. */
  deliver(): void {
    for (let at = 0; at < this.#queue.length; at++) this.feed(this.#queue[at]!.to, this.#queue[at]!.input);
    this.#queue = [];
  }

  /** Lets time pass for all cores, delivering after every tick. */
  advance(ms: number, tickMs = 10): void {
    for (const end = this.now + ms; this.now < end;) {
      this.now += tickMs;
      for (const id of this.ids) this.feed(id, { type: "tick", now: this.now });
      this.deliver();
    }
  }

  /** Lets time pass until there is one leader that all who hear it follow. @throws Error after 100 election timeouts */
  elect(): Raft {
    const { electionTimeoutMs = 1_000 } = this.#options;
    const limit = this.now + 100 * electionTimeoutMs;
    while (this.leader === undefined) {
      if (this.now > limit) throw new Error("no leader was elected in 100 election timeouts");
      this.advance(10);
    }
    this.advance(2 * electionTimeoutMs);
    return this.leader;
  }

  /** Cuts the links between the given nodes and all others. */
  isolate(...group: NodeId[]): void {
    const inside = new Set(group);
    this.passes = (message) => inside.has(message.from) === inside.has(message.to);
  }

  heal(): void {
    this.passes = () => true;
  }
}

function rebase(stored: Stored, snapshot: SnapshotMeta, entries: Entry[]): void {
  stored.snapshot = snapshot;
  stored.entries = entries;
}
