import {
  checkFunction,
  checkInteger,
  checkNumber,
  checkOneOf,
  checkOptionNames,
  InvalidArgumentError,
} from "../errors/base.ts";
import { systemClock, type Clock } from "../runtime/system.ts";
import { Call } from "./call.ts";
import type { Policy } from "./policy.ts";
import { hears, publish, type PolicyEvent } from "./policy-event.ts";
import { RateAccount, type RateWaiter } from "./rate-account.ts";
import { RateLimitedError } from "./rate-limited-error.ts";
import { slidingWindow, tokenBucket, type RateWindow } from "./rate-window.ts";
import { policyOf, rejected, type Next, type Staged } from "./stage.ts";

export interface RateLimit {
  /** How many, >= 1. */
  readonly permits: number;
  /** In how long, milliseconds, >= 1. */
  readonly perMs: number;
  /**
   * "slidingWindow" (default): never more than `permits` in any span of `perMs`; a permit is free again up to a tenth of
   * `perMs` late. "tokenBucket": a steady rate, and up to `burst` at once after a pause.
   */
  readonly algorithm?: "slidingWindow" | "tokenBucket";
  /** Token bucket only: how many at once, >= 1. Default `permits`; 1 spaces the calls evenly. */
  readonly burst?: number;
}

export type RateLimiterEvent =
  | (PolicyEvent & {
      readonly type: "rateLimitRejected";
      readonly key: string | undefined;
      readonly retryAfterMs: number;
    })
  | (PolicyEvent & { readonly type: "rateLimitWaiting"; readonly key: string | undefined; readonly waitMs: number });

export interface RateLimiterSettings {
  /** One limit, or several that must all agree: `[{ permits: 10, perMs: 1_000 }, { permits: 100, perMs: 60_000 }]`. */
  readonly limits: RateLimit | readonly RateLimit[];
  /** How long a call may wait for its turn, milliseconds; one that would wait longer is rejected at once. Default 0. */
  readonly maxWaitMs?: number;
  /** How many may wait for one key, >= 1. Default 1 000. */
  readonly maxWaiting?: number;
}

export interface RateLimiterOptions extends RateLimiterSettings {
  /**
   * Whose rate a call counts against when `execute` is given no `key`, such as a tenant kept in asynchronous local
   * storage; it must not throw. Default: all such calls share one rate.
   */
  readonly key?: () => string;
  /** How many keys are remembered, >= 1; beyond it, idle ones are forgotten first. Default 10 000. */
  readonly maxKeys?: number;
  readonly onEvent?: (event: RateLimiterEvent) => void;
  /** Names the policy in its events. Default "". */
  readonly name?: string;
  /** Default the system's. */
  readonly clock?: Clock;
}

export const rateLimiterDefaults: {
  readonly maxWaitMs: number;
  readonly maxWaiting: number;
  readonly maxKeys: number;
  readonly name: string;
} = { maxWaitMs: 0, maxWaiting: 1_000, maxKeys: 10_000, name: "" };

export interface AcquireOptions {
  readonly key?: string;
  /** How many at once; at most the smallest limit's capacity. Default 1. */
  readonly permits?: number;
}

export interface RateLimiterMetrics {
  readonly granted: number;
  readonly rejected: number;
  /** How many wait now. */
  readonly waiting: number;
  /** How many keys are remembered now. */
  readonly keys: number;
}

export interface RateLimiter extends Policy, Staged {
  /** Takes permits if they are free and nobody waits before. */
  tryAcquire(options?: AcquireOptions): boolean;
  /** @throws RateLimitedError; the signal's reason */
  acquire(options?: AcquireOptions & { readonly signal?: AbortSignal }): Promise<void>;
  readonly metrics: RateLimiterMetrics;
  /** Changes settings; what is taken stays taken and who waits keeps waiting. @throws InvalidArgumentError */
  update(settings: Partial<RateLimiterSettings>): void;
}

/**
 * Lets calls pass at a limited rate; others wait for their turn, or are rejected with `RateLimitedError`. A waiting call
 * that is aborted leaves at once, and those behind it move up.
 *
 * @throws InvalidArgumentError for options that break their rules
 * @example
 * const limited = rateLimiter({ limits: { permits: 100, perMs: 1_000 }, maxWaitMs: 500 });
 * await limited.execute(() => query(sql), { key: tenant });
 */
export function rateLimiter(options: RateLimiterOptions): RateLimiter {
  checkOptionNames("rateLimiter", options, [...settingNames, "key", "maxKeys", "onEvent", "name", "clock"]);
  const { key: keyOf, onEvent, name = rateLimiterDefaults.name, clock = systemClock } = options;
  const { maxKeys = rateLimiterDefaults.maxKeys } = options;
  checkFunction("rateLimiter.key", keyOf);
  checkFunction("rateLimiter.onEvent", onEvent);
  checkInteger("rateLimiter.maxKeys", maxKeys, 1);

  let settings = resolve(options);
  let granted = 0;
  let rejections = 0;
  const single = new RateAccount(clock, settings.windows());
  const accounts = new Map<string, RateAccount>();

  const accountOf = (key: string | undefined): RateAccount => {
    if (key === undefined) return single;
    const known = accounts.get(key);
    if (known !== undefined) return known;
    if (accounts.size >= maxKeys) evict(accounts, clock.now());
    const account = new RateAccount(clock, settings.windows());
    accounts.set(key, account);
    return account;
  };

  const refusal = (retryAfterMs: number, key: string | undefined): RateLimitedError => {
    rejections++;
    if (hears(onEvent, "rateLimitRejected")) {
      publish(onEvent, { type: "rateLimitRejected", at: clock.wallTime(), policy: name, key, retryAfterMs });
    }
    return new RateLimitedError(retryAfterMs, key);
  };

  const queue = (account: RateAccount, key: string | undefined, permits: number, wait: number, call: Call) => {
    const { maxWaitMs, maxWaiting } = settings;
    if (wait > maxWaitMs || account.waiting >= maxWaiting) return rejected(refusal(wait, key));
    if (hears(onEvent, "rateLimitWaiting")) {
      publish(onEvent, { type: "rateLimitWaiting", at: clock.wallTime(), policy: name, key, waitMs: wait });
    }
    return new Promise<void>((resolve, reject) => {
      const waiter: RateWaiter = {
        permits,
        deadline: clock.now() + maxWaitMs,
        grant() {
          unlink?.();
          granted++;
          resolve();
        },
        expire(retryAfterMs) {
          unlink?.();
          reject(refusal(retryAfterMs, key));
        },
      };
      const unlink = call.onAbort(() => {
        account.leave(waiter);
        reject(call.reason);
      });
      account.enter(waiter);
    });
  };

  const run = (call: Call, next: Next): Promise<unknown> => {
    const key = call.options?.key ?? keyOf?.();
    const account = accountOf(key);
    const wait = account.take(clock.now(), 1);
    if (wait === 0) {
      granted++;
      return next(call);
    }
    // Between its turn and this continuation the call may have been given up; then the operation is not begun.
    const turn = queue(account, key, 1, wait, call);
    const begin = (): Promise<unknown> => (call.aborted ? rejected(call.reason) : next(call));
    return turn.then(begin);
  };

  const permitsOf = (permits: number = 1): number => {
    checkInteger("rateLimiter.permits", permits, 1, settings.capacity);
    return permits;
  };

  return {
    ...policyOf<never>(
      { run },
      {
        kind: "rateLimiter",
        name,
        get options() {
          return { ...settings.given, maxKeys };
        },
      },
    ),
    tryAcquire({ key, permits } = {}) {
      if (accountOf(key).take(clock.now(), permitsOf(permits)) > 0) {
        rejections++;
        return false;
      }
      granted++;
      return true;
    },
    async acquire({ key, permits, signal } = {}) {
      signal?.throwIfAborted();
      const wanted = permitsOf(permits);
      const account = accountOf(key);
      const wait = account.take(clock.now(), wanted);
      if (wait === 0) granted++;
      else await queue(account, key, wanted, wait, new Call(nothing, signal, 1));
    },
    get metrics() {
      let waiting = single.waiting;
      for (const account of accounts.values()) waiting += account.waiting;
      return { granted, rejected: rejections, waiting, keys: accounts.size };
    },
    update(changes) {
      checkOptionNames("rateLimiter", changes, settingNames);
      settings = resolve({ ...settings.given, ...changes });
      if (changes.limits === undefined) return;
      for (const account of [single, ...accounts.values()]) account.replace(settings.windows());
    },
  };
}

function nothing(): void {
  // Who acquires by hand does the work afterwards.
}

const settingNames: readonly string[] = ["limits", "maxWaitMs", "maxWaiting"];

interface Settings {
  readonly given: RateLimiterSettings;
  readonly maxWaitMs: number;
  readonly maxWaiting: number;
  readonly capacity: number;
  windows(): readonly RateWindow[];
}

function resolve(given: RateLimiterSettings): Settings {
  const { limits, maxWaitMs = rateLimiterDefaults.maxWaitMs, maxWaiting = rateLimiterDefaults.maxWaiting } = given;
  checkNumber("rateLimiter.maxWaitMs", maxWaitMs, 0);
  checkInteger("rateLimiter.maxWaiting", maxWaiting, 1);
  const several: readonly RateLimit[] = Array.isArray(limits) ? limits : [limits];
  if (several.length === 0)
    throw new InvalidArgumentError("rateLimiter.limits", "must name at least one limit", limits);
  several.forEach(checkLimit);
  const windows = (): RateWindow[] => several.map(windowOf);
  const capacity = Math.min(...windows().map((window) => window.capacity));
  return { given: { limits, maxWaitMs, maxWaiting }, maxWaitMs, maxWaiting, capacity, windows };
}

function checkLimit(limit: RateLimit, at: number): void {
  const name = `rateLimiter.limits[${at}]`;
  if (typeof limit !== "object" || limit === null) throw new InvalidArgumentError(name, "must be an object", limit);
  checkOptionNames(name, limit, ["permits", "perMs", "algorithm", "burst"]);
  const { permits, perMs, algorithm = "slidingWindow", burst } = limit;
  checkInteger(`${name}.permits`, permits, 1);
  checkNumber(`${name}.perMs`, perMs, 1);
  checkOneOf(`${name}.algorithm`, algorithm, ["slidingWindow", "tokenBucket"]);
  if (burst === undefined) return;
  checkInteger(`${name}.burst`, burst, 1);
  if (algorithm !== "tokenBucket") throw new InvalidArgumentError(`${name}.burst`, "needs a tokenBucket", burst);
}

function windowOf({ permits, perMs, algorithm, burst }: RateLimit): RateWindow {
  return algorithm === "tokenBucket" ? tokenBucket(permits, perMs, burst ?? permits) : slidingWindow(permits, perMs);
}

/** How far the search for an account to forget goes. */
const evictionSteps = 16;

/**
 * Forgets one account: the first that is idle, which is as good as new; among busy ones the oldest nobody waits for. With
 * only waiters in sight nothing is forgotten: their number is bounded by those who wait.
 */
function evict(accounts: Map<string, RateAccount>, now: number): void {
  let second: string | undefined;
  let steps = 0;
  for (const [key, account] of accounts) {
    if (account.isIdle(now)) {
      accounts.delete(key);
      return;
    }
    if (second === undefined && account.waiting === 0) second = key;
    accounts.delete(key);
    accounts.set(key, account);
    if (++steps === evictionSteps) break;
  }
  if (second !== undefined) accounts.delete(second);
}
