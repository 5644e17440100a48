import { commonValues, ContextLog, type CommonValue, type SeenContext } from "./context-log.ts";
import { fingerprintText, messagePattern, type ErrorIdentity, type FingerprintKey } from "./fingerprint.ts";
import type { ErrorKind } from "./holdfast-error.ts";
import { SlidingCounter } from "./sliding-counter.ts";
import { trendOf, type Trend } from "./trend.ts";

/** What is known of all errors with one fingerprint. Times are milliseconds since 1970. */
export interface ErrorGroup {
  /** 14 hexadecimal digits; stable across processes and releases as long as the code and the message's form stay. */
  readonly fingerprint: string;
  readonly kind: ErrorKind;
  readonly code: string;
  readonly operation: string;
  /** The pattern of the messages. */
  readonly message: string;
  /** The program's own topmost frame; empty for none. */
  readonly frame: string;
  /** How many since the group was first seen, or last forgotten. */
  readonly count: number;
  readonly firstAt: number;
  readonly lastAt: number;
  /** How many in the window. */
  readonly inWindow: number;
  /** Over the part of the window in which the group was known. */
  readonly ratePerSecond: number;
  readonly trend: Trend;
  /** Whether the group's threshold is exceeded; false without one. */
  readonly exceeded: boolean;
  /** The last contexts of the window, newest first. */
  readonly contexts: readonly SeenContext[];
  /** Of these contexts, the commonest value of every field. */
  readonly commonest: readonly CommonValue[];
}

/** A group as the aggregator keeps it; used again for another fingerprint when it is the one to forget. */
export class GroupRecord {
  key: FingerprintKey;
  identity: ErrorIdentity;
  exceeded = false;
  /** Seen since the search for a group to forget came by. */
  recent = false;
  count = 0;
  readonly window: SlidingCounter;
  readonly #windowMs: number;
  readonly #sliceMs: number;
  readonly #contexts: ContextLog;
  #firstAt = 0;
  #lastAt = 0;

  constructor(key: FingerprintKey, identity: ErrorIdentity, windowMs: number, slices: number, maxContexts: number) {
    this.key = key;
    this.identity = identity;
    this.#windowMs = windowMs;
    this.#sliceMs = windowMs / slices;
    this.window = new SlidingCounter(windowMs, slices);
    this.#contexts = new ContextLog(maxContexts);
  }

  reuse(key: FingerprintKey, identity: ErrorIdentity): void {
    this.key = key;
    this.identity = identity;
    this.exceeded = this.recent = false;
    this.count = 0;
    this.window.clear();
    this.#contexts.clear();
  }

  record(now: number, context: SeenContext["context"] | undefined): void {
    if (this.count++ === 0) this.#firstAt = now;
    this.#lastAt = now;
    // The first time is no second chance: else a flood would take it from all others.
    this.recent = this.count > 1;
    this.window.add(now);
    if (context !== undefined) this.#contexts.record(now, context);
  }

  /** @param wallOffset what makes milliseconds since 1970 of the monotonic clock's */
  snapshot(now: number, wallOffset: number): ErrorGroup {
    const seen = this.#contexts.since(now - this.#windowMs);
    const inWindow = this.window.count(now);
    const spanMs = this.window.spanMs(now);
    const { kind, code, operation, message, frame } = this.identity;
    return {
      fingerprint: fingerprintText(this.key),
      kind,
      code,
      operation,
      message: messagePattern(message),
      frame,
      count: this.count,
      firstAt: Math.round(this.#firstAt + wallOffset),
      lastAt: Math.round(this.#lastAt + wallOffset),
      inWindow,
      ratePerSecond: spanMs === 0 ? 0 : (inWindow * 1000) / spanMs,
      trend: trendOf(this.window.completeSlices(now), this.#sliceMs),
      exceeded: this.exceeded,
      contexts: seen.map((each) => ({ at: Math.round(each.now + wallOffset), context: each.context })),
      commonest: commonValues(seen.map(({ context }) => context)),
    };
  }
}
