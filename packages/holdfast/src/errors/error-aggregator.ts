import { systemClock, type Clock } from "../runtime/system.ts";
import { classify as classifyByDefault, type Classify } from "./classify.ts";
import { GroupRecord, type ErrorGroup } from "./error-group.ts";
import { readIdentity } from "./error-reading.ts";
import { type ErrorContext, transientKinds } from "./failure.ts";
import { fingerprintKey, type FingerprintKey } from "./fingerprint.ts";
import { FrequentErrors, type TopErrors } from "./frequent-errors.ts";
import { GroupTable } from "./group-table.ts";
import type { ErrorKind } from "./holdfast-error.ts";
import { checkFunction, checkInteger, checkNumber, checkOptionNames } from "./check-options.ts";
import { SlidingCounter } from "./sliding-counter.ts";
import { Threshold, type ThresholdOptions } from "./threshold.ts";

export interface ErrorAggregatorSettings {
  /** What counts as now, milliseconds >= 1. Default 60 000. */
  readonly windowMs?: number;
  /** In how many slices the window is counted: 5 up to 1 000. Default 60. */
  readonly slices?: number;
  /** How many groups are kept in detail: 1 up to 100 000. Default 1 000. */
  readonly maxGroups?: number;
  /** How many counters find the most frequent errors of a flood: 1 up to 100 000. Default 1 000. */
  readonly maxTracked?: number;
  /** How many contexts of a group are remembered: 0 up to 1 000. Default 16. */
  readonly maxContexts?: number;
  /** Whether the program's own topmost frame tells groups apart; a stack that nobody has read yet costs time. Default true. */
  readonly frames?: boolean;
}

export interface ErrorAggregatorOptions extends ErrorAggregatorSettings {
  /** When a group is exceeded. Default never. */
  readonly threshold?: ThresholdOptions;
  /** When all errors of a kind together are. Default never. */
  readonly kindThresholds?: Readonly<Partial<Record<ErrorKind, ThresholdOptions>>>;
  /** Told when a threshold is exceeded, and when it is no longer. What it throws is dropped. */
  readonly onThreshold?: (event: ThresholdEvent) => void;
  /** For errors without kind and code. Default `classify`. */
  readonly classify?: Classify;
  readonly clock?: Pick<Clock, "now" | "wallTime">;
}

/** `group` is undefined for the threshold of a kind. */
export interface ThresholdEvent {
  readonly type: "thresholdExceeded" | "thresholdCleared";
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly kind: ErrorKind;
  readonly group: ErrorGroup | undefined;
  /** How many are in the window. */
  readonly count: number;
}

export interface RecordOptions {
  /** Default the error's own `operation`. */
  readonly operation?: string;
  /** Facts of this one error: at most 8 fields, texts cut to 128 characters. */
  readonly context?: ErrorContext;
}

/** All errors of one kind. */
export interface KindCount {
  /** Since the aggregator was made. */
  readonly total: number;
  readonly inWindow: number;
  readonly exceeded: boolean;
}

export interface ErrorAggregator {
  /** Counts an error; never throws, whatever it is given. Returns the key of its group, for `group`. */
  record(error: unknown, options?: RecordOptions): FingerprintKey;
  /** By key or fingerprint; undefined when it is not known, or was forgotten. */
  group(key: FingerprintKey | string): ErrorGroup | undefined;
  /** All groups that are kept, the most frequent of the window first. */
  groups(): ErrorGroup[];
  /** The most frequent errors of the last one to two windows, also of a flood, with the bound of their counts. */
  top(count: number): TopErrors;
  kind(kind: ErrorKind): KindCount;
  /** Notices thresholds that are no longer exceeded; `record` and every look do so too. */
  check(): void;
  readonly statistics: AggregatorStatistics;
}

export interface AggregatorStatistics {
  readonly recorded: number;
  readonly groups: number;
  /** Groups that were forgotten to make room. */
  readonly forgotten: number;
}

export const errorAggregatorDefaults: Required<ErrorAggregatorSettings> = {
  windowMs: 60_000,
  slices: 60,
  maxGroups: 1_000,
  maxTracked: 1_000,
  maxContexts: 16,
  frames: true,
};

/**
 * Makes groups of errors by their fingerprint, and tells of each how many, since when, how fast, whether it grows, and in
 * which contexts. Memory is bounded by the options, whatever comes; nothing runs in the background.
 *
 * @throws InvalidArgumentError for options that break their rules
 * @example
 * const errors = createErrorAggregator({ threshold: { raiseAt: 100 }, onThreshold: (event) => page(event) });
 * errors.record(error, { operation: "charge", context: { region } });
 * errors.top(10).errors;
 */
export function createErrorAggregator(options: ErrorAggregatorOptions = {}): ErrorAggregator {
  return new Aggregator(options);
}

interface KindRecord {
  readonly kind: ErrorKind;
  readonly window: SlidingCounter;
  readonly threshold: Threshold | undefined;
  total: number;
  exceeded: boolean;
}

class Aggregator implements ErrorAggregator {
  readonly #clock: Pick<Clock, "now" | "wallTime">;
  readonly #classify: Classify;
  readonly #frames: boolean;
  readonly #threshold: Threshold | undefined;
  readonly #onThreshold: ((event: ThresholdEvent) => void) | undefined;
  readonly #groups: GroupTable;
  readonly #kinds = new Map<ErrorKind, KindRecord>();
  readonly #frequent: FrequentErrors;
  readonly #exceeded = new Set<GroupRecord>();
  readonly #sliceMs: number;
  #nextCheck = -Infinity;
  #recorded = 0;

  constructor(options: ErrorAggregatorOptions) {
    checkOptionNames("errorAggregator", options, [
      ...Object.keys(errorAggregatorDefaults),
      "threshold",
      "kindThresholds",
      "onThreshold",
      "classify",
      "clock",
    ]);
    const { windowMs, slices, maxGroups, maxTracked, maxContexts, frames } = { ...errorAggregatorDefaults, ...options };
    checkNumber("errorAggregator.windowMs", windowMs, 1);
    checkInteger("errorAggregator.slices", slices, 5, 1_000);
    checkInteger("errorAggregator.maxGroups", maxGroups, 1, 100_000);
    checkInteger("errorAggregator.maxTracked", maxTracked, 1, 100_000);
    checkInteger("errorAggregator.maxContexts", maxContexts, 0, 1_000);
    const { threshold, kindThresholds = {}, onThreshold, classify = classifyByDefault, clock = systemClock } = options;
    checkFunction("errorAggregator.onThreshold", onThreshold);
    checkFunction("errorAggregator.classify", classify);
    checkOptionNames("errorAggregator.kindThresholds", kindThresholds, Object.keys(transientKinds));
    this.#clock = clock;
    this.#classify = classify;
    this.#frames = frames;
    this.#sliceMs = windowMs / slices;
    this.#onThreshold = onThreshold;
    this.#threshold = threshold && new Threshold("errorAggregator.threshold", threshold);
    for (const kind of Object.keys(transientKinds) as ErrorKind[]) {
      const own = kindThresholds[kind];
      this.#kinds.set(kind, {
        kind,
        window: new SlidingCounter(windowMs, slices),
        threshold: own && new Threshold(`errorAggregator.kindThresholds.${kind}`, own),
        total: 0,
        exceeded: false,
      });
    }
    this.#groups = new GroupTable(
      maxGroups,
      (key, identity) => new GroupRecord(key, identity, windowMs, slices, maxContexts),
      (group) => this.#forget(group),
    );
    this.#frequent = new FrequentErrors(maxTracked, windowMs, clock.now());
  }

  get statistics(): AggregatorStatistics {
    return { recorded: this.#recorded, groups: this.#groups.size, forgotten: this.#groups.forgotten };
  }

  record(error: unknown, options?: RecordOptions): FingerprintKey {
    const now = this.#clock.now();
    const identity = readIdentity(error, options?.operation, this.#frames, this.#classify);
    const key = fingerprintKey(identity);
    this.#recorded++;
    this.#frequent.record(now, key, identity);
    const group = this.#groups.take(key, identity);
    group.record(now, options?.context);
    const ofKind = this.#kinds.get(identity.kind) as KindRecord;
    ofKind.total++;
    ofKind.window.add(now);
    if (this.#threshold !== undefined && !group.exceeded) this.#judgeGroup(group, this.#threshold, now);
    if (ofKind.threshold !== undefined && !ofKind.exceeded) this.#judgeKind(ofKind, now);
    if (now >= this.#nextCheck) this.check();
    return key;
  }

  group(key: FingerprintKey | string): ErrorGroup | undefined {
    this.check();
    const group = this.#groups.get(typeof key === "string" ? Number.parseInt(key, 16) : key);
    const now = this.#clock.now();
    return group?.snapshot(now, this.#clock.wallTime() - now);
  }

  groups(): ErrorGroup[] {
    this.check();
    const now = this.#clock.now();
    const offset = this.#clock.wallTime() - now;
    const groups = [...this.#groups.all()].map((group) => group.snapshot(now, offset));
    return groups.sort((one, two) => two.inWindow - one.inWindow || two.count - one.count);
  }

  top(count: number): TopErrors {
    return this.#frequent.top(this.#clock.now(), checkInteger("errorAggregator.top.count", count, 1));
  }

  kind(kind: ErrorKind): KindCount {
    this.check();
    const ofKind = this.#kinds.get(kind);
    if (ofKind === undefined) return { total: 0, inWindow: 0, exceeded: false };
    return { total: ofKind.total, inWindow: ofKind.window.count(this.#clock.now()), exceeded: ofKind.exceeded };
  }

  check(): void {
    const now = this.#clock.now();
    this.#nextCheck = now + this.#sliceMs;
    if (this.#threshold !== undefined) {
      for (const group of this.#exceeded) this.#judgeGroup(group, this.#threshold, now);
    }
    for (const ofKind of this.#kinds.values()) {
      if (ofKind.exceeded) this.#judgeKind(ofKind, now);
    }
  }

  #judgeGroup(group: GroupRecord, threshold: Threshold, now: number): void {
    const count = group.window.count(now);
    const exceeded = threshold.holds(count, group.exceeded);
    if (exceeded === group.exceeded) return;
    group.exceeded = exceeded;
    if (exceeded) this.#exceeded.add(group);
    else this.#exceeded.delete(group);
    this.#tell(exceeded, now, group.identity.kind, group, count);
  }

  #judgeKind(ofKind: KindRecord, now: number): void {
    const count = ofKind.window.count(now);
    const exceeded = (ofKind.threshold as Threshold).holds(count, ofKind.exceeded);
    if (exceeded === ofKind.exceeded) return;
    ofKind.exceeded = exceeded;
    this.#tell(exceeded, now, ofKind.kind, undefined, count);
  }

  /** A group that makes room for another is no longer exceeded: every event that began also ends. */
  #forget(group: GroupRecord): void {
    if (!group.exceeded) return;
    this.#exceeded.delete(group);
    group.exceeded = false;
    const now = this.#clock.now();
    this.#tell(false, now, group.identity.kind, group, group.window.count(now));
  }

  #tell(exceeded: boolean, now: number, kind: ErrorKind, group: GroupRecord | undefined, count: number): void {
    if (this.#onThreshold === undefined) return;
    const at = this.#clock.wallTime();
    const type = exceeded ? "thresholdExceeded" : "thresholdCleared";
    try {
      this.#onThreshold({ type, at, kind, group: group?.snapshot(now, at - now), count });
    } catch {
      // Recording must not pay for a broken listener.
    }
  }
}
