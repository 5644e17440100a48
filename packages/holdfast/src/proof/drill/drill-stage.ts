import type { DrillMeasures, DrillSeries } from "./drill-report.ts";
import type { DrillFaultPlan, DrillLoad } from "./drill-scenario.ts";

/** What a phase is given: it ends, and its signal is aborted, at its timeout or when the drill is interrupted. */
export interface StageContext {
  readonly signal: AbortSignal;
  /** Tells people what goes on. */
  readonly say: (text: string) => void;
}

/** Load on its way. */
export interface StageLoad {
  /** Lets what is under way end. Idempotent. */
  stop(): Promise<void>;
}

/** What was observed of a fault at one of the parts that it struck. */
export interface StageFaultRecord {
  readonly target: string;
  /** Whether it was seen to have an effect. */
  readonly happened: boolean;
  /** What the kind knows besides; goes into the report. */
  readonly [detail: string]: number | string | boolean | null;
}

/** A fault on its way. */
export interface StageFault {
  /** What was struck, for people. */
  readonly what: string;
  /** The names of the parts that are struck, where they are known from the beginning. Default: as the scenario says. */
  readonly targets?: readonly string[];
  /**
   * Resolves once the system serves, with the fault or (after `heal`) without it; at once when it cannot before.
   * Rejects when it never will.
   */
  untilServing(context: StageContext): Promise<void>;
  /** Takes it back. Called once; rejects when what was struck does not come back. */
  heal(context: StageContext): Promise<void>;
  /** What was observed, one record for each part struck; read after healing. */
  records(): readonly StageFaultRecord[];
}

/** What a drill happens to. The engine calls it in the order in which it is written here; `teardown` once, always. */
export interface DrillStage {
  /** Refuses what it cannot do, before anything has begun. @throws InvalidArgumentError naming `path` */
  checkFault(fault: DrillFaultPlan, path: string): void;
  setup(context: StageContext): Promise<void>;
  /** How the system is, for the rules of the steady state; asked again until they hold or time is over. */
  probe(context: StageContext): Promise<DrillMeasures>;
  /** Resolves when the first of it was answered: a fault before that would prove nothing. */
  startLoad(load: DrillLoad, round: number, context: StageContext): Promise<StageLoad>;
  /** Rejects when it cannot be there: then the drill proves nothing. */
  inject(fault: DrillFaultPlan, context: StageContext): Promise<StageFault>;
  /** Resolves when all that was accepted has arrived everywhere. */
  settle(context: StageContext): Promise<void>;
  /** Looks at what is there. Called after every load, however it ended, unless somebody interrupted. */
  check(context: StageContext): Promise<void>;
  teardown(context: StageContext): Promise<void>;
  /** All that was measured, at the end. */
  measures(): DrillMeasures;
  series(): readonly DrillSeries[];
  /** What no rule asks for and nothing excuses (`a member died that nobody killed`); undefined when there is none. */
  surprise(): string | undefined;
}
