/** How a call ended. Abandoned: whoever made it no longer wants the answer. */
export type CallOutcome = "succeeded" | "failed" | "abandoned";

/** Fits the `observer` of `measure` in `holdfast/resilience`. */
export interface CallObserver {
  started(): void;
  ended(outcome: CallOutcome, durationMs: number): void;
}

export interface WindowView {
  readonly callsPerSecond: number;
  readonly failureRatio: number | null;
  readonly durationMs: { readonly p50: number; readonly p90: number; readonly p99: number } | null;
}

const windowMs = 10_000;
const sliceMs = 1_000;
const slices = windowMs / sliceMs;
/** From 0.1 ms up, each bucket wider than the last by this factor; the last one takes all that is longer. */
const growth = 2 ** 0.25;
const leastMs = 0.1;
const buckets = 96;

/** Calls of the last ten seconds: how many, how they ended, how long they took. Constant memory, no timer. */
export class CallWindow implements CallObserver {
  readonly #now: () => number;
  readonly #startedMs: number;
  readonly #histograms: Uint32Array = new Uint32Array(slices * buckets);
  readonly #calls: Uint32Array = new Uint32Array(slices);
  readonly #failures: Uint32Array = new Uint32Array(slices);
  #latest: number;
  #active = 0;
  #counts = { succeeded: 0, failed: 0, abandoned: 0 };

  constructor(now: () => number) {
    this.#now = now;
    this.#startedMs = now();
    this.#latest = Math.floor(this.#startedMs / sliceMs);
  }

  get active(): number {
    return this.#active;
  }

  /** Since the start. */
  get counts(): Readonly<Record<CallOutcome, number>> {
    return this.#counts;
  }

  started(): void {
    this.#active++;
  }

  ended(outcome: CallOutcome, durationMs: number): void {
    this.#active--;
    this.#counts[outcome]++;
    if (outcome === "abandoned") return;
    const at = this.#advance();
    this.#calls[at]!++;
    if (outcome === "failed") this.#failures[at]!++;
    this.#histograms[at * buckets + bucketOf(durationMs)]!++;
  }

  view(): WindowView {
    this.#advance();
    const calls = sum(this.#calls);
    const spanMs = Math.min(windowMs, Math.max(sliceMs, this.#now() - this.#startedMs));
    if (calls === 0) return { callsPerSecond: 0, failureRatio: null, durationMs: null };
    return {
      callsPerSecond: (calls * 1_000) / spanMs,
      failureRatio: sum(this.#failures) / calls,
      durationMs: {
        p50: this.#quantile(0.5, calls),
        p90: this.#quantile(0.9, calls),
        p99: this.#quantile(0.99, calls),
      },
    };
  }

  #quantile(share: number, calls: number): number {
    let rank = Math.max(1, Math.ceil(share * calls));
    for (let bucket = 0; bucket < buckets; bucket++) {
      for (let slice = 0; slice < slices; slice++) rank -= this.#histograms[slice * buckets + bucket]!;
      if (rank <= 0) return rounded(leastMs * growth ** (bucket - 0.5));
    }
    return rounded(leastMs * growth ** buckets);
  }

  /** Empties what is older than the window; gives the place of the slice under way. */
  #advance(): number {
    const slice = Math.floor(this.#now() / sliceMs);
    const old = Math.min(slice - this.#latest, slices);
    for (let step = 1; step <= old; step++) {
      const at = (slice - old + step) % slices;
      this.#calls[at] = this.#failures[at] = 0;
      this.#histograms.fill(0, at * buckets, (at + 1) * buckets);
    }
    this.#latest = Math.max(this.#latest, slice);
    return this.#latest % slices;
  }
}

function bucketOf(durationMs: number): number {
  if (!(durationMs > leastMs)) return 0;
  return Math.min(buckets - 1, Math.ceil(Math.log(durationMs / leastMs) / Math.log(growth)));
}

function sum(values: Uint32Array): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}

function rounded(value: number): number {
  return Number(value.toPrecision(3));
}
