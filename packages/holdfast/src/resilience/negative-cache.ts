import {
  checkFunction,
  checkInteger,
  checkNumber,
  checkOptionNames,
  HoldfastError,
  InvalidArgumentError,
} from "../errors/base.ts";
import { systemClock, type Clock } from "../runtime/system.ts";
import { CacheEntries } from "./cache-entry.ts";
import type { Policy } from "./policy.ts";
import { hears, publish, type PolicyEvent } from "./policy-event.ts";
import { isRejection } from "./retryable.ts";
import { Flights } from "./single-flight.ts";
import { policyOf, rejected, type Staged } from "./stage.ts";

export interface NegativeCacheOptions {
  /** How long a failure is the answer: milliseconds >= 1, or a function of the error that gives them. Default 300 000. */
  readonly ttlMs?: number | ((error: unknown) => number);
  /** How many failures are remembered, >= 1; the oldest that was not asked for lately goes first. Default 1 000. */
  readonly maxEntries?: number;
  /**
   * Whether a failure may be the answer for others too. Default: every one but a policy's own rejection, and what says
   * itself that the same call may succeed later (`retryable`).
   */
  readonly isCacheableError?: (error: unknown) => boolean;
  readonly onEvent?: (event: NegativeCacheEvent) => void;
  /** Names the policy in its events. Default "". */
  readonly name?: string;
  readonly clock?: Clock;
}

export interface NegativeCacheEvent extends PolicyEvent {
  /** A failure was remembered, was the answer, or ended because the operation succeeded. */
  readonly type: "failureKept" | "failureAnswered" | "failureOver";
  readonly key: string;
  readonly error: unknown;
}

export const negativeCacheDefaults: { readonly ttlMs: 300_000; readonly maxEntries: 1_000; readonly name: "" } = {
  ttlMs: 300_000,
  maxEntries: 1_000,
  name: "",
};

export interface NegativeCacheStatistics {
  /** Calls that were answered with a remembered failure. */
  readonly answered: number;
  /** Calls that joined one under way. */
  readonly joined: number;
  /** Calls of the operation itself. */
  readonly loads: number;
  readonly entries: number;
  readonly evictions: number;
}

export interface NegativeCache extends Policy, Staged {
  /** The same function, its failures kept by the key made of its arguments. @throws InvalidArgumentError without `key` */
  wrap<Arguments extends readonly unknown[], T>(
    fn: (...args: Arguments) => PromiseLike<T> | T,
    key?: (...args: Arguments) => string,
  ): (...args: Arguments) => Promise<T>;
  /** The failure that is the answer for this key now; undefined for none. */
  peek(key: string): { readonly error: unknown; readonly ageMs: number } | undefined;
  /** Forgets the failure of a key, or all: what failed was mended. */
  invalidate(key?: string): void;
  statistics(): NegativeCacheStatistics;
}

/**
 * Remembers failures by key, so that what is known to fail is not asked for again and again; results are not kept. Calls with
 * one key at one time share one call of the operation. A success ends what was remembered.
 *
 * @throws InvalidArgumentError for options that break their rules; from `execute`, without a key
 * @example
 * const missing = negativeCache({ ttlMs: 60_000 });
 * const user = await missing.execute(({ signal }) => fetchUser(id, { signal }), { key: id });
 */
export function negativeCache(options: NegativeCacheOptions = {}): NegativeCache {
  checkOptionNames("negativeCache", options, ["ttlMs", "maxEntries", "isCacheableError", "onEvent", "name", "clock"]);
  const { ttlMs, maxEntries, name } = { ...negativeCacheDefaults, ...options };
  const { isCacheableError = isLasting, onEvent, clock = systemClock } = options;
  if (typeof ttlMs !== "function") checkNumber("negativeCache.ttlMs", ttlMs, 1);
  checkInteger("negativeCache.maxEntries", maxEntries, 1);
  checkFunction("negativeCache.isCacheableError", isCacheableError);
  checkFunction("negativeCache.onEvent", onEvent);

  const entries = new CacheEntries(maxEntries);
  const flights = new Flights();
  const count = { answered: 0, joined: 0, loads: 0 };

  const tell = (type: NegativeCacheEvent["type"], key: string, error: unknown): void => {
    if (hears(onEvent, type)) publish(onEvent, { type, key, error, at: clock.wallTime(), policy: name });
  };
  const ttlOf = (error: unknown): number => {
    if (typeof ttlMs === "number") return ttlMs;
    try {
      const own = ttlMs(error);
      return own >= 0 ? own : 0;
    } catch {
      // A rule that fails remembers nothing: the operation's own error must reach the caller.
      return 0;
    }
  };
  const isKept = (error: unknown): boolean => {
    try {
      return isCacheableError(error);
    } catch {
      return false;
    }
  };
  const known = (key: string): { readonly error: unknown; readonly ageMs: number } | undefined => {
    const entry = entries.peek(key);
    if (entry === undefined) return undefined;
    const ageMs = clock.now() - entry.failedAt;
    if (ageMs < ttlOf(entry.error)) return { error: entry.error, ageMs };
    entries.delete(key);
    return undefined;
  };

  const policy = policyOf<never>(
    {
      run(call, next) {
        const key = call.options?.key;
        if (key === undefined) {
          const rule = "must be given for a call whose failure is remembered";
          return rejected(new InvalidArgumentError("negativeCache.execute.key", rule, key));
        }
        const failure = known(key);
        if (failure !== undefined) {
          entries.read(key);
          count.answered++;
          tell("failureAnswered", key, failure.error);
          return rejected(failure.error);
        }
        if (flights.has(key)) count.joined++;
        return flights.run(key, call, (own) => {
          count.loads++;
          return next(own).then(
            (value) => {
              const over = flights.isCurrent(key, own) ? entries.peek(key) : undefined;
              if (over !== undefined) {
                entries.delete(key);
                tell("failureOver", key, over.error);
              }
              return value;
            },
            (error: unknown) => {
              if (flights.isCurrent(key, own) && !own.aborted && isKept(error) && ttlOf(error) > 0) {
                entries.writeFailure(key, error, clock.now());
                tell("failureKept", key, error);
              }
              throw error;
            },
          );
        });
      },
    },
    { kind: "negativeCache", name, options: { ttlMs: typeof ttlMs === "number" ? ttlMs : "a function", maxEntries } },
  );
  return {
    ...policy,
    wrap(wrapped, keyOf) {
      if (typeof wrapped !== "function") throw new InvalidArgumentError("wrap.fn", "must be a function", wrapped);
      if (typeof keyOf !== "function") throw new InvalidArgumentError("wrap.key", "must be a function", keyOf);
      return async (...args) => policy.execute(() => wrapped(...args), { key: keyOf(...args) });
    },
    peek: known,
    invalidate(key) {
      if (key === undefined) {
        entries.clear();
        flights.clear();
        return;
      }
      entries.delete(key);
      flights.forget(key);
    },
    statistics: () => ({ ...count, entries: entries.size, evictions: entries.evictions }),
  };
}

function isLasting(error: unknown): boolean {
  if (HoldfastError.is(error)) return !error.retryable && !isRejection(error);
  // Somebody gave up, which says nothing of the key.
  return (error as { readonly name?: unknown } | null | undefined)?.name !== "AbortError";
}
