import { checkInteger, checkNumber, checkOptionNames, InvalidArgumentError } from "../errors/base.ts";
import { systemClock, type Clock } from "../runtime/system.ts";
import type { CircuitBreakerOptions } from "./breaker-options.ts";
import { circuitBreaker, type CircuitBreaker } from "./circuit-breaker.ts";
import type { ExecuteOptions, Operation } from "./policy.ts";

export interface BreakerRegistryOptions {
  /** The options of the breaker for a key. The clock is the registry's, and the name the key, unless they are given. */
  readonly create: (key: string) => CircuitBreakerOptions;
  /** A closed breaker may be forgotten when nobody asked for it this long; milliseconds > 0, default 600 000. */
  readonly maxIdleMs?: number;
  /** The most breakers that are kept: >= 1, default 10 000. */
  readonly maxEntries?: number;
  readonly clock?: Clock;
}

/** A breaker per key: per host, per tenant, per endpoint. */
export interface BreakerRegistry {
  /** How many breakers are kept. */
  readonly size: number;
  /** How often a breaker was handed out that there was no room to keep. */
  readonly overflowed: number;
  /**
   * The breaker of a key, made when it is first asked for. Ask for each call: a breaker that nobody asks for is idle.
   * When all places are taken by breakers that must be remembered, it is one that is not kept: the call runs, and
   * nothing is learnt from it.
   */
  get(key: string): CircuitBreaker;
  execute<T>(key: string, operation: Operation<T>, options?: ExecuteOptions): Promise<T>;
  /** Forgets a breaker; false when there was none. */
  delete(key: string): boolean;
  /** The kept breakers, the one that nobody asked for the longest first. */
  entries(): IterableIterator<[string, CircuitBreaker]>;
}

export const breakerRegistryDefaults: { readonly maxIdleMs: 600_000; readonly maxEntries: 10_000 } = {
  maxIdleMs: 600_000,
  maxEntries: 10_000,
};

/** How many of the least recently used breakers are looked at to make room, so that a flood of keys stays cheap. */
const looks = 16;

interface Entry {
  readonly breaker: CircuitBreaker;
  usedAt: number;
}

/**
 * Keeps a breaker per key, bounded, and forgets only those that have nothing to remember: closed, and idle for
 * `maxIdleMs`. When all places are taken, the least recently used closed one goes before its time, then one that was
 * open and idle so long that only its probes are left to make; never one that is open, or was set by hand.
 *
 * @throws InvalidArgumentError for options out of range
 * @example
 * const breakers = breakerRegistry({ create: () => ({ openMs: 5_000 }) });
 * const answer = await breakers.execute("api.example.org", () => callIt());
 */
export function breakerRegistry(options: BreakerRegistryOptions): BreakerRegistry {
  checkOptionNames("breakerRegistry", options, ["create", "maxIdleMs", "maxEntries", "clock"]);
  const { create } = options;
  if (typeof create !== "function")
    throw new InvalidArgumentError("breakerRegistry.create", "must be a function", create);
  const maxIdleMs = checkNumber("breakerRegistry.maxIdleMs", options.maxIdleMs ?? breakerRegistryDefaults.maxIdleMs, 1);
  const maxEntries = checkInteger(
    "breakerRegistry.maxEntries",
    options.maxEntries ?? breakerRegistryDefaults.maxEntries,
    1,
  );
  const clock = options.clock ?? systemClock;
  /** In the order of use: whoever is asked for goes to the end. */
  const entries = new Map<string, Entry>();
  let overflowed = 0;

  function get(key: string): CircuitBreaker {
    const now = clock.now();
    const known = entries.get(key);
    if (known !== undefined) {
      known.usedAt = now;
      entries.delete(key);
      entries.set(key, known);
      return known.breaker;
    }
    const breaker = circuitBreaker({ clock, name: key, ...create(key) });
    forgetIdle(now);
    if (entries.size < maxEntries || makeRoom(now)) entries.set(key, { breaker, usedAt: now });
    else overflowed++;
    return breaker;
  }

  function forgetIdle(now: number): void {
    let looked = 0;
    for (const [key, { breaker, usedAt }] of entries) {
      if (now - usedAt < maxIdleMs || ++looked > looks) return;
      if (breaker.state === "closed") entries.delete(key);
    }
  }

  function makeRoom(now: number): boolean {
    let looked = 0;
    let stale: string | undefined;
    for (const [key, { breaker, usedAt }] of entries) {
      if (++looked > looks) break;
      const { state } = breaker;
      if (state === "closed") return entries.delete(key);
      if (state === "halfOpen" && now - usedAt >= maxIdleMs) stale ??= key;
    }
    return stale !== undefined && entries.delete(stale);
  }

  return {
    get size(): number {
      return entries.size;
    },
    get overflowed(): number {
      return overflowed;
    },
    get,
    execute: (key, operation, executeOptions) => get(key).execute(operation, executeOptions),
    delete: (key) => entries.delete(key),
    *entries() {
      for (const [key, { breaker }] of entries) yield [key, breaker];
    },
  };
}
