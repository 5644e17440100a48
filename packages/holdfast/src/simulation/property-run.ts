import type { FaultSchedule, FaultType } from "../proof/index.ts";
import { seededRandom, simulate, simulationReport, type SimulationReport } from "../runtime/index.ts";
import type { Interruption } from "./interruption.ts";
import { RunContext } from "./property-context.ts";
import { invariantOf } from "./property-error.ts";
import type { PropertySettings } from "./property-options.ts";

/** How one seed went. */
export interface PropertyRun {
  readonly seed: number;
  readonly failure: { readonly invariant: string; readonly error: unknown } | undefined;
  /** All that was drawn; undefined when no faults were asked for. */
  readonly schedule: FaultSchedule | undefined;
  readonly struck: Readonly<Partial<Record<FaultType, number>>>;
  readonly interruptions: readonly Interruption[];
  /** Whether each mark that was passed was ever true. */
  readonly marks: ReadonlyMap<string, boolean>;
  /** How often each point was reached, by `process/point`. */
  readonly visits: ReadonlyMap<string, number>;
  /** Undefined when the run could not begin. */
  readonly report: SimulationReport | undefined;
}

/** Runs one seed, with all that is drawn, or with what is kept alone. */
export async function runProperty(
  settings: PropertySettings,
  seed: number,
  keep?: readonly string[],
  traceLines?: number,
): Promise<PropertyRun> {
  let context: RunContext | undefined;
  const runOf = (report: SimulationReport | undefined, failure: PropertyRun["failure"]): PropertyRun => ({
    seed,
    failure,
    schedule: context?.schedule,
    struck: context?.struck ?? {},
    interruptions: context?.interruptions ?? [],
    marks: context?.marks ?? new Map<string, boolean>(),
    visits: context?.visits ?? new Map<string, number>(),
    report,
  });
  try {
    const world = settings.drawWorld(seededRandom(seed).fork("world"));
    const trace = traceLines === undefined ? {} : { trace: traceLines };
    const report = await simulate({ ...world, ...trace, seed, maxVirtualMs: settings.timeoutMs }, async (simulated) => {
      context = new RunContext(simulated, settings, keep === undefined ? undefined : new Set(keep));
      await settings.run(simulated, context);
      if (settings.faults.length > 0 && context.schedule === undefined) {
        throw new Error("the property describes faults, and its run never called context.injectFaults()");
      }
    });
    return runOf(report, undefined);
  } catch (error) {
    return runOf(simulationReport(error), { invariant: invariantOf(error), error });
  }
}
