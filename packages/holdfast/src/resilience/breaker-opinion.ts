import type { Clock } from "../runtime/system.ts";

/**
 * What one process has found out about what its breaker protects; JSON. `none`: it has nothing to say, because a person
 * set its breaker, or because it is leaving.
 */
export interface Opinion {
  readonly version: 1;
  /** Which breaker it is about, the same in all processes. */
  readonly breaker: string;
  readonly nodeId: string;
  /** By the process's own calls alone: whoever is open by the word of others says `closed`. */
  readonly state: OpinionState;
  /** Grows with each opinion of the process, also over a restart. */
  readonly sequence: number;
  /** When it was said, by the clock of the process, milliseconds since 1970. */
  readonly at: number;
  /** How long it counts, unless the next one comes; the listener may cut it. */
  readonly ttlMs: number;
}

export type OpinionState = "closed" | "open" | "halfOpen" | "none";

/** Longer names come from nobody who means well. */
const longestName = 256;

/** The opinion that a message is; undefined when it is none. Names that are not known are left out. */
export function parseOpinion(message: unknown): Opinion | undefined {
  if (typeof message !== "object" || message === null) return undefined;
  const { version, breaker, nodeId, state, sequence, at, ttlMs } = message as Record<string, unknown>;
  if (version !== 1 || !isName(breaker) || !isName(nodeId) || nodeId === "" || !isState(state)) return undefined;
  if (!Number.isSafeInteger(sequence) || !Number.isFinite(at) || !Number.isFinite(ttlMs)) return undefined;
  const numbers = { sequence, at, ttlMs } as { sequence: number; at: number; ttlMs: number };
  return numbers.sequence < 0 || numbers.ttlMs <= 0 ? undefined : { version, breaker, nodeId, state, ...numbers };
}

function isName(value: unknown): value is string {
  return typeof value === "string" && value.length <= longestName;
}

function isState(value: unknown): value is OpinionState {
  return value === "closed" || value === "open" || value === "halfOpen" || value === "none";
}

/** What became of an opinion that came: `late` is older than what its process said since, or the same once more. */
export type Reception = "taken" | "late" | "stale" | "refused";

interface Voice {
  readonly sequence: number;
  readonly state: OpinionState;
  /** On the listener's monotonic clock. */
  readonly expiresAt: number;
  /** How long the last `open` counts, for as long as nothing but `halfOpen` came after it; else 0. */
  readonly openUntil: number;
}

export interface Tally {
  /** How many have something to say. */
  readonly live: number;
  /** How many of them say `open`. */
  readonly open: number;
  /**
   * For how long the word `open` still counts of each that said so, the longest first. Who says `halfOpen` after it has
   * not taken it back: a few probes are under way. But it is not renewed, because without calls they never end.
   */
  readonly openForMs: readonly number[];
}

/** The last word of each of the other processes, for as long as it counts. Nothing runs in the background. */
export class OpinionBook {
  readonly #voices: Map<string, Voice> = new Map();
  readonly #clock: Clock;
  readonly #maxTtlMs: number;
  readonly #maxNodes: number;

  constructor(clock: Clock, maxTtlMs: number, maxNodes: number) {
    this.#clock = clock;
    this.#maxTtlMs = maxTtlMs;
    this.#maxNodes = maxNodes;
  }

  take({ nodeId, state, sequence, at, ttlMs }: Opinion): Reception {
    // On the way for too long. Where the clocks disagree by more than the time to live, nobody is believed.
    const leftMs = Math.min(ttlMs, this.#maxTtlMs) - Math.max(0, this.#clock.wallTime() - at);
    if (leftMs <= 0) return "stale";
    this.#expire();
    const known = this.#voices.get(nodeId);
    if (known !== undefined && known.sequence >= sequence) return "late";
    if (known === undefined && this.#voices.size >= this.#maxNodes) return "refused";
    const expiresAt = this.#clock.now() + leftMs;
    const openUntil = state === "open" ? expiresAt : state === "halfOpen" ? (known?.openUntil ?? 0) : 0;
    this.#voices.set(nodeId, { sequence, state, expiresAt, openUntil });
    return "taken";
  }

  tally(): Tally {
    this.#expire();
    const now = this.#clock.now();
    const voices = [...this.#voices.values()].filter(({ state }) => state !== "none");
    const openForMs = voices.map(({ openUntil }) => openUntil - now).filter((ms) => ms > 0);
    const open = voices.filter(({ state }) => state === "open").length;
    return { live: voices.length, open, openForMs: openForMs.toSorted((a, b) => b - a) };
  }

  #expire(): void {
    const now = this.#clock.now();
    for (const [nodeId, { expiresAt }] of this.#voices) if (expiresAt <= now) this.#voices.delete(nodeId);
  }
}
