import { HistoryRing, historySteps } from "./history-ring.ts";

/** What is remembered of a policy of a service, in this order. */
export const policyColumns = ["callsPerSecond", "failedPerSecond", "p50", "p90", "p99"] as const;

export interface PolicyName {
  readonly service: string;
  readonly kind: string;
  readonly name: string;
}

export interface RememberedPolicy extends PolicyName {
  readonly ring: HistoryRing<readonly Float32Array[]>;
}

/** Of 29 kB each. */
export const maxPolicies = 200;
/** A minute: one of which was reported within that time keeps its place, however many others come. */
const keptSteps = 12;

/** The history of the policies of services. At the bound the one that was reported longest ago gives way. */
export class PolicyBook {
  /** The one that was added to longest ago first. */
  readonly #byKey = new Map<string, RememberedPolicy>();

  all(): readonly RememberedPolicy[] {
    return [...this.#byKey.values()];
  }

  /** Those of which nothing is known since a step. */
  forget(oldest: number): void {
    for (const [key, { ring }] of this.#byKey) if (ring.last < oldest) this.#byKey.delete(key);
  }

  clear(): void {
    this.#byKey.clear();
  }

  /** The one of that name, or a place for it at this step; undefined where there is no room. */
  find({ service, kind, name }: PolicyName, step: number): RememberedPolicy | undefined {
    const key = JSON.stringify([service, kind, name]);
    const known = this.#byKey.get(key);
    if (known === undefined && !this.#makeRoom(step)) return undefined;
    const ring = known?.ring ?? new HistoryRing(policyColumns.map(() => new Float32Array(historySteps)));
    const policy = known ?? { service, kind, name, ring };
    this.#byKey.delete(key);
    this.#byKey.set(key, policy);
    return policy;
  }

  #makeRoom(step: number): boolean {
    if (this.#byKey.size < maxPolicies) return true;
    for (const [key, { ring }] of this.#byKey) {
      if (ring.last >= step - keptSteps) return false;
      this.#byKey.delete(key);
      return true;
    }
    return false;
  }
}

/**
 * Adds what some instances had at a step to what others had: calls add up, and quantiles are those of the slowest, as
 * quantiles of several cannot be added up. NaN where nothing is known.
 */
export function addToPolicy({ ring }: RememberedPolicy, step: number, values: readonly number[]): void {
  const place = ring.place(step);
  if (place === undefined) return;
  const [calls, failed, p50, p90, p99] = ring.columns as readonly [
    Float32Array,
    Float32Array,
    Float32Array,
    Float32Array,
    Float32Array,
  ];
  const [moreCalls = Number.NaN, moreFailed = Number.NaN, half = Number.NaN, most = Number.NaN, slowest] = values;
  addAt(calls, place, moreCalls);
  addAt(failed, place, moreFailed);
  if (slowest === undefined || Number.isNaN(slowest) || p99[place]! >= slowest) return;
  p50[place] = half;
  p90[place] = most;
  p99[place] = slowest;
}

function addAt(column: Float32Array, place: number, value: number): void {
  if (Number.isNaN(value)) return;
  const before = column[place]!;
  column[place] = Number.isNaN(before) ? value : before + value;
}
