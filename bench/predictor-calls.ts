import { classify, createErrorAggregator, type Observation } from "holdfast/errors";
import { CircuitOpenError } from "holdfast/resilience";
import type { Clock } from "holdfast/runtime";

export const recordedKinds: readonly ["timeout", "network", "resource"] = ["timeout", "network", "resource"];

/** What a program knows of its own calls: their errors, classified and counted, and how long they took since it was asked. */
export class CallRecord {
  calls = 0;
  readonly #clock: Clock;
  readonly #aggregator;
  #latencies: number[] = [];
  #lastCalls = 0;
  #inFlight = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#aggregator = createErrorAggregator({ clock, frames: false });
  }

  async make(operation: string, call: () => Promise<void>): Promise<void> {
    const started = this.#clock.now();
    this.calls++;
    this.#inFlight++;
    try {
      await call();
    } catch (error) {
      this.#aggregator.record(classify(error), { operation });
      // Nothing was tried: it says nothing about how long calls take.
      if (error instanceof CircuitOpenError) return;
    } finally {
      this.#inFlight--;
    }
    this.#latencies.push(this.#clock.now() - started);
  }

  /** What the calls of the last step were like, beside the signals that others tell. */
  observe(stepMs: number, others: Readonly<Record<string, number>>): Observation {
    const sorted = this.#latencies.toSorted((a, b) => a - b);
    const quantile = (q: number): number => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? 0;
    const made = this.calls - this.#lastCalls;
    this.#latencies = [];
    this.#lastCalls = this.calls;
    return {
      at: this.#clock.now(),
      totals: Object.fromEntries(recordedKinds.map((kind) => [kind, this.#aggregator.kind(kind).total])),
      signals: {
        p50Ms: quantile(0.5),
        p99Ms: quantile(0.99),
        callsPerSecond: (made * 1000) / stepMs,
        inFlight: this.#inFlight,
        ...others,
      },
    };
  }
}
