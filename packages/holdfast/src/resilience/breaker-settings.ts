import type { RandomSource } from "../runtime/system.ts";
import { circuitBreakerDefaults, type CircuitBreakerOptions } from "./breaker-options.ts";
import type { BreakerSettings } from "./breaker-state.ts";
import { outcome, type WindowOptions } from "./breaker-window.ts";
import { hasRates } from "./check-breaker-options.ts";
import { isRejection } from "./retryable.ts";

/** The state machine's part of checked options. */
export function settingsOf(options: CircuitBreakerOptions, random: RandomSource): BreakerSettings {
  const defaults = circuitBreakerDefaults;
  const window: WindowOptions = options.window ?? defaults.window;
  const rates = hasRates(window);
  const slow = options.slowCall;
  const halfOpen = options.halfOpen ?? {};
  const size = window.kind === "count" ? window.size : defaults.minimumCalls;
  const openMs = options.openMs ?? defaults.openMs;
  const maxOpenMs = options.maxOpenMs ?? defaults.maxOpenMs;
  const jitter = options.jitter ?? defaults.jitter;
  const lengthened = (ms: number): number => Math.min(maxOpenMs, jitter === 0 ? ms : ms * (1 + jitter * random.next()));
  return {
    window,
    failureRate: rates ? (options.failureRate ?? defaults.failureRate) : Number.POSITIVE_INFINITY,
    slowRate: rates && slow !== undefined ? (slow.rate ?? defaults.slowCall.rate) : Number.POSITIVE_INFINITY,
    minimumCalls: options.minimumCalls ?? Math.min(size, defaults.minimumCalls),
    probes: halfOpen.probes ?? defaults.halfOpen.probes,
    successRate: halfOpen.successRate ?? defaults.halfOpen.successRate,
    maxHalfOpenMs: halfOpen.maxMs ?? defaults.halfOpen.maxMs,
    afterMaxMs: halfOpen.afterMaxMs ?? defaults.halfOpen.afterMaxMs,
    openMs: (times) => lengthened(typeof openMs === "number" ? openMs : asked(openMs, times, maxOpenMs)),
    askedMs: lengthened,
    rampUpMs: options.rampUp?.ms ?? 0,
    startShare: options.rampUp?.startShare ?? defaults.rampUp.startShare,
  };
}

/** A function that throws, or gives no time, must not leave the breaker closed, or open for ever. */
function asked(openMs: (timesOpened: number) => number, times: number, maxOpenMs: number): number {
  try {
    const ms = openMs(times);
    if (ms >= 0) return Math.min(ms, maxOpenMs);
  } catch {
    // The default it is.
  }
  return circuitBreakerDefaults.openMs;
}

/** How outcomes are judged. A predicate that throws changes nothing about the call; what it would have said is assumed. */
export class BreakerJudge {
  readonly #isFailure: CircuitBreakerOptions["isFailure"];
  readonly #isFailureResult: CircuitBreakerOptions["isFailureResult"];
  readonly #ignore: (error: unknown) => boolean;
  readonly #openOn: CircuitBreakerOptions["openOn"];

  constructor(options: CircuitBreakerOptions) {
    this.#isFailure = options.isFailure;
    this.#isFailureResult = options.isFailureResult;
    this.#ignore = options.ignore ?? isRejection;
    this.#openOn = options.openOn;
  }

  /** Bits of `outcome`. */
  ofValue(value: unknown): number {
    if (this.#isFailureResult === undefined) return outcome.success;
    try {
      return this.#isFailureResult(value) ? outcome.failure : outcome.success;
    } catch {
      return outcome.success;
    }
  }

  /** Bits of `outcome`; undefined for an error to be ignored. */
  ofError(error: unknown): number | undefined {
    try {
      if (this.#ignore(error)) return undefined;
    } catch {
      // Not ignored.
    }
    if (this.#isFailure === undefined) return outcome.failure;
    try {
      return this.#isFailure(error) ? outcome.failure : outcome.success;
    } catch {
      return outcome.failure;
    }
  }

  /** For how long to open on this outcome alone; undefined for not at all. */
  opensFor(result: unknown, kind: "error" | "value"): number | undefined {
    if (this.#openOn === undefined) return undefined;
    try {
      const ms = this.#openOn(result, kind);
      return typeof ms === "number" && ms > 0 ? ms : undefined;
    } catch {
      return undefined;
    }
  }
}
