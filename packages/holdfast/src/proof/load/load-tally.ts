import { FailureTally } from "./failure-tally.ts";
import { Histogram } from "./histogram.ts";
import type { LoadCall, LoadSettings } from "./load-options.ts";
import type { LoadReport, NamedLoad, TimelineEntry } from "./load-report.ts";

const maxNames = 32;
const restOfNames = "other";

interface Named {
  succeeded: number;
  failed: number;
  readonly latency: Histogram;
}

/** What is known of an operation when it ends. */
export interface EndedCall extends Pick<LoadCall, "intendedMs" | "name"> {
  readonly startedMs: number;
}

/** Counts what a run does, in constant time each. Times are those of the run's clock. */
export class LoadTally {
  readonly #startedAt: number;
  readonly #fromMs: number;
  readonly #intervalMs: number;
  readonly #onInterval: ((entry: TimelineEntry) => void) | undefined;
  readonly #latency = new Histogram();
  readonly #service = new Histogram();
  readonly #failedLatency = new Histogram();
  readonly #lateness = new Histogram();
  readonly #names = new Map<string, Named>();
  readonly #failures = new FailureTally();
  readonly #timeline: TimelineEntry[] = [];
  readonly #recent = new Histogram();
  #now = { offered: 0, succeeded: 0, failed: 0, dropped: 0 };
  #offered = 0;
  #started = 0;
  #succeeded = 0;
  #failed = 0;
  #dropped = 0;
  #lastEndMs: number;

  constructor(settings: Pick<LoadSettings, "clock" | "intervalMs" | "onInterval">, fromMs: number) {
    this.#startedAt = Math.round(settings.clock.wallTime() + fromMs - settings.clock.now());
    this.#intervalMs = settings.intervalMs;
    this.#onInterval = settings.onInterval;
    this.#fromMs = fromMs;
    this.#lastEndMs = fromMs;
  }

  offered(nowMs: number): void {
    this.passTo(nowMs);
    this.#offered++;
    this.#now.offered++;
  }

  dropped(): void {
    this.#dropped++;
    this.#now.dropped++;
  }

  started(latenessMs: number): void {
    this.#started++;
    this.#lateness.record(latenessMs);
  }

  succeeded({ name, intendedMs, startedMs }: EndedCall, nowMs: number): void {
    this.passTo(nowMs);
    this.#lastEndMs = nowMs;
    this.#succeeded++;
    this.#now.succeeded++;
    const latencyMs = nowMs - intendedMs;
    this.#latency.record(latencyMs);
    this.#service.record(nowMs - startedMs);
    this.#recent.record(latencyMs);
    const named = this.#named(name);
    named.succeeded++;
    named.latency.record(latencyMs);
  }

  failed({ name, intendedMs }: EndedCall, nowMs: number, error: unknown): void {
    this.passTo(nowMs);
    this.#lastEndMs = nowMs;
    this.#failed++;
    this.#now.failed++;
    this.#failedLatency.record(nowMs - intendedMs);
    this.#failures.add(error);
    this.#named(name).failed++;
  }

  /** Closes the intervals that are over by now. */
  passTo(nowMs: number): void {
    while (nowMs >= this.#fromMs + this.#beginMs() + this.#intervalMs) this.#close(this.#intervalMs);
  }

  report(mode: LoadReport["mode"], offeredUntilMs: number): LoadReport {
    const elapsedMs = Math.max(this.#lastEndMs, offeredUntilMs) - this.#fromMs;
    this.passTo(this.#fromMs + elapsedMs);
    const restMs = elapsedMs - this.#beginMs();
    if (restMs > 0 || Object.values(this.#now).some((count) => count > 0)) this.#close(restMs);
    return {
      mode,
      startedAt: this.#startedAt,
      durationMs: offeredUntilMs - this.#fromMs,
      elapsedMs,
      offered: this.#offered,
      started: this.#started,
      succeeded: this.#succeeded,
      failed: this.#failed,
      dropped: this.#dropped,
      unfinished: this.#started - this.#succeeded - this.#failed,
      errorRatio: this.#offered === 0 ? 0 : (this.#offered - this.#succeeded) / this.#offered,
      throughputPerSecond: elapsedMs > 0 ? (this.#succeeded / elapsedMs) * 1000 : 0,
      failures: this.#failures.list(),
      latency: this.#latency.summary(),
      service: this.#service.summary(),
      failedLatency: this.#failedLatency.summary(),
      lateness: this.#lateness.summary(),
      operations: Object.fromEntries([...this.#names].map(([name, named]) => [name, summarized(named)])),
      timeline: this.#timeline,
      histograms: {
        latency: this.#latency.export(),
        service: this.#service.export(),
        failedLatency: this.#failedLatency.export(),
        lateness: this.#lateness.export(),
      },
    };
  }

  #beginMs(): number {
    return this.#timeline.length * this.#intervalMs;
  }

  #close(forMs: number): void {
    const { p50Ms, p99Ms, maxMs } = this.#recent.summary();
    const entry = { atMs: this.#beginMs(), forMs, ...this.#now, p50Ms, p99Ms, maxMs };
    this.#timeline.push(entry);
    if (this.#recent.count > 0) this.#recent.clear();
    this.#now = { offered: 0, succeeded: 0, failed: 0, dropped: 0 };
    try {
      this.#onInterval?.(entry);
    } catch {
      // Who looks on does not change the run.
    }
  }

  #named(name: string): Named {
    const known = this.#names.get(name);
    if (known !== undefined) return known;
    if (this.#names.size >= maxNames && name !== restOfNames) return this.#named(restOfNames);
    const named = { succeeded: 0, failed: 0, latency: new Histogram() };
    this.#names.set(name, named);
    return named;
  }
}

function summarized({ succeeded, failed, latency }: Named): NamedLoad {
  return { succeeded, failed, latency: latency.summary() };
}
