import { checkFunction, checkInteger, checkNumber, checkOptionNames, InvalidArgumentError } from "../errors/base.ts";
import { systemClock, type Clock, type Timer } from "../runtime/system.ts";
import { OpinionBook, parseOpinion, type Opinion, type OpinionState } from "./breaker-opinion.ts";
import { BreakerStage } from "./breaker-stage.ts";
import type { BreakerMachine, BreakerState } from "./breaker-state.ts";
import type { CircuitBreaker } from "./circuit-breaker.ts";
import { stageOf, type Staged } from "./stage.ts";

/**
 * How opinions travel: over publish and subscribe of any kind. It may lose, delay, repeat and reorder them; it must know
 * whom it carries, because who can speak for many is many.
 */
export interface OpinionChannel {
  /** Sends to all processes; the sender's own copy does no harm. What it throws, or rejects with, is counted. */
  publish(opinion: Opinion): PromiseLike<unknown> | void;
  /** Hands over what comes, parsed, whatever it is; until the function that it returns is called. */
  subscribe(listener: (message: unknown) => void): () => void;
}

export interface BreakerQuorumOptions {
  /** A `circuitBreaker()`, on the same clock. */
  readonly breaker: CircuitBreaker;
  /** Names this process, as no other. */
  readonly nodeId: string;
  readonly channel: OpinionChannel;
  /** What the breaker is called in all processes. Default: its `name`. */
  readonly key?: string;
  /**
   * How many must say `open`: an integer >= 2, so that of two processes neither opens the other. Default: more than half
   * of the processes, at least 2.
   */
  readonly quorum?: number;
  /**
   * How many processes there are: an integer >= 1, or a function that gives it. The majority is then of these, and silence
   * is no consent. Default: those that are heard, after listening for `opinionTtlMs`; a few who hear only each other may
   * then be wrong together.
   */
  readonly expectedNodes?: number | (() => number);
  /** Whose opinion counts. Default: everybody's whom the channel carries. One that throws: no. */
  readonly isMember?: (nodeId: string) => boolean;
  /** How long an opinion counts that is not renewed; milliseconds > 0, default 30 000. More than clocks may disagree. */
  readonly opinionTtlMs?: number;
  /** How often the own opinion is renewed; milliseconds > 0, below `opinionTtlMs`. Default a third of it. */
  readonly renewEveryMs?: number;
  /** How many processes are listened to: >= 1, default 1 000. */
  readonly maxNodes?: number;
  readonly clock?: Clock;
}

export interface BreakerQuorumMetrics {
  /** Whether enough say `open`, or did and are only trying whether that is over. */
  readonly reached: boolean;
  /** Whether the breaker is open for that reason alone. */
  readonly holding: boolean;
  /** Processes that have something to say, this one included. */
  readonly live: number;
  /** Those of them that say `open`. */
  readonly open: number;
  /** How many would have to; Infinity while the number of processes is not known. */
  readonly needed: number;
  /** Opinions by what became of them. */
  readonly received: {
    readonly taken: number;
    /** Older than what was heard since, or heard before. */
    readonly late: number;
    /** So long on the way that they no longer count. */
    readonly stale: number;
    /** From strangers, or from more than `maxNodes`. */
    readonly refused: number;
    /** No opinions at all. */
    readonly malformed: number;
    /** Said by another process that uses this one's `nodeId`. */
    readonly impostor: number;
  };
  readonly published: number;
  readonly publishFailed: number;
}

export interface BreakerQuorum extends AsyncDisposable {
  readonly metrics: BreakerQuorumMetrics;
  /** Takes the own opinion back, lets go of the breaker, and stops listening. */
  close(): Promise<void>;
}

export const breakerQuorumDefaults: {
  readonly opinionTtlMs: 30_000;
  readonly maxNodes: 1_000;
} = { opinionTtlMs: 30_000, maxNodes: 1_000 };

/**
 * Lets processes warn each other of what is broken without sharing a breaker. Each says what its own breaker has found
 * out; a breaker that is closed opens when enough fresh opinions say `open`, and closes when they no longer do. One
 * process that is wrong, or whose own network is broken, opens its own breaker and nobody else's.
 *
 * What a person set is left alone, and so is a breaker that has opened by itself. A breaker held open by others records
 * nothing and goes on saying `closed`: an echo is no opinion. One that a person closes is not opened again by the same
 * quorum.
 *
 * One timer renews the opinion; what the others said expires when it is looked at.
 *
 * @throws InvalidArgumentError for options out of range, and for a breaker that has a quorum already
 * @example
 * const quorum = breakerQuorum({ breaker, nodeId: "orders-1", channel, expectedNodes: 5 });
 */
export function breakerQuorum(options: BreakerQuorumOptions): BreakerQuorum {
  const quorum = new Quorum(check(options));
  const close = (): Promise<void> => quorum.close();
  return {
    get metrics() {
      return quorum.metrics;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

interface Settings extends Required<Omit<BreakerQuorumOptions, "breaker" | "quorum" | "expectedNodes" | "isMember">> {
  readonly machine: BreakerMachine;
  readonly quorum: number | undefined;
  readonly expectedNodes: BreakerQuorumOptions["expectedNodes"];
  readonly isMember: BreakerQuorumOptions["isMember"];
}

/** What a state says about what is protected; nothing when a person chose it. */
const opinionOf: Readonly<Record<BreakerState, OpinionState>> = {
  closed: "closed",
  rampUp: "closed",
  open: "open",
  halfOpen: "halfOpen",
  forcedOpen: "none",
  disabled: "none",
  metricsOnly: "none",
};

class Quorum {
  readonly #settings: Settings;
  readonly #book: OpinionBook;
  readonly #unsubscribe: () => void;
  readonly #since: number;
  readonly #received = { taken: 0, late: 0, stale: 0, refused: 0, malformed: 0, impostor: 0 };
  #published = 0;
  #publishFailed = 0;
  #said: OpinionState | undefined;
  /** Begins with the time, so that it goes on growing over a restart. */
  #sequence: number;
  /** A person closed the breaker while the quorum stood: it must be lost before it counts again. */
  #overruled = false;
  #timer: Timer | undefined;
  #closed = false;

  constructor(settings: Settings) {
    const { clock, opinionTtlMs, maxNodes, machine, channel } = settings;
    this.#settings = settings;
    this.#since = clock.now();
    this.#book = new OpinionBook(clock, opinionTtlMs, maxNodes);
    this.#sequence = Math.max(0, Math.floor(clock.wallTime()));
    this.#unsubscribe = channel.subscribe((message) => this.#hear(message));
    machine.observer = (_from, _to, reason) => {
      if (reason === "manual") this.#overruled = this.#vote().reached;
      if (this.#own() !== this.#said) this.#say(this.#own());
      this.#decide();
    };
    this.#renew();
  }

  get metrics(): BreakerQuorumMetrics {
    const { reached, live, open, needed } = this.#vote();
    const counts = { published: this.#published, publishFailed: this.#publishFailed };
    const holding = this.#settings.machine.held;
    return { reached, holding, live, open, needed, received: { ...this.#received }, ...counts };
  }

  close(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    this.#closed = true;
    this.#timer?.cancel();
    this.#unsubscribe();
    this.#settings.machine.observer = undefined;
    this.#settings.machine.unhold();
    this.#say("none");
    return Promise.resolve();
  }

  #renew(): void {
    if (this.#closed) return;
    this.#say(this.#own());
    this.#decide();
    // The channel may have closed it while it was told.
    if (this.#closed) return;
    this.#timer = this.#settings.clock.setTimer(this.#settings.renewEveryMs, () => this.#renew());
  }

  #own(): OpinionState {
    const { machine } = this.#settings;
    return machine.held ? "closed" : opinionOf[machine.state];
  }

  #say(state: OpinionState): void {
    const { key, nodeId, opinionTtlMs, channel, clock } = this.#settings;
    this.#said = state;
    this.#published++;
    const at = clock.wallTime();
    const failed = (): void => {
      this.#publishFailed++;
    };
    try {
      const sequence = ++this.#sequence;
      const sent = channel.publish({ version: 1, breaker: key, nodeId, state, sequence, at, ttlMs: opinionTtlMs });
      if (sent !== undefined) void Promise.resolve(sent).catch(failed);
    } catch {
      failed();
    }
  }

  #hear(message: unknown): void {
    if (this.#closed) return;
    const opinion = parseOpinion(message);
    if (opinion === undefined) {
      this.#received.malformed++;
      return;
    }
    if (opinion.breaker !== this.#settings.key) return;
    if (opinion.nodeId === this.#settings.nodeId) {
      if (opinion.sequence > this.#sequence) this.#received.impostor++;
      return;
    }
    this.#received[this.#isMember(opinion.nodeId) ? this.#book.take(opinion) : "refused"]++;
    this.#decide();
  }

  #decide(): void {
    if (this.#closed) return;
    const { reached, heldForMs } = this.#vote();
    if (!reached) {
      this.#overruled = false;
      this.#settings.machine.unhold();
    } else if (!this.#overruled) this.#settings.machine.hold(heldForMs);
  }

  #vote(): {
    readonly reached: boolean;
    readonly live: number;
    readonly open: number;
    readonly needed: number;
    /** How long it stays reached if nobody says anything more. */
    readonly heldForMs: number;
  } {
    const others = this.#book.tally();
    const own = this.#own();
    const live = others.live + (own === "none" ? 0 : 1);
    const open = others.open + (own === "open" ? 1 : 0);
    const needed = this.#needed(live);
    // To open takes those that say so now. To stay open, probes of theirs may be under way: if others were let loose at
    // what is only being tried, the trial would be worth nothing.
    const held = this.#settings.machine.held;
    const reached = (held ? others.openForMs.length : open) >= needed;
    return { reached, live, open, needed, heldForMs: others.openForMs[needed - 1] ?? 0 };
  }

  /** While nobody knows of how many processes it would be the majority, no number is enough. */
  #needed(live: number): number {
    const { quorum, expectedNodes = 0, opinionTtlMs, clock } = this.#settings;
    if (quorum !== undefined) return quorum;
    const listening = this.#settings.expectedNodes === undefined && clock.now() - this.#since < opinionTtlMs;
    if (listening) return Number.POSITIVE_INFINITY;
    let expected: number;
    try {
      expected = typeof expectedNodes === "function" ? expectedNodes() : expectedNodes;
    } catch {
      expected = Number.NaN;
    }
    if (!(expected >= 0)) return Number.POSITIVE_INFINITY;
    return Math.max(2, Math.floor(Math.max(live, expected) / 2) + 1);
  }

  #isMember(nodeId: string): boolean {
    try {
      return this.#settings.isMember?.(nodeId) ?? true;
    } catch {
      return false;
    }
  }
}

const names: readonly (keyof BreakerQuorumOptions)[] = [
  "breaker",
  "nodeId",
  "channel",
  "key",
  "quorum",
  "expectedNodes",
  "isMember",
  "opinionTtlMs",
  "renewEveryMs",
  "maxNodes",
  "clock",
];

function check(options: BreakerQuorumOptions): Settings {
  checkOptionNames("breakerQuorum", options, names);
  const { nodeId, channel, quorum, expectedNodes, isMember, clock = systemClock } = options;
  const stage = (options.breaker as (CircuitBreaker & Partial<Staged>) | undefined)?.[stageOf];
  if (!(stage instanceof BreakerStage)) {
    throw new InvalidArgumentError("breakerQuorum.breaker", "must be a circuitBreaker()", options.breaker);
  }
  if (stage.machine.observer !== undefined) {
    throw new InvalidArgumentError("breakerQuorum.breaker", "must have no quorum yet", options.breaker);
  }
  name("nodeId", nodeId, 1);
  const key = name("key", options.key ?? stage.name, 0);
  if (typeof channel?.publish !== "function" || typeof channel.subscribe !== "function") {
    throw new InvalidArgumentError("breakerQuorum.channel", "must have publish and subscribe", channel);
  }
  if (quorum !== undefined) checkInteger("breakerQuorum.quorum", quorum, 2);
  if (expectedNodes !== undefined && typeof expectedNodes !== "function") {
    checkInteger("breakerQuorum.expectedNodes", expectedNodes, 1);
  }
  checkFunction("breakerQuorum.isMember", isMember);
  const opinionTtlMs = checkNumber(
    "breakerQuorum.opinionTtlMs",
    options.opinionTtlMs ?? breakerQuorumDefaults.opinionTtlMs,
    1,
  );
  const renewEveryMs = checkNumber("breakerQuorum.renewEveryMs", options.renewEveryMs ?? opinionTtlMs / 3, 0);
  if (renewEveryMs <= 0 || renewEveryMs >= opinionTtlMs) {
    const rule = `must be above 0, and below opinionTtlMs, ${opinionTtlMs}`;
    throw new InvalidArgumentError("breakerQuorum.renewEveryMs", rule, renewEveryMs);
  }
  const maxNodes = checkInteger("breakerQuorum.maxNodes", options.maxNodes ?? breakerQuorumDefaults.maxNodes, 1);
  const { machine } = stage;
  return {
    machine,
    nodeId,
    channel,
    key,
    quorum,
    expectedNodes,
    isMember,
    opinionTtlMs,
    renewEveryMs,
    maxNodes,
    clock,
  };
}

/** As the other processes will take it. */
function name(option: string, value: unknown, least: number): string {
  if (typeof value === "string" && value.length >= least && value.length <= 256) return value;
  throw new InvalidArgumentError(`breakerQuorum.${option}`, `must be a string of ${least} to 256 characters`, value);
}
