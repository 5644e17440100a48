import { fingerprintText, messagePattern, type ErrorIdentity, type FingerprintKey } from "./fingerprint.ts";
import { SpaceSaving, type FrequentKey } from "./space-saving.ts";
import type { ErrorKind } from "./holdfast-error.ts";

/** One of the most frequent errors: it came at least `count - error` times, and at most `count` times. */
export interface FrequentError {
  readonly fingerprint: string;
  readonly kind: ErrorKind;
  readonly code: string;
  readonly operation: string;
  readonly message: string;
  readonly count: number;
  readonly error: number;
}

/** What was counted over the present period and the one before, with what holds for all of it. */
export interface TopErrors {
  readonly errors: readonly FrequentError[];
  /** How many errors were counted. */
  readonly total: number;
  /** What is not among them came at most so often: never more than `total / maxTracked`. */
  readonly errorBound: number;
  /** How long ago counting began. */
  readonly spanMs: number;
}

/** One period's sketch, with whose each counter is. */
class Period {
  readonly sketch: SpaceSaving;
  readonly identities: ErrorIdentity[] = [];
  startedAt = 0;

  constructor(capacity: number) {
    this.sketch = new SpaceSaving(capacity);
  }
}

/**
 * The most frequent errors of the last one to two periods, however many different ones there are: a sketch a period, of which
 * the older is thrown away, because what was counted long ago would leave no room for what is new.
 */
export class FrequentErrors {
  readonly #periodMs: number;
  #current: Period;
  #previous: Period;

  constructor(capacity: number, periodMs: number, now: number) {
    this.#periodMs = periodMs;
    this.#current = new Period(capacity);
    this.#previous = new Period(capacity);
    this.#current.startedAt = this.#previous.startedAt = now;
  }

  record(now: number, key: FingerprintKey, identity: ErrorIdentity): void {
    this.#turn(now);
    const { sketch, identities } = this.#current;
    const slot = sketch.add(key);
    if (sketch.fresh) identities[slot] = identity;
  }

  top(now: number, count: number): TopErrors {
    this.#turn(now);
    const merged = new Map<number, FrequentError>();
    for (const period of [this.#current, this.#previous]) {
      const other = period === this.#current ? this.#previous : this.#current;
      for (const entry of period.sketch.entries()) {
        if (!merged.has(entry.key)) merged.set(entry.key, sum(entry, other.sketch, period.identities));
      }
    }
    const errors = [...merged.values()].sort((one, two) => two.count - one.count).slice(0, count);
    return {
      errors,
      total: this.#current.sketch.total + this.#previous.sketch.total,
      errorBound: this.#current.sketch.errorBound + this.#previous.sketch.errorBound,
      spanMs: now - this.#previous.startedAt,
    };
  }

  #turn(now: number): void {
    const age = now - this.#current.startedAt;
    if (age < this.#periodMs) return;
    const older = this.#previous;
    older.sketch.clear();
    older.identities.length = 0;
    if (age >= 2 * this.#periodMs) {
      // Nothing came for a whole period: both are over.
      this.#current.sketch.clear();
      this.#current.identities.length = 0;
      this.#current.startedAt = now - (age % this.#periodMs);
      older.startedAt = this.#current.startedAt - this.#periodMs;
      return;
    }
    this.#previous = this.#current;
    this.#current = older;
    older.startedAt = this.#previous.startedAt + this.#periodMs;
  }
}

function sum(entry: FrequentKey, other: SpaceSaving, identities: readonly ErrorIdentity[]): FrequentError {
  const { kind, code, operation, message } = identities[entry.slot] as ErrorIdentity;
  const there = other.get(entry.key);
  return {
    fingerprint: fingerprintText(entry.key),
    kind,
    code,
    operation,
    message: messagePattern(message),
    // Without a counter there, it came there at most as often as the least that has one.
    count: entry.count + (there?.count ?? other.errorBound),
    error: entry.error + (there?.error ?? other.errorBound),
  };
}
