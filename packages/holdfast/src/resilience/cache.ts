import { checkFunction, checkInteger, checkNumber, checkOptionNames, InvalidArgumentError } from "../errors/base.ts";
import { systemClock, type Clock } from "../runtime/system.ts";
import { CacheEntries } from "./cache-entry.ts";
import { Call } from "./call.ts";
import type { CallContext, Policy } from "./policy.ts";
import { hears, publish, type PolicyEvent } from "./policy-event.ts";
import { ResilienceError } from "./resilience-error.ts";
import { Flights } from "./single-flight.ts";
import { policyOf, rejected, type Next, type Staged } from "./stage.ts";

export type CacheEvent =
  | (PolicyEvent & { readonly type: "cacheHit" | "cacheMiss" | "cacheNegativeHit"; readonly key: string })
  | (PolicyEvent & { readonly type: "cacheStale"; readonly key: string; readonly because: "revalidating" | "error" })
  | (PolicyEvent & { readonly type: "cacheLoadFailed"; readonly key: string; readonly error: unknown });

export interface CacheSettings {
  /** How long a value is fresh, milliseconds, >= 1. Default 60 000. */
  readonly ttlMs?: number;
  /** How many keys are kept, >= 1; the oldest that was not read lately goes first. Default 1 000. */
  readonly maxEntries?: number;
  /** How long past `ttlMs` an old value is still answered at once while a new one is loaded. Default 0: not. */
  readonly staleWhileRevalidateMs?: number;
  /** How long past `ttlMs` an old value is still answered when loading fails. Default 0: not. */
  readonly staleWhileErrorMs?: number;
  /** For how long a failure is remembered, so that nobody loads meanwhile. Default 0: not. */
  readonly negativeTtlMs?: number;
}

export interface CacheOptions extends CacheSettings {
  /** Whether a failure may be remembered (`negativeTtlMs`). Default: every one but a policy's own rejection. */
  readonly isCacheableError?: (error: unknown) => boolean;
  readonly onEvent?: (event: CacheEvent) => void;
  /** Names the policy in its events. Default "". */
  readonly name?: string;
  /** Default the system's. */
  readonly clock?: Clock;
}

export const cacheDefaults: Required<CacheSettings> & { readonly name: string } = {
  ttlMs: 60_000,
  maxEntries: 1_000,
  staleWhileRevalidateMs: 0,
  staleWhileErrorMs: 0,
  negativeTtlMs: 0,
  name: "",
};

export interface CacheStatistics {
  /** Answered with a fresh value. */
  readonly hits: number;
  /** Neither value nor failure was remembered: the caller waited for a load. */
  readonly misses: number;
  /** Misses that joined a load under way. */
  readonly joined: number;
  /** Answered with an old value while a new one was loaded. */
  readonly staleWhileRevalidate: number;
  /** Answered with an old value because loading failed. */
  readonly staleWhileError: number;
  /** Answered with a remembered failure. */
  readonly negativeHits: number;
  readonly loads: number;
  readonly loadFailures: number;
  readonly evictions: number;
  readonly entries: number;
  /** The share of calls that waited for no load; 0 before the first. */
  readonly hitRate: number;
}

export interface PreloadResult {
  readonly loaded: number;
  /** The failures, by key. */
  readonly failed: ReadonlyMap<string, unknown>;
}

export interface Cache extends Policy, Staged {
  /** The same function, its results kept by the key made of its arguments. @throws InvalidArgumentError without `key` */
  wrap<Arguments extends readonly unknown[], T>(
    fn: (...args: Arguments) => PromiseLike<T> | T,
    key?: (...args: Arguments) => string,
  ): (...args: Arguments) => Promise<T>;
  /** Keeps a value, as if it had just been loaded. */
  set(key: string, value: unknown): void;
  /** Loads the keys that are not fresh, a few at a time (`concurrency`, default 8); failures are told, not thrown. */
  preload(
    keys: Iterable<string>,
    load: (key: string, context: CallContext) => unknown,
    options?: { readonly concurrency?: number; readonly signal?: AbortSignal },
  ): Promise<PreloadResult>;
  /** Forgets a key, or everything; a load under way answers who waits for it and is not kept. */
  invalidate(key?: string): void;
  statistics(): CacheStatistics;
  /** Changes settings, for what is kept already too. @throws InvalidArgumentError */
  update(settings: CacheSettings): void;
}

/**
 * Keeps results by key. Whoever misses while the key is being loaded shares that load; one who gives up leaves alone,
 * and the load is aborted only when nobody is left. A key always holds results of one type.
 *
 * @throws InvalidArgumentError for options that break their rules; from `execute`, without a key
 * @example
 * const users = cache({ ttlMs: 30_000, staleWhileErrorMs: 600_000 });
 * const user = await users.execute(({ signal }) => fetchUser(id, { signal }), { key: id });
 */
export function cache(options: CacheOptions = {}): Cache {
  checkOptionNames("cache", options, [...settingNames, "isCacheableError", "onEvent", "name", "clock"]);
  const { onEvent, name = cacheDefaults.name, clock = systemClock } = options;
  const { isCacheableError = isNoRejection } = options;
  checkFunction("cache.onEvent", onEvent);
  checkFunction("cache.isCacheableError", isCacheableError);

  let settings = resolve(options, cacheDefaults);
  const entries = new CacheEntries(settings.maxEntries);
  const flights = new Flights();
  let calls = 0;
  const count = {
    hits: 0,
    misses: 0,
    joined: 0,
    staleWhileRevalidate: 0,
    staleWhileError: 0,
    negativeHits: 0,
    loads: 0,
    loadFailures: 0,
  };

  const tell = (event: EventBody): void => {
    if (hears(onEvent, event.type)) publish(onEvent, { ...event, at: clock.wallTime(), policy: name });
  };

  const load = (key: string, call: Call, next: Next): Promise<unknown> =>
    flights.run(key, call, (own) => {
      count.loads++;
      return next(own).then(
        (value) => {
          if (flights.isCurrent(key, own)) entries.write(key, value, clock.now());
          return value;
        },
        (error: unknown) => {
          count.loadFailures++;
          tell({ type: "cacheLoadFailed", key, error });
          if (flights.isCurrent(key, own) && settings.negativeTtlMs > 0 && isCacheableError(error)) {
            entries.writeFailure(key, error, clock.now());
          }
          throw error;
        },
      );
    });

  /** What is kept answers one who waited for a load that failed, as long as it may. */
  const afterFailure = (key: string, call: Call, error: unknown): unknown => {
    const old = call.aborted ? undefined : entries.peek(key);
    if (old === undefined || clock.now() - old.loadedAt >= settings.ttlMs + settings.staleWhileErrorMs) throw error;
    count.staleWhileError++;
    tell({ type: "cacheStale", key, because: "error" });
    return old.value;
  };

  const run = (call: Call, next: Next): Promise<unknown> => {
    const key = call.options?.key;
    if (key === undefined) {
      return rejected(new InvalidArgumentError("cache.execute.key", "must be given for a cached call", key));
    }
    calls++;
    const entry = entries.read(key);
    if (entry !== undefined) {
      const now = clock.now();
      const { ttlMs, staleWhileRevalidateMs, staleWhileErrorMs, negativeTtlMs } = settings;
      const age = now - entry.loadedAt;
      if (age < ttlMs) {
        count.hits++;
        if (hears(onEvent, "cacheHit")) tell({ type: "cacheHit", key });
        return Promise.resolve(entry.value);
      }
      const failedLately = now - entry.failedAt < negativeTtlMs;
      if (failedLately && age < ttlMs + staleWhileErrorMs) {
        count.staleWhileError++;
        tell({ type: "cacheStale", key, because: "error" });
        return Promise.resolve(entry.value);
      }
      if (age < ttlMs + staleWhileRevalidateMs) {
        count.staleWhileRevalidate++;
        tell({ type: "cacheStale", key, because: "revalidating" });
        // Nobody waits for this load, so nobody can abort it; its failure was counted and told.
        if (!failedLately && !flights.has(key)) load(key, detached(call), next).catch(ignore);
        return Promise.resolve(entry.value);
      }
      if (failedLately) {
        count.negativeHits++;
        tell({ type: "cacheNegativeHit", key });
        return rejected(entry.error);
      }
    }
    count.misses++;
    if (hears(onEvent, "cacheMiss")) tell({ type: "cacheMiss", key });
    if (flights.has(key)) count.joined++;
    return load(key, call, next).then(undefined, (error: unknown) => afterFailure(key, call, error));
  };

  const policy = policyOf<never>(
    { run },
    {
      kind: "cache",
      name,
      get options() {
        return { ...settings };
      },
    },
  );
  return {
    ...policy,
    wrap(wrapped, keyOf) {
      if (typeof wrapped !== "function") throw new InvalidArgumentError("wrap.fn", "must be a function", wrapped);
      if (typeof keyOf !== "function") throw new InvalidArgumentError("wrap.key", "must be a function", keyOf);
      return async (...args) => policy.execute(() => wrapped(...args), { key: keyOf(...args) });
    },
    set(key, value) {
      flights.forget(key);
      entries.write(key, value, clock.now());
    },
    async preload(keys, loadKey, { concurrency = 8, signal } = {}) {
      checkFunction("cache.preload.load", loadKey);
      checkInteger("cache.preload.concurrency", concurrency, 1);
      const failed = new Map<string, unknown>();
      let loaded = 0;
      // The workers share one iterator: each takes the next key when it is done with its last.
      const rest = keys[Symbol.iterator]();
      const work = async (): Promise<void> => {
        for (let turn = rest.next(); turn.done !== true; turn = rest.next()) {
          const key = turn.value;
          try {
            const options = signal === undefined ? { key } : { key, signal };
            await policy.execute((context) => loadKey(key, context), options);
            loaded++;
          } catch (error) {
            signal?.throwIfAborted();
            failed.set(key, error);
          }
        }
      };
      await Promise.all(Array.from({ length: concurrency }, work));
      return { loaded, failed };
    },
    invalidate(key) {
      if (key === undefined) {
        entries.clear();
        flights.clear();
        return;
      }
      entries.delete(key);
      flights.forget(key);
    },
    statistics() {
      const answered = calls - count.misses;
      const hitRate = calls === 0 ? 0 : answered / calls;
      return { ...count, evictions: entries.evictions, entries: entries.size, hitRate };
    },
    update(changes) {
      checkOptionNames("cache", changes, settingNames);
      settings = resolve(changes, settings);
      entries.resize(settings.maxEntries);
    },
  };
}

type EventBody = CacheEvent extends infer Event
  ? Event extends CacheEvent
    ? Omit<Event, "at" | "policy">
    : never
  : never;

const settingNames = [
  "ttlMs",
  "maxEntries",
  "staleWhileRevalidateMs",
  "staleWhileErrorMs",
  "negativeTtlMs",
] as const satisfies readonly (keyof CacheSettings)[];

function resolve(given: CacheSettings, before: Required<CacheSettings>): Required<CacheSettings> {
  const { ttlMs = before.ttlMs, maxEntries = before.maxEntries, negativeTtlMs = before.negativeTtlMs } = given;
  const { staleWhileRevalidateMs = before.staleWhileRevalidateMs, staleWhileErrorMs = before.staleWhileErrorMs } =
    given;
  checkNumber("cache.ttlMs", ttlMs, 1);
  checkInteger("cache.maxEntries", maxEntries, 1);
  checkNumber("cache.staleWhileRevalidateMs", staleWhileRevalidateMs, 0);
  checkNumber("cache.staleWhileErrorMs", staleWhileErrorMs, 0);
  checkNumber("cache.negativeTtlMs", negativeTtlMs, 0);
  return { ttlMs, maxEntries, staleWhileRevalidateMs, staleWhileErrorMs, negativeTtlMs };
}

/** A policy's rejection says how this process fares, not what the key has. */
function isNoRejection(error: unknown): boolean {
  return !(error instanceof ResilienceError);
}

function detached(call: Call): Call {
  return new Call(call.operation, undefined, 1, call.options);
}

function ignore(): void {
  // See where it is used.
}
