import { expect } from "vitest";
import { VirtualClock } from "../../testing/index.ts";
import type { CircuitBreakerOptions } from "../breaker-options.ts";
import { circuitBreaker, type CircuitBreaker } from "../circuit-breaker.ts";
import { CircuitOpenError } from "../circuit-open-error.ts";

export const broken: Error = new Error("broken");

export function make(options: CircuitBreakerOptions = {}): {
  readonly breaker: CircuitBreaker;
  readonly clock: VirtualClock;
} {
  const clock = new VirtualClock();
  const breaker = circuitBreaker({
    window: { kind: "consecutive", failures: 3 },
    openMs: 1000,
    halfOpen: { probes: 1 },
    clock,
    ...options,
  });
  return { breaker, clock };
}

export async function fail(breaker: CircuitBreaker, times = 1, error: unknown = broken): Promise<void> {
  for (let call = 0; call < times; call++) {
    await expect(breaker.execute(() => Promise.reject(error))).rejects.toBe(error);
  }
}

export async function succeed(breaker: CircuitBreaker, times = 1): Promise<void> {
  for (let call = 0; call < times; call++) expect(await breaker.execute(() => "fine")).toBe("fine");
}

export async function rejection(breaker: CircuitBreaker): Promise<CircuitOpenError> {
  const error: unknown = await breaker.execute(() => "not called").catch((error: unknown) => error);
  if (!(error instanceof CircuitOpenError)) throw new Error("expected a rejection");
  return error;
}

export function pending(): {
  readonly operation: () => Promise<string>;
  resolve(): void;
  reject(error: unknown): void;
} {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  return { operation: () => promise, resolve: () => resolve("late"), reject };
}
