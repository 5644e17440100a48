import {
  configurationAt,
  configurationOf,
  createRaft,
  emptyConfiguration,
  step,
  type ChangeMode,
  type Configuration,
  type ConfigurationChange,
  type Effects,
  type Entry,
  type HardState,
  type Input,
  type Message,
  type NodeId,
  type PlantedBug,
  type Raft,
  type ReadMode,
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
  readonly maxInFlightBytes?: number;
  readonly maxUncommittedBytes?: number;
  readonly reads?: ReadMode;
  readonly clockDriftRatio?: number;
  readonly diskHangMs?: number;
  readonly plant?: PlantedBug;
}

interface Queued {
  readonly to: NodeId;
  readonly input: Input;
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
  /** What a core's own clock shows; all show the same at first. */
  clockOf: (id: NodeId) => number = () => this.now;
  /** How long a core's disk has been at one write, as the core is told; none is at first. */
  diskWaitOf: (id: NodeId) => number = () => 0;
  /** Cores that stand still: no time passes for them, and what they are sent waits. */
  readonly paused: Set<NodeId> = new Set();
  now = 0;
  #nextChange = 1;
  readonly #options: CoreClusterOptions;
  readonly #stored = new Map<NodeId, Stored>();
  readonly #witnesses = new Set<NodeId>();
  #queue: Queued[] = [];

  constructor(options: CoreClusterOptions) {
    this.#options = options;
    const configuration = configurationOf(Array.from({ length: options.size }, (_, at) => at + 1));
    for (const id of configuration.voters) this.#create(id, configuration);
  }

  #create(id: NodeId, configuration: Configuration): void {
    const snapshot = { index: 0, term: 0, configuration };
    this.#stored.set(id, { hardState: { term: 0, vote: 0 }, snapshot, entries: [] });
    this.restart(id);
  }

  /** Starts a core that is no member yet: one must be told of it. */
  join(id: NodeId, { witness = false }: { readonly witness?: boolean } = {}): void {
    if (witness) this.#witnesses.add(id);
    this.#create(id, emptyConfiguration);
  }

  /** Asks the leader for a change, the answer to which may take until much is delivered. */
  change(changes: readonly ConfigurationChange[], mode: ChangeMode = "auto"): Effects {
    const { leader } = this;
    if (leader === undefined) throw new Error("there is no leader to ask for a change");
    return this.feed(leader.id, { type: "changeConfiguration", id: this.#nextChange++, changes, mode });
  }

  /** Ends a core; `restart` brings it back. */
  crash(id: NodeId): void {
    this.cores.delete(id);
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
      witness: this.#witnesses.has(id),
      ...this.#stored.get(id)!,
      random: random.fork(`core ${id} ${this.now}`),
      now: this.clockOf(id),
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
      const meta = { index, term: core.log.termAt(index)!, configuration: configurationAt(core, index) };
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
    const kept: Queued[] = [];
    for (let at = 0; at < this.#queue.length; at++) {
      const { to, input } = this.#queue[at]!;
      if (!this.cores.has(to)) continue;
      if (this.paused.has(to)) kept.push(this.#queue[at]!);
      else if (input.type !== "message") this.feed(to, input);
      else this.feed(to, { type: "message", message: input.message, now: this.clockOf(to) });
    }
    this.#queue = kept;
  }

  /** Lets time pass for all cores, delivering after every tick. */
  advance(ms: number, tickMs = 10): void {
    for (const end = this.now + ms; this.now < end;) {
      this.now += tickMs;
      for (const id of this.ids) {
        if (this.paused.has(id)) continue;
        this.feed(id, { type: "tick", now: this.clockOf(id), diskWaitMs: this.diskWaitOf(id) });
      }
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
