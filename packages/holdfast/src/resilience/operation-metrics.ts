import { MovingQuantile } from "./quantile.ts";

/** How a call ended, for whoever gives advice. */
export interface CallRecord {
  /** Milliseconds >= 0, all tries together. */
  readonly durationMs: number;
  readonly ok: boolean;
  /** How often the operation was called: an integer >= 0. Default 1; 0 when a policy turned the call away. */
  readonly attempts?: number;
  /** Of a failure, whether the same call may succeed later. Default false. */
  readonly transient?: boolean;
  /** What was asked for, to see whether the same is asked again. Default: not known. */
  readonly key?: string;
  /** How many calls of the operation were under way, this one among them. Default: not known. */
  readonly inFlight?: number;
}

/** What the last calls of an operation were like. Shares are 0..1. */
export interface OperationMetrics {
  readonly operation: string;
  /** How many calls the rest is made of. */
  readonly calls: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly failureShare: number;
  /** Of the failures, those that may go away. */
  readonly transientShare: number;
  /** Tries beyond the first, by calls. */
  readonly retryRatio: number;
  /** Calls that a policy turned away. */
  readonly rejectedShare: number;
  /** Calls for a key that had been asked for before, among those with a key; 0 without any. */
  readonly repeatShare: number;
  /** Failures for a key that had failed before, by calls. */
  readonly repeatedFailureShare: number;
  readonly maxInFlight: number;
}

const ok = 1;
const transient = 2;
const turnedAway = 4;
const repeated = 8;
const repeatedFailure = 16;
const keyed = 32;

/** The last calls of one operation: constant time for each, bounded memory. */
export class OperationWindow {
  readonly #durations: MovingQuantile;
  readonly #flags: Uint8Array;
  readonly #retries: Uint16Array;
  readonly #inFlight: Uint32Array;
  /** Keys of the last calls, oldest first, and whether the last call for each failed. */
  readonly #keys = new Map<string, boolean>();
  readonly #size: number;
  #at = 0;
  #count = 0;

  constructor(size: number) {
    this.#size = size;
    this.#durations = new MovingQuantile(size);
    this.#flags = new Uint8Array(size);
    this.#retries = new Uint16Array(size);
    this.#inFlight = new Uint32Array(size);
  }

  record(call: CallRecord): void {
    const { attempts = 1, key } = call;
    let flags = (call.ok ? ok : call.transient === true ? transient : 0) | (attempts === 0 ? turnedAway : 0);
    if (key !== undefined) flags |= keyed | this.#remember(key, !call.ok);
    this.#durations.record(call.durationMs);
    this.#flags[this.#at] = flags;
    this.#retries[this.#at] = Math.min(65_535, Math.max(0, attempts - 1));
    this.#inFlight[this.#at] = call.inFlight ?? 0;
    this.#at = (this.#at + 1) % this.#size;
    this.#count = Math.min(this.#size, this.#count + 1);
  }

  metrics(operation: string): OperationMetrics {
    const calls = this.#count;
    const counts = { failures: 0, transient: 0, turnedAway: 0, repeated: 0, repeatedFailures: 0, keyed: 0, retries: 0 };
    let maxInFlight = 0;
    for (let at = 0; at < calls; at++) {
      const flags = this.#flags[at] as number;
      if ((flags & ok) === 0) counts.failures++;
      if ((flags & transient) !== 0) counts.transient++;
      if ((flags & turnedAway) !== 0) counts.turnedAway++;
      if ((flags & repeated) !== 0) counts.repeated++;
      if ((flags & repeatedFailure) !== 0) counts.repeatedFailures++;
      if ((flags & keyed) !== 0) counts.keyed++;
      counts.retries += this.#retries[at] as number;
      maxInFlight = Math.max(maxInFlight, this.#inFlight[at] as number);
    }
    const share = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole);
    return {
      operation,
      calls,
      p50Ms: calls === 0 ? 0 : this.#durations.quantile(0.5),
      p99Ms: calls === 0 ? 0 : this.#durations.quantile(0.99),
      failureShare: share(counts.failures, calls),
      transientShare: share(counts.transient, counts.failures),
      retryRatio: share(counts.retries, calls),
      rejectedShare: share(counts.turnedAway, calls),
      repeatShare: share(counts.repeated, counts.keyed),
      repeatedFailureShare: share(counts.repeatedFailures, calls),
      maxInFlight,
    };
  }

  #remember(key: string, failed: boolean): number {
    const before = this.#keys.get(key);
    this.#keys.delete(key);
    this.#keys.set(key, failed);
    if (this.#keys.size > this.#size) this.#keys.delete(this.#keys.keys().next().value as string);
    if (before === undefined) return 0;
    return repeated | (before && failed ? repeatedFailure : 0);
  }
}
