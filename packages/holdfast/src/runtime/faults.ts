/** How a link treats what is sent over it, in one direction. */
export interface LinkFaults {
  /** The least a message takes. Default 0.5. */
  readonly latencyMs: number;
  /** The mean of what it takes beyond that, exponentially distributed. Default 0.5. */
  readonly jitterMs: number;
  /** How often a datagram is lost, or a piece of a stream must be sent again. 0..1, default 0. */
  readonly loss: number;
  /** How often a datagram arrives twice. 0..1, default 0. */
  readonly duplicate: number;
  /** How often a datagram is held back so that later ones overtake it. 0..1, default 0. */
  readonly reorder: number;
  /** How often a piece of a stream reaches its reader in two. 0..1, default 0.05. */
  readonly split: number;
}

export const defaultLinkFaults: LinkFaults = {
  latencyMs: 0.5,
  jitterMs: 0.5,
  loss: 0,
  duplicate: 0,
  reorder: 0,
  split: 0.05,
};

/** What a disturbed link does: times come on top, shares are chances of their own. */
export function disturbedLink(own: LinkFaults, disturbances: Iterable<Partial<LinkFaults>>): LinkFaults {
  const sum: { -readonly [Name in keyof LinkFaults]: number } = { ...own };
  for (const disturbance of disturbances) {
    for (const [name, value] of Object.entries(disturbance) as [keyof LinkFaults, number][]) {
      sum[name] = name.endsWith("Ms") ? sum[name] + value : 1 - (1 - sum[name]) * (1 - value);
    }
  }
  return sum;
}

/** How a disk behaves by itself; a test's own faults come on top. */
export interface DiskFaults {
  /** The mean time of an operation that need not reach the medium. Default 0.05. */
  readonly operationMs: number;
  /** The mean time of a sync. Default 1. */
  readonly syncMs: number;
  /** How often an operation fails with EIO. 0..1, default 0. */
  readonly readError: number;
  readonly writeError: number;
  /** How often a sync fails; what it should have written is dropped or kept, as drawn. 0..1, default 0. */
  readonly syncError: number;
  /** How often a sync takes `slowSyncMs` longer. 0..1, default 0. */
  readonly slowSync: number;
  /** Default 1000. */
  readonly slowSyncMs: number;
  /** How often a bit of what is read has turned, for good. 0..1, default 0. */
  readonly bitRot: number;
}

export const defaultDiskFaults: DiskFaults = {
  operationMs: 0.05,
  syncMs: 1,
  readError: 0,
  writeError: 0,
  syncError: 0,
  slowSync: 0,
  slowSyncMs: 1000,
  bitRot: 0,
};

/** Refuses values that mean nothing: times must be finite and not negative, the rest are shares of 1. */
export function checkFaults(name: string, faults: Readonly<Partial<LinkFaults & DiskFaults>>): void {
  for (const [key, value] of Object.entries(faults) as [string, unknown][]) {
    const isTime = key.endsWith("Ms");
    if (typeof value === "number" && value >= 0 && value <= (isTime ? Number.MAX_VALUE : 1)) continue;
    throw new RangeError(`${name}.${key} must be a number ${isTime ? ">= 0" : "in 0..1"} (got ${String(value)})`);
  }
}
