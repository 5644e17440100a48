import { setTimeout as delay } from "node:timers/promises";
import { serviceGap } from "./service-gap.ts";
import type { WorkloadRecord } from "./workload.ts";

export interface ServiceSince {
  readonly atMs: number;
  /** The term before the fault, when only another leader can serve; undefined when any answer is service. */
  readonly term: number | undefined;
}

/** Waits for the first write that was acknowledged since, and tells how long after. Rejects with the signal's reason. */
export async function untilAcknowledged(
  record: Pick<WorkloadRecord, "acknowledgements">,
  { atMs, term = -1 }: ServiceSince,
  signal: AbortSignal,
): Promise<number> {
  for (;;) {
    const gapMs = serviceGap(record.acknowledgements, { atMs, term });
    if (gapMs !== undefined) return gapMs;
    await delay(5, undefined, { signal });
  }
}
