import type { LoadReport } from "holdfast/proof";
import type { ClientTls } from "../client/connections.ts";
import { putWorkload, runClusterLoad } from "../load/cluster-load.ts";

export interface RateLoadOptions {
  readonly endpoints: readonly string[];
  readonly tls: ClientTls | undefined;
  readonly seed: number;
  readonly ratePerSecond: number;
  readonly clients: number;
  readonly durationMs: number;
  /** Before every key; ends in a slash. */
  readonly prefix: string;
}

export interface RateLoad {
  /** Offers nothing more, and resolves with what it found. Idempotent. */
  stop(): Promise<LoadReport>;
}

const timeoutMs = 5_000;
const maxInFlight = 2_000;
const intervalMs = 250;

/** Writes at a rate, whoever waits. */
export function startRateLoad(options: RateLoadOptions): RateLoad {
  const { ratePerSecond, durationMs, ...shared } = options;
  const stopping = new AbortController();
  const report = runClusterLoad({
    ...shared,
    protocol: "gateway",
    timeoutMs,
    workload: putWorkload,
    records: 1_000,
    keys: { type: "uniform" },
    payload: { type: "constant", bytes: 100 },
    run: { mode: "open", ratePerSecond, durationMs, maxInFlight, intervalMs },
    stop: stopping.signal,
    say: () => {},
  });
  // Whoever stops it hears of it.
  report.catch(() => {});
  return {
    stop() {
      stopping.abort();
      return report;
    },
  };
}
