import { describe, expect, it } from "vitest";
import { VirtualClock } from "../testing/index.ts";
import { adaptiveTimeout, adaptiveTimeoutDefaults } from "./adaptive-timeout.ts";
import { breakerRegistry } from "./breaker-registry.ts";
import { bulkhead } from "./bulkhead.ts";
import { cache } from "./cache.ts";
import { concurrencyLimiter } from "./concurrency-limiter.ts";
import { hedge } from "./hedge.ts";
import { rateLimiter } from "./rate-limiter.ts";
import { retryBudget } from "./retry-budget.ts";
import { retry } from "./retry.ts";
import { descriptionOf, type Staged } from "./stage.ts";
import { throttle } from "./throttle.ts";
import { tieredTimeout } from "./tiered-timeout.ts";
import { timeout } from "./timeout.ts";

const clock = new VirtualClock();
const random = { next: () => 0 };
const limits = { permits: 5, perMs: 100 };
const listener = (): void => undefined;
const judge = (): boolean => true;

/** Every option of a policy, none as it is by default; and what its description shows of them. */
interface Subject {
  readonly make: (options: never) => unknown;
  readonly all: object;
  readonly shown?: object;
  /** Values that are refused, and the rule that the message names. */
  readonly refused: readonly (readonly [option: string, value: unknown, rule: string])[];
}

const aFunction = ["onEvent", 5, "must be a function"] as const;

const subjects: Readonly<Record<string, Subject>> = {
  adaptiveTimeout: {
    make: adaptiveTimeout,
    all: {
      baseMs: 900,
      floorMs: 50,
      ceilingMs: 2_000,
      window: 50,
      quantile: 0.5,
      factor: 3,
      minimumSamples: 5,
      maxDrift: 2,
      load: () => 0,
      mode: "cooperative",
      onLateResult: listener,
      onEvent: listener,
      name: "a",
      clock,
    },
    shown: {
      baseMs: 900,
      floorMs: 50,
      ceilingMs: 2_000,
      window: 50,
      quantile: 0.5,
      factor: 3,
      minimumSamples: 5,
      maxDrift: 2,
      limitMs: 900,
    },
    refused: [
      ["baseMs", 0, "must be a number >= 1"],
      ["floorMs", 0, "must be a number >= 1"],
      ["ceilingMs", 5, `must be a number >= ${adaptiveTimeoutDefaults.floorMs}`],
      ["window", 1_000_001, "must be an integer >= 1 and <= 1000000"],
      ["quantile", 0, "must be a number >= 0.01 and <= 1"],
      ["factor", 0.5, "must be a number >= 1"],
      ["minimumSamples", 0, "must be an integer >= 1 and <= 100"],
      ["maxDrift", 0.5, "must be a number >= 1"],
      ["load", 5, "must be a function"],
    ],
  },
  breakerRegistry: {
    make: breakerRegistry,
    all: { create: () => ({}), maxIdleMs: 5, maxEntries: 5, clock },
    refused: [
      ["create", 5, "must be a function"],
      ["maxIdleMs", 0, "must be a number >= 1"],
      ["maxEntries", 0, "must be an integer >= 1"],
    ],
  },
  bulkhead: {
    make: bulkhead,
    all: {
      maxConcurrent: 2,
      maxQueue: 3,
      maxWaitMs: Infinity,
      holdUntilSettled: true,
      onEvent: listener,
      name: "a",
      clock,
    },
    shown: { maxConcurrent: 2, maxQueue: 3, maxWaitMs: Infinity, holdUntilSettled: true },
    refused: [
      ["maxConcurrent", 0, "must be an integer >= 1"],
      ["maxQueue", -1, "must be an integer >= 0"],
      ["maxWaitMs", -1, "must be a number >= 0"],
      ["holdUntilSettled", 1, "must be true or false"],
      aFunction,
    ],
  },
  cache: {
    make: cache,
    all: {
      ttlMs: 5,
      maxEntries: 6,
      staleWhileRevalidateMs: 7,
      staleWhileErrorMs: 8,
      negativeTtlMs: 9,
      isCacheableError: judge,
      onEvent: listener,
      name: "a",
      clock,
    },
    shown: { ttlMs: 5, maxEntries: 6, staleWhileRevalidateMs: 7, staleWhileErrorMs: 8, negativeTtlMs: 9 },
    refused: [
      ["ttlMs", 0, "must be a number >= 1"],
      ["maxEntries", 0, "must be an integer >= 1"],
      ["staleWhileRevalidateMs", -1, "must be a number >= 0"],
      ["staleWhileErrorMs", -1, "must be a number >= 0"],
      ["negativeTtlMs", -1, "must be a number >= 0"],
      ["isCacheableError", 5, "must be a function"],
      aFunction,
    ],
  },
  concurrencyLimiter: {
    make: concurrencyLimiter,
    all: {
      initialLimit: 5,
      minLimit: 2,
      maxLimit: 9,
      tolerance: 2,
      smoothing: 1,
      dropFactor: 0.5,
      windowMs: 0,
      maxHealthyRttMs: 50,
      minSamples: 3,
      isDrop: judge,
      onEvent: listener,
      name: "a",
      clock,
    },
    shown: {
      initialLimit: 5,
      minLimit: 2,
      maxLimit: 9,
      tolerance: 2,
      smoothing: 1,
      dropFactor: 0.5,
      windowMs: 0,
      maxHealthyRttMs: 50,
      minSamples: 3,
    },
    refused: [
      ["initialLimit", 1_001, "must be an integer >= 1 and <= 1000"],
      ["minLimit", 0, "must be an integer >= 1"],
      ["maxLimit", 0, "must be an integer >= 1"],
      ["tolerance", 0.9, "must be a number >= 1"],
      ["smoothing", 1.1, "must be a number >= 0 and <= 1"],
      ["dropFactor", -1, "must be a number >= 0 and <= 1"],
      ["maxHealthyRttMs", -1, "must be a number >= 0"],
      ["windowMs", -1, "must be a number >= 0"],
      ["minSamples", 0, "must be an integer >= 1"],
      ["isDrop", 5, "must be a function"],
      aFunction,
    ],
  },
  hedge: {
    make: hedge,
    all: {
      delayMs: 5,
      quantile: 0.5,
      window: 10,
      maxHedges: 2,
      accept: judge,
      hedgeAfter: judge,
      budget: retryBudget({ clock }),
      onDiscard: listener,
      onEvent: listener,
      name: "a",
      clock,
    },
    shown: { delayMs: 5, maxHedges: 2, quantile: 0.5 },
    refused: [
      ["delayMs", -1, "must be a number >= 0"],
      ["quantile", 0, "must be a number >= 0.01 and <= 1"],
      ["window", 9, "must be an integer >= 10 and <= 1000000"],
      ["maxHedges", 0, "must be an integer >= 1"],
      ["accept", 5, "must be a function"],
      ["hedgeAfter", 5, "must be a function"],
      ["budget", null, "must be a retry budget"],
      ["onDiscard", 5, "must be a function"],
      aFunction,
    ],
  },
  rateLimiter: {
    make: (options: object) => rateLimiter({ limits, ...options }),
    all: { limits, maxWaitMs: 5, maxWaiting: 6, key: () => "", maxKeys: 7, onEvent: listener, name: "a", clock },
    shown: { limits, maxWaitMs: 5, maxWaiting: 6, maxKeys: 7 },
    refused: [
      ["maxWaitMs", -1, "must be a number >= 0"],
      ["maxWaiting", 0, "must be an integer >= 1"],
      ["key", 5, "must be a function"],
      ["maxKeys", 0, "must be an integer >= 1"],
      ["limits", [], "must name at least one limit"],
      aFunction,
    ],
  },
  retry: {
    make: retry,
    all: {
      maxAttempts: 5,
      backoff: [1],
      jitter: "none",
      maxDelayMs: 6,
      maxElapsedMs: 7,
      retryRejections: true,
      retryOn: judge,
      retryOnResult: judge,
      delayFrom: () => 1,
      budget: retryBudget({ clock }),
      onEvent: listener,
      name: "a",
      clock,
      random,
    },
    shown: { maxAttempts: 5, jitter: "none", maxDelayMs: 6, maxElapsedMs: 7, retryRejections: true },
    refused: [
      ["maxAttempts", 0, "must be an integer >= 1"],
      ["maxAttempts", Infinity, "must be finite unless maxElapsedMs is"],
      ["backoff", 5, "must be a schedule, an iterable of delays or a function"],
      ["jitter", "half", 'must be "none" or "full" or "equal" or "decorrelated"'],
      ["maxDelayMs", -1, "must be a number >= 0"],
      ["maxElapsedMs", -1, "must be a number >= 0"],
      ["retryOn", 5, "must be a function"],
      ["retryOnResult", 5, "must be a function"],
      ["delayFrom", 5, "must be a function"],
      ["budget", null, "must be a retryBudget()"],
      ["retryRejections", 1, "must be true or false"],
      aFunction,
    ],
  },
  throttle: {
    make: throttle,
    all: {
      multiplier: 3,
      maxRejectProbability: 0.5,
      windowMs: 5,
      buckets: 6,
      on: judge,
      onEvent: listener,
      name: "a",
      clock,
      random,
    },
    shown: { multiplier: 3, maxRejectProbability: 0.5, windowMs: 5, buckets: 6 },
    refused: [
      ["multiplier", 0.5, "must be a number >= 1"],
      ["maxRejectProbability", 1.1, "must be a number >= 0 and <= 1"],
      ["windowMs", 0, "must be a number >= 1"],
      ["buckets", 0, "must be an integer >= 1"],
      ["on", 5, "must be a function"],
      aFunction,
    ],
  },
  tieredTimeout: {
    make: tieredTimeout,
    all: { tiers: {}, onEvent: listener, name: "a", clock },
    refused: [aFunction],
  },
  timeout: {
    make: timeout,
    all: { timeoutMs: 5, mode: "cooperative", onLateResult: listener, onEvent: listener, name: "a", clock },
    shown: { timeoutMs: 5, mode: "cooperative" },
    refused: [
      ["timeoutMs", -1, "must be a number >= 0"],
      ["mode", "soft", 'must be "abandoning" or "cooperative"'],
      ["onLateResult", 5, "must be a function"],
      aFunction,
    ],
  },
};

const all = Object.entries(subjects);
const made = (make: Subject["make"], options: object): unknown => (make as (options: object) => unknown)(options);

describe("the options of every policy", () => {
  it.each(all)("%s: are those that there are, and no others", (kind, { make, all }) => {
    expect(() => made(make, all)).not.toThrow();
    for (const option of [...Object.keys(all).map((name) => `${name}s`), ""]) {
      if (!(option in all))
        expect(() => made(make, { [option]: 1 })).toThrow(`${kind}.${option} is no option; there are`);
    }
  });

  it.each(all)("%s: are refused by name, with the rule", (kind, { make, refused }) => {
    for (const [option, value, rule] of refused) {
      expect(() => made(make, { ...(kind === "breakerRegistry" && { create: judge }), [option]: value })).toThrow(
        `${kind}.${option} ${rule} (got `,
      );
    }
  });

  it.each(all.filter(([, { shown }]) => shown !== undefined))(
    "%s: are described as they are",
    (kind, { make, all, shown }) => {
      const describe = (options: object): unknown => (made(make, options) as Staged)[descriptionOf];
      expect(describe(all)).toEqual({ kind, name: "a", options: shown });
      expect(describe({})).toMatchObject({ kind });
    },
  );

  it.each<[string, { update(changes: never): void }]>([
    ["bulkhead", bulkhead()],
    ["cache", cache()],
    ["concurrencyLimiter", concurrencyLimiter()],
    ["rateLimiter", rateLimiter({ limits })],
    ["throttle", throttle()],
    ["timeout", timeout()],
  ])("%s: those that cannot be changed are refused with its name", (kind, policy) => {
    expect(() => policy.update({ nonsense: 1 } as never)).toThrow(`${kind}.nonsense is no option; there are`);
    expect(() => policy.update(5 as never)).toThrow(`${kind} options must be an object (got 5)`);
  });
});
