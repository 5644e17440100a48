import type { BreakerState } from "./breaker-state.ts";
import { ResilienceError } from "./resilience-error.ts";

/** A circuit breaker did not let the call through; the operation was not called. Its `stack` is undefined. */
export class CircuitOpenError extends ResilienceError {
  static override readonly brand: string = "CircuitOpenError";

  /** What the breaker was: `open`, `halfOpen` (all probes are taken), `rampUp` (not this call yet) or `forcedOpen`. */
  readonly state: BreakerState;
  /** How long the breaker stays open; 0 when it is not fully open, Infinity while it is forced open. */
  readonly remainingOpenMs: number;
  /** When to try again; undefined when time alone does not decide. */
  readonly retryAfterMs: number | undefined;
  readonly #policy: string;

  constructor(name: string, state: BreakerState, remainingOpenMs: number) {
    super(undefined, { name: "CircuitOpenError", code: "CIRCUIT_OPEN", kind: "resource", retryable: true });
    this.#policy = name;
    this.state = state;
    this.remainingOpenMs = remainingOpenMs;
    this.retryAfterMs = state === "open" ? remainingOpenMs : undefined;
  }

  override get message(): string {
    return this.#policy === ""
      ? `circuit breaker is ${this.state}`
      : `circuit breaker ${this.#policy} is ${this.state}`;
  }

  override toJSON(): Record<string, unknown> {
    const { state, remainingOpenMs, retryAfterMs } = this;
    return { ...super.toJSON(), state, remainingOpenMs, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
  }
}
