/** How long a suspect has at least: `mult` probe intervals, times the logarithm of the cluster's size. */
export function suspicionTimeoutMs(mult: number, members: number, probeIntervalMs: number): number {
  return mult * Math.max(1, Math.log10(Math.max(1, members))) * probeIntervalMs;
}

/**
 * How long a suspect has after `confirmed` of `wanted` independent confirmations: from `maxMs` down to `minMs`, by the
 * logarithm, so that the first confirmations count most (Lifeguard's "local health aware suspicion").
 */
export function shortenedMs(confirmed: number, wanted: number, minMs: number, maxMs: number): number {
  if (wanted < 1) return minMs;
  const share = Math.log(confirmed + 1) / Math.log(wanted + 1);
  return Math.max(minMs, maxMs - (maxMs - minMs) * share);
}

export interface SuspicionOptions {
  readonly startedAt: number;
  /** Who accused first; it does not confirm its own accusation. */
  readonly from: string;
  /** How many confirmations bring the time down to `minMs`; 0 begins there. */
  readonly wanted: number;
  readonly minMs: number;
  readonly maxMs: number;
}

/** One suspicion and its deadline. Confirmations are counted once for each accuser. */
export class Suspicion {
  readonly #options: SuspicionOptions;
  readonly #accusers = new Set<string>();
  #confirmed = 0;
  #extendedMs = 0;
  #notBefore = 0;

  constructor(options: SuspicionOptions) {
    this.#options = options;
    this.#accusers.add(options.from);
  }

  get confirmed(): number {
    return this.#confirmed;
  }

  get deadline(): number {
    const { startedAt, wanted, minMs, maxMs } = this.#options;
    const due = startedAt + this.#extendedMs + shortenedMs(this.#confirmed, wanted, minMs, maxMs);
    return Math.max(due, this.#notBefore);
  }

  /** False when this accuser is known, or no more confirmations are wanted: then it need not be passed on. */
  confirm(from: string): boolean {
    if (this.#confirmed >= this.#options.wanted || this.#accusers.has(from)) return false;
    this.#accusers.add(from);
    this.#confirmed++;
    return true;
  }

  /** The observer was held up for `lagMs`: the suspect gets as much more, and never less than until `notBefore`. */
  extend(lagMs: number, notBefore: number): void {
    this.#extendedMs += lagMs;
    this.#notBefore = Math.max(this.#notBefore, notBefore);
  }
}
