import type { DrillReport, DrillScenario } from "holdfast/proof";
import type { DrillView, FaultView, Telemetry, TelemetryEvent } from "holdfast/telemetry";

/** What a drill is about at this moment, as the dashboard shows it. */
export interface DrillState {
  drills(): readonly DrillView[];
  /** Those in effect. */
  faults(): readonly FaultView[];
  /** What was measured is known when all is over. */
  setMeasures(measures: DrillReport["measures"]): void;
}

const types = ["drillStarted", "drillPhaseBegan", "drillEnded", "faultInjected", "faultRemoved"] as const;

/** Follows a drill by what it tells. */
export function drillState(
  { name }: Pick<DrillScenario, "name">,
  telemetry: Telemetry,
  onChange: (kind: "drills" | "faults") => void,
): DrillState {
  let view: DrillView | undefined;
  const faults = new Map<string, FaultView>();

  function hear(event: Extract<TelemetryEvent, { readonly type: (typeof types)[number] }>): void {
    if (event.type === "faultInjected") {
      const { fault: id, target, kind, parameters, at, durationMs } = event;
      faults.set(id, { id, target, kind, parameters, injectedAt: at, endsAt: at + durationMs, struck: null });
      return onChange("faults");
    }
    if (event.type === "faultRemoved") {
      faults.delete(event.fault);
      return onChange("faults");
    }
    const { at } = event;
    view ??= { drill: name, verdict: "running", phase: "", startedAt: at, endedAt: null, measures: {} };
    if (event.type === "drillPhaseBegan") view = { ...view, phase: event.phase };
    if (event.type === "drillEnded") view = { ...view, verdict: event.verdict, endedAt: at };
    onChange("drills");
  }

  telemetry.subscribe(hear, { types });
  return {
    drills: () => (view === undefined ? [] : [view]),
    faults: () => [...faults.values()],
    setMeasures(measures) {
      if (view === undefined) return;
      // Lists are in the report.
      const shown = Object.entries(measures).filter(([, value]) => value === null || typeof value !== "object");
      view = { ...view, measures: Object.fromEntries(shown) as DrillView["measures"] };
      onChange("drills");
    },
  };
}
