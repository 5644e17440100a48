import type { Clock } from "../../runtime/index.ts";
import { OperationTimeoutError } from "../../errors/index.ts";
import type { Telemetry } from "../../telemetry/index.ts";
import type { DrillEvent, DrillFault } from "./drill-report.ts";
import type { DrillFaultPlan, DrillScenario } from "./drill-scenario.ts";
import type { DrillStage, StageContext, StageFault } from "./drill-stage.ts";
import type { DrillFinding } from "./drill-verdict.ts";
import { inTime } from "./in-time.ts";

/** What the faults of a drill need and leave behind. */
export interface FaultBook {
  readonly scenario: DrillScenario;
  readonly stage: DrillStage;
  readonly clock: Pick<Clock, "now" | "setTimer" | "sleep">;
  /** Told when a fault begins, and when nothing is left of it. */
  readonly telemetry: Pick<Telemetry, "publish"> | undefined;
  readonly faults: DrillFault[];
  readonly findings: DrillFinding[];
  /** When the first load began, on the clock. */
  readonly loadBeganMs: () => number;
  readonly say: (text: string, kind: DrillEvent["kind"]) => void;
}

/**
 * One fault from its moment on: begins, lasts or waits until the rest serves, is taken back, waits until all serve.
 * Whatever goes wrong becomes a finding; what has begun is always taken back, also after an interruption.
 */
export async function runFault(
  book: FaultBook,
  plan: DrillFaultPlan,
  round: number,
  signal: AbortSignal,
): Promise<void> {
  const { scenario, stage, clock, say } = book;
  const { timeouts } = scenario;
  const context = (inner: AbortSignal): StageContext => ({ signal: inner, say: (text) => say(text, "note") });
  const limited = <T>(timeoutMs: number, operation: string, work: (context: StageContext) => Promise<T>): Promise<T> =>
    inTime({ clock, timeoutMs, signal, operation }, (inner) => work(context(inner)));

  await clock.sleep(plan.afterMs, { signal });
  const atMs = clock.now();
  let fault: StageFault;
  let beginning: Promise<StageFault> | undefined;
  try {
    fault = await limited(timeouts.faultMs, `${plan.id} beginning`, (inner) => (beginning = stage.inject(plan, inner)));
  } catch (error) {
    // One that begins after all, when nobody waits for it any more, is taken back at once.
    await heal(beginning);
    signal.throwIfAborted();
    book.findings.push({ kind: "inconclusive", message: `${plan.id} did not happen: ${messageOf(error)}` });
    return;
  }
  say(`${plan.id}: ${fault.what}`, "fault");
  const facts = factsOf(book, plan, fault, round);
  facts.tellBegun();
  let healedMs: number | null = null;
  try {
    if (plan.forMs === undefined) await untilServing(fault, `${plan.id}: service in spite of it`);
    else await clock.sleep(plan.forMs, { signal });
  } catch (error) {
    if (!signal.aborted) book.findings.push(lateness(error));
  } finally {
    healedMs = await heal(Promise.resolve(fault));
    if (healedMs !== null) facts.tellOver(healedMs - atMs, plan.forMs !== undefined && !signal.aborted);
    const record = { round, atMs: round1(atMs - book.loadBeganMs()), lastedMs: healedMs && round1(healedMs - atMs) };
    for (const seen of fault.records()) {
      const { target, happened, ...details } = seen;
      book.faults.push({ id: plan.id, kind: plan.kind, target, ...record, happened, ...details });
      if (!happened) {
        book.findings.push({ kind: "inconclusive", message: `${plan.id} had no effect on ${target}` });
      }
    }
  }
  signal.throwIfAborted();
  if (healedMs === null) return;
  say(`${plan.id} is over`, "heal");
  try {
    await untilServing(fault, `${plan.id}: service after it`);
  } catch (error) {
    signal.throwIfAborted();
    book.findings.push(lateness(error));
  }

  function untilServing(struck: StageFault, operation: string): Promise<void> {
    return limited(timeouts.recoveryMs, operation, (inner) => struck.untilServing(inner));
  }

  /** Not interrupted: what is left behind would outlive the drill. */
  async function heal(struck: Promise<StageFault> | undefined): Promise<number | null> {
    let hasBegun = false;
    try {
      const limit = { clock, timeoutMs: timeouts.faultMs, signal: undefined, operation: `${plan.id}: taking it back` };
      await inTime(limit, async (inner) => {
        const begun = await struck;
        hasBegun = begun !== undefined;
        await begun?.heal(context(inner));
      });
      return clock.now();
    } catch (error) {
      if (hasBegun && !signal.aborted)
        book.findings.push({ kind: "failed", message: `${plan.id}: ${messageOf(error)}` });
      return null;
    }
  }
}

/** What is told of a fault, under a name of its own in each round. */
function factsOf(
  { telemetry, scenario }: FaultBook,
  { id, kind, targets, forMs, parameters }: DrillFaultPlan,
  fault: StageFault,
  round: number,
): { tellBegun(): void; tellOver(lastedMs: number, isExpired: boolean): void } {
  const names = fault.targets ?? (typeof targets === "string" ? [targets] : targets);
  const known = {
    fault: scenario.rounds > 1 ? `${id} (round ${round})` : id,
    target: names.join(" "),
    kind,
  };
  return {
    // One that waits for service waits no longer than for recovery.
    tellBegun: () => {
      const durationMs = forMs ?? scenario.timeouts.recoveryMs;
      telemetry?.publish({ type: "faultInjected", ...known, parameters, durationMs });
    },
    tellOver: (lastedMs, isExpired) =>
      telemetry?.publish({
        type: "faultRemoved",
        ...known,
        reason: isExpired ? "expired" : "removed",
        lastedMs: round1(lastedMs),
        struck: null,
      }),
  };
}

function lateness(error: unknown): DrillFinding {
  return { kind: OperationTimeoutError.is(error) ? "timeout" : "failed", message: messageOf(error) };
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export const round1 = (value: number): number => Math.round(value * 10) / 10;
