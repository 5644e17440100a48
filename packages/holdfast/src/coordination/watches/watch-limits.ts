import { checkInteger, checkOptionNames } from "../../errors/base.ts";

export interface WatchLimits {
  /** Watches at once on one member; more are refused with TOO_MANY_REQUESTS. Default 100 000. */
  readonly maxWatchers: number;
  /** How often watches with `progressNotify` are told their progress while nothing else is told. Default 600 000. */
  readonly progressIntervalMs: number;
}

export const defaultWatchLimits: WatchLimits = { maxWatchers: 100_000, progressIntervalMs: 600_000 };

/** @throws InvalidArgumentError naming the option that breaks its rule */
export function checkWatchLimits(given: Partial<WatchLimits> | undefined = {}): WatchLimits {
  checkOptionNames("watches", given, Object.keys(defaultWatchLimits));
  const limits = { ...defaultWatchLimits, ...given };
  checkInteger("watches.maxWatchers", limits.maxWatchers, 1);
  checkInteger("watches.progressIntervalMs", limits.progressIntervalMs, 100);
  return limits;
}
