import { checkInteger, checkOptionNames } from "../../errors/base.ts";

export interface LeaseOptions {
  /** How often the leader moves the clock of the leases on. Default 500; at least 100. */
  readonly tickMs: number;
  /**
   * Shorter times to live are raised to this. Default: one and a half election timeouts in whole seconds, and at least
   * 2, which is what etcd makes of its defaults.
   */
  readonly minTtlSeconds: number;
  /** Leases at once; more are refused with TOO_MANY_LEASES. Must be the same on every member. Default 100 000. */
  readonly maxLeases: number;
}

export const defaultLeaseOptions: LeaseOptions = { tickMs: 500, minTtlSeconds: 2, maxLeases: 100_000 };

/** etcd refuses longer ones, too: about 285 years. */
export const maxTtlSeconds = 9_000_000_000;

/** @throws InvalidArgumentError naming the option that breaks its rule */
export function checkLeaseOptions(
  given: Partial<LeaseOptions> | undefined = {},
  electionTimeoutMs: number = 0,
): LeaseOptions {
  checkOptionNames("leases", given, Object.keys(defaultLeaseOptions));
  const afterElections = Math.ceil((1.5 * electionTimeoutMs) / 1000);
  const minTtlSeconds = Math.max(defaultLeaseOptions.minTtlSeconds, afterElections);
  const options = { ...defaultLeaseOptions, minTtlSeconds, ...given };
  checkInteger("leases.tickMs", options.tickMs, 100);
  checkInteger("leases.minTtlSeconds", options.minTtlSeconds, 1, maxTtlSeconds);
  checkInteger("leases.maxLeases", options.maxLeases, 1);
  return options;
}
