/** Sequence numbers behind the newest that are still told apart; whatever comes later than that is too late. */
const windowBits = 4096;

export interface ReplayGuardOptions {
  /** How far a packet's time may lie from ours, in milliseconds; infinity does not look at time. */
  readonly maxClockSkewMs: number;
  /** Senders remembered, each by its session. */
  readonly maxSessions: number;
}

/**
 * Lets every sealed packet in once. A sender draws a session number when it starts and counts its packets; of each
 * session the last 4 096 numbers are remembered (the sliding window of RFC 6479). A session that is not remembered must
 * be of our time, and younger than every one that was forgotten, so that what was recorded long ago never comes back.
 */
export class ReplayGuard {
  readonly #options: ReplayGuardOptions;
  /** In the order of last use, the longest ago first. */
  readonly #sessions = new Map<bigint, Session>();
  /** The latest time of any session that was forgotten. */
  #forgottenAt = -Infinity;

  constructor(options: ReplayGuardOptions) {
    this.#options = options;
  }

  /** Sessions remembered. */
  get size(): number {
    return this.#sessions.size;
  }

  /** Whether this packet is new; if so, it will not be again. Call it for authentic packets only. */
  admit(session: bigint, sequence: number, sentAt: number, now: number): "new" | "replayed" | "stale" {
    // Not subtracting first: infinity must let everything pass.
    if (Math.abs(now - sentAt) > this.#options.maxClockSkewMs) return "stale";
    let known = this.#sessions.get(session);
    if (known === undefined) {
      if (sentAt <= this.#forgottenAt) return "stale";
      known = new Session();
      this.#forgetOne();
    } else {
      this.#sessions.delete(session);
    }
    this.#sessions.set(session, known);
    known.lastSentAt = Math.max(known.lastSentAt, sentAt);
    return known.admit(sequence) ? "new" : "replayed";
  }

  #forgetOne(): void {
    if (this.#sessions.size < this.#options.maxSessions) return;
    const [session, forgotten] = this.#sessions.entries().next().value!;
    this.#sessions.delete(session);
    this.#forgottenAt = Math.max(this.#forgottenAt, forgotten.lastSentAt);
  }
}

/** The numbers seen of one session: a ring of bits, each word emptied when the newest number enters it. */
class Session {
  lastSentAt = -Infinity;
  readonly #words = new Uint32Array(windowBits / 32);
  #newest = 0;

  admit(sequence: number): boolean {
    const word = Math.floor(sequence / 32);
    const newestWord = Math.floor(this.#newest / 32);
    const words = this.#words.length;
    if (sequence > this.#newest) {
      const steps = Math.min(word - newestWord, words);
      for (let step = 0; step < steps; step++) this.#words[(word - step) % words] = 0;
      this.#newest = sequence;
    } else if (newestWord - word >= words) {
      return false;
    }
    const bit = 1 << (sequence % 32);
    const seen = (this.#words[word % words]! & bit) !== 0;
    this.#words[word % words]! |= bit;
    return !seen;
  }
}
