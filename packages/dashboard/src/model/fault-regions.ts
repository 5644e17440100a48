import type { FaultView } from "holdfast/telemetry";
import type { EventLog } from "./event-log.ts";

/** A time in which a fault was in effect. */
export interface FaultRegion {
  readonly id: string;
  readonly label: string;
  readonly fromMs: number;
  /** Null while it goes on. */
  readonly toMs: number | null;
}

/** As many are drawn. */
const maxRegions = 500;

/** From what was told of faults, and those in effect now: each with its beginning and its end. */
export function faultRegions(log: EventLog, active: readonly FaultView[]): FaultRegion[] {
  const regions = new Map<string, FaultRegion>();
  for (const { event } of log.entries) {
    if (event.type === "faultInjected") {
      const { fault, kind, target, at } = event;
      regions.set(fault, { id: fault, label: `${kind} on ${target}`, fromMs: at, toMs: null });
    } else if (event.type === "faultRemoved") {
      const { fault, kind, target, at, lastedMs } = event;
      regions.set(fault, { id: fault, label: `${kind} on ${target}`, fromMs: at - lastedMs, toMs: at });
    }
  }
  for (const { id, kind, target, injectedAt } of active) {
    if (regions.get(id)?.toMs == null)
      regions.set(id, { id, label: `${kind} on ${target}`, fromMs: injectedAt, toMs: null });
  }
  return Array.from(regions.values()).slice(-maxRegions);
}
