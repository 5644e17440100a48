import { checkFunction, checkInteger, checkNumber, checkOptionNames, InvalidArgumentError } from "../errors/base.ts";
import type { Clock } from "../runtime/system.ts";
import { BulkheadStage } from "./bulkhead-stage.ts";
import type { Policy } from "./policy.ts";
import type { PolicyEvent } from "./policy-event.ts";
import { policyOf } from "./stage.ts";

export interface BulkheadLimits {
  /** Calls that run at the same time: an integer >= 1. Default 100. */
  readonly maxConcurrent: number;
  /** Calls that wait for a place: an integer >= 0; one more is turned away. Default 100. */
  readonly maxQueue: number;
  /** How long a call waits for a place, milliseconds >= 0; Infinity for no limit. Default 30 000. */
  readonly maxWaitMs: number;
}

export interface BulkheadOptions extends Partial<BulkheadLimits> {
  /**
   * Keeps a call's permit until everything that it started has ended, also an operation that an abandoning timeout or a
   * won hedge inside this bulkhead no longer waits for. Off, the permit comes back when the call's promise settles, and
   * more operations than `maxConcurrent` may be under way. Default false.
   */
  readonly holdUntilSettled?: boolean;
  readonly onEvent?: (event: BulkheadEvent) => void;
  readonly name?: string;
  readonly clock?: Clock;
}

/** A call was queued, turned away, or waited too long. */
export interface BulkheadEvent extends PolicyEvent {
  readonly type: "bulkheadQueued" | "bulkheadRejected" | "bulkheadWaitTimeout";
  readonly active: number;
  readonly waiting: number;
}

export interface BulkheadMetrics {
  /** Permits given out. */
  readonly active: number;
  /** Permits left; never negative, also while lowered limits are being reached. */
  readonly free: number;
  readonly waiting: number;
  /** Calls turned away because the queue was full. */
  readonly rejected: number;
  /** Calls that waited as long as they may. */
  readonly waitTimeouts: number;
}

/** The right to one place, for code that is no single operation. Releasing it again does nothing. */
export interface BulkheadPermit extends Disposable {
  release(): void;
}

export interface BulkheadPolicy extends Policy, Disposable {
  readonly state: "open" | "full" | "closed";
  readonly metrics: BulkheadMetrics;
  /** A place if one is free now and nobody waits for it; undefined otherwise. */
  tryAcquire(): BulkheadPermit | undefined;
  /**
   * Changes limits for now and later: raised, those who wait go at once; lowered, nobody who runs is stopped and
   * nobody who waits is sent away. @throws InvalidArgumentError, changing nothing
   */
  update(limits: Partial<BulkheadLimits>): void;
  /** Rejects who waits and who comes with BULKHEAD_CLOSED; what runs ends by itself. */
  close(): void;
}

export const bulkheadDefaults: BulkheadLimits = { maxConcurrent: 100, maxQueue: 100, maxWaitMs: 30_000 };

/**
 * Limits how many calls run at the same time, so that one slow dependency cannot take everything.
 *
 * Who finds no place waits: higher `priority` first, `key`s in turn, otherwise in order of arrival (`execute`'s options).
 * An abort frees a place in the queue at once. A running call keeps its permit until its promise settles, also after the
 * caller's abort: what it uses is in use until then.
 *
 * @throws InvalidArgumentError for options out of range
 * @example
 * const database = bulkhead({ maxConcurrent: 10, maxQueue: 50, maxWaitMs: 2_000 });
 * const rows = await database.execute(() => query("select 1"), { priority: 1, key: "tenant-7" });
 */
export function bulkhead(options: BulkheadOptions = {}): BulkheadPolicy {
  checkOptionNames("bulkhead", options, [
    "maxConcurrent",
    "maxQueue",
    "maxWaitMs",
    "holdUntilSettled",
    "onEvent",
    "name",
    "clock",
  ]);
  if (options.onEvent !== undefined) checkFunction("bulkhead.onEvent", options.onEvent);
  if (options.holdUntilSettled !== undefined && typeof options.holdUntilSettled !== "boolean") {
    throw new InvalidArgumentError("bulkhead.holdUntilSettled", "must be true or false", options.holdUntilSettled);
  }
  const stage = new BulkheadStage(checked(bulkheadDefaults, options), options);
  const close = (): void => stage.close();
  return Object.defineProperties(
    policyOf<never>(stage, {
      kind: "bulkhead",
      ...(options.name === undefined ? {} : { name: options.name }),
      get options() {
        return { ...stage.limits, holdUntilSettled: options.holdUntilSettled ?? false };
      },
    }),
    {
      state: {
        enumerable: true,
        get: () => (stage.closed ? "closed" : stage.active < stage.limits.maxConcurrent ? "open" : "full"),
      },
      metrics: { enumerable: true, get: () => metricsOf(stage) },
      tryAcquire: { enumerable: true, value: () => stage.tryAcquire() },
      update: {
        enumerable: true,
        value: (limits: Partial<BulkheadLimits>) => {
          checkOptionNames("bulkhead", limits, ["maxConcurrent", "maxQueue", "maxWaitMs"]);
          stage.limits = checked(stage.limits, limits);
          stage.grant();
        },
      },
      close: { enumerable: true, value: close },
      [Symbol.dispose]: { value: close },
    },
  ) as ReturnType<typeof policyOf<never>> & BulkheadPolicy;
}

function metricsOf(stage: BulkheadStage): BulkheadMetrics {
  const { active, limits, queue, rejected, waitTimeouts } = stage;
  const free = Math.max(0, limits.maxConcurrent - active);
  return { active, free, waiting: queue.size, rejected, waitTimeouts };
}

function checked(now: BulkheadLimits, changes: Partial<BulkheadLimits>): BulkheadLimits {
  const {
    maxConcurrent = now.maxConcurrent,
    maxQueue = now.maxQueue,
    maxWaitMs = now.maxWaitMs,
  }: Partial<BulkheadLimits> = changes;
  checkInteger("bulkhead.maxConcurrent", maxConcurrent, 1);
  checkInteger("bulkhead.maxQueue", maxQueue, 0);
  if (maxWaitMs !== Infinity) checkNumber("bulkhead.maxWaitMs", maxWaitMs, 0);
  return { maxConcurrent, maxQueue, maxWaitMs };
}
