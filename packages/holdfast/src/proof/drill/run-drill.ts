import { checkOptionNames, InvalidArgumentError } from "../../errors/base.ts";
import { OperationTimeoutError } from "../../errors/index.ts";
import type { Clock } from "../../runtime/index.ts";
import type { Telemetry } from "../../telemetry/index.ts";
import type { DrillEvent, DrillFault, DrillPhase, DrillReport, PhaseResult } from "./drill-report.ts";
import { checkRules, describeRule, type RuleResult } from "./drill-rule.ts";
import type { DrillScenario } from "./drill-scenario.ts";
import type { DrillStage, StageContext, StageLoad } from "./drill-stage.ts";
import { judgeFindings, type DrillFinding } from "./drill-verdict.ts";
import { messageOf, round1, runFault } from "./fault-phase.ts";
import { inTime } from "./in-time.ts";

export interface RunDrillOptions {
  readonly scenario: DrillScenario;
  readonly stage: DrillStage;
  readonly clock: Pick<Clock, "now" | "wallTime" | "setTimer" | "sleep">;
  /** Ends the drill early: everything is taken back and torn down, and the verdict is inconclusive. */
  readonly signal?: AbortSignal;
  /** Each event as it happens. */
  readonly onEvent?: (event: DrillEvent) => void;
  /** Told when the drill begins, of each phase, of each fault's beginning and end, and of the drill's own end. */
  readonly telemetry?: Pick<Telemetry, "publish">;
}

/** Between two looks at a steady state that is not there yet. */
const probeMs = 100;
/** Between two looks at what must stay true. */
const watchMs = 500;
/** Why a round ends early: a rule that must stay true does not hold. */
const abandoned: unique symbol = Symbol("abandoned");

/**
 * Runs a drill: setup, steady state, load with faults, settle, steady state again, checks, and teardown exactly once.
 * Never rejects because of what happens in it: that is its verdict.
 *
 * @throws InvalidArgumentError for options, or a fault that the stage refuses, before anything has begun
 */
export async function runDrill(options: RunDrillOptions): Promise<DrillReport> {
  checkOptionNames("runDrill", options, ["scenario", "stage", "clock", "signal", "onEvent", "telemetry"]);
  if (typeof options.scenario?.name !== "string") {
    throw new InvalidArgumentError("runDrill.scenario", "must be a checked scenario", options.scenario);
  }
  for (const [at, fault] of options.scenario.faults.entries()) options.stage.checkFault(fault, `faults[${at}]`);
  return await new Drill(options).run();
}

class Drill {
  readonly #options: RunDrillOptions;
  readonly #beganMs: number;
  readonly #startedAt: number;
  readonly #findings: DrillFinding[] = [];
  readonly #faults: DrillFault[] = [];
  readonly #phases: PhaseResult[] = [];
  readonly #events: DrillEvent[] = [];
  #loadBeganMs: number | undefined;
  #before: readonly RuleResult[] = [];
  #after: readonly RuleResult[] = [];

  constructor(options: RunDrillOptions) {
    this.#options = options;
    this.#beganMs = options.clock.now();
    this.#startedAt = options.clock.wallTime();
  }

  async run(): Promise<DrillReport> {
    const { scenario, telemetry } = this.#options;
    const { name: drill } = scenario;
    telemetry?.publish({ type: "drillStarted", drill });
    const report = await this.#runPhases();
    const { verdict, reason, durationMs } = report;
    telemetry?.publish({ type: "drillEnded", drill, verdict, reason, durationMs });
    return report;
  }

  async #runPhases(): Promise<DrillReport> {
    const { scenario, stage, signal } = this.#options;
    const { timeouts } = scenario;
    try {
      if (!(await this.#phase("setup", timeouts.setupMs, "inconclusive", (context) => stage.setup(context)))) {
        return await this.#end();
      }
      if (!(await this.#steadyState("before"))) return await this.#end();
      const wentWell = await this.#rounds();
      const settled =
        wentWell && (await this.#phase("settle", timeouts.settleMs, "failed", (context) => stage.settle(context)));
      if (settled) await this.#steadyState("after");
      // Also of a run that went wrong: what was acknowledged until then must be true.
      if (signal?.aborted !== true) {
        await this.#phase("check", timeouts.checkMs, "inconclusive", (context) => stage.check(context));
      }
    } catch (error) {
      this.#findings.push({ kind: "inconclusive", message: `the drill itself failed: ${messageOf(error)}` });
    }
    return await this.#end();
  }

  /** Runs one phase; false when it did not go well, which has become a finding. */
  async #phase(
    phase: DrillPhase,
    timeoutMs: number,
    onError: "failed" | "inconclusive",
    work: (context: StageContext) => Promise<void>,
  ): Promise<boolean> {
    const { scenario, clock, signal, telemetry } = this.#options;
    const beganMs = clock.now();
    this.#tell(phase, "phase");
    telemetry?.publish({ type: "drillPhaseBegan", drill: scenario.name, phase });
    let error = "";
    try {
      // A stage may end before it is interrupted, or may not hear of it: teardown is its way out.
      const limit = { clock, timeoutMs, signal: phase === "teardown" ? undefined : signal, operation: phase };
      await inTime(limit, (inner) => work(this.#context(inner)));
    } catch (thrown) {
      error = messageOf(thrown);
      const isLate = OperationTimeoutError.is(thrown) && onError === "failed";
      if (phase !== "teardown" && signal?.aborted === true) this.#interrupted();
      // What could not be looked at is no news when something else went wrong before.
      else if (phase !== "check" || this.#findings.length === 0)
        this.#findings.push({ kind: isLate ? "timeout" : onError, message: `${phase}: ${error}` });
    }
    const now = clock.now();
    this.#phases.push({ phase, atMs: round1(beganMs - this.#beganMs), durationMs: round1(now - beganMs), error });
    return error === "";
  }

  async #steadyState(when: "before" | "after"): Promise<boolean> {
    const { scenario, stage, clock } = this.#options;
    const rules = scenario.steadyState;
    if (rules.length === 0) return true;
    let results: readonly RuleResult[] = [];
    const isBefore = when === "before";
    const kind = isBefore ? "inconclusive" : "failed";
    // The phase ends by itself when time is over, so that it can say which rule did not hold.
    const beganMs = clock.now();
    const wentWell = await this.#phase(
      `steady state ${when}`,
      2 * scenario.timeouts.steadyMs,
      kind,
      async (context) => {
        for (;;) {
          results = checkRules(await stage.probe(context), rules);
          if (results.every(({ holds }) => holds === true)) return;
          if (clock.now() - beganMs >= scenario.timeouts.steadyMs) return;
          await clock.sleep(probeMs, { signal: context.signal });
        }
      },
    );
    if (isBefore) this.#before = results;
    else this.#after = results;
    const broken = results.find(({ holds }) => holds !== true);
    if (!wentWell || broken === undefined) return wentWell;
    this.#findings.push({ kind, message: `no steady state ${when} the faults: ${describeRule(broken)}` });
    return false;
  }

  async #rounds(): Promise<boolean> {
    const { scenario } = this.#options;
    // Each part has its own time; this only guards against a stage that does not keep to it.
    const lastMs = Math.max(scenario.load.forMs, ...scenario.faults.map(({ afterMs, forMs = 0 }) => afterMs + forMs));
    const { recoveryMs, faultMs, steadyMs } = scenario.timeouts;
    const roundMs = lastMs + 2 * recoveryMs + 2 * faultMs + steadyMs;
    const found = this.#findings.length;
    const work = async (signal: AbortSignal): Promise<void> => {
      for (let round = 1; round <= scenario.rounds && this.#findings.length === found; round++) {
        await this.#round(round, signal);
      }
    };
    let working: Promise<void> = Promise.resolve();
    const went = await this.#phase("load and faults", scenario.rounds * roundMs, "failed", ({ signal }) => {
      working = work(signal);
      return working;
    });
    // Interrupted, it still takes back what has begun, and lets the load end: teardown must not come between.
    const { clock } = this.#options;
    const limit = { clock, timeoutMs: 2 * faultMs, signal: undefined, operation: "the end of load and faults" };
    await inTime(limit, () => working).catch(() => undefined);
    return went && this.#findings.length === found;
  }

  async #round(round: number, signal: AbortSignal): Promise<void> {
    const { scenario, stage, clock, telemetry } = this.#options;
    const { load: plan, faults, timeouts } = scenario;
    const context = this.#context(signal);
    if (scenario.rounds > 1) this.#tell(`round ${round} of ${scenario.rounds}`, "note");
    this.#loadBeganMs ??= clock.now();
    const limit = { clock, timeoutMs: timeouts.steadyMs, signal, operation: "the first answer under load" };
    let load: StageLoad;
    let starting: Promise<StageLoad> | undefined;
    try {
      load = await inTime(limit, (inner) => (starting = stage.startLoad(plan, round, { ...context, signal: inner })));
    } catch (error) {
      // Should it start after all, it ends at once.
      void starting?.then((late) => late.stop()).catch(() => undefined);
      signal.throwIfAborted();
      this.#findings.push({ kind: "inconclusive", message: `no load: ${messageOf(error)}` });
      return;
    }
    const endsMs = clock.now() + plan.forMs;
    // What goes on ends when the drill is interrupted, and when an abort condition is met.
    const ending = new AbortController();
    const ended = AbortSignal.any([signal, ending.signal]);
    const watching = this.#watch(ended).then(
      (broken) => broken !== undefined && ending.abort(abandoned),
      () => undefined,
    );
    try {
      const book = {
        scenario,
        stage,
        clock,
        telemetry,
        faults: this.#faults,
        findings: this.#findings,
        loadBeganMs: () => this.#loadBeganMs ?? this.#beganMs,
        say: (text: string, kind: DrillEvent["kind"]) => this.#tell(text, kind),
      };
      // All of them end, also when one throws: it throws only when the drill is interrupted.
      const ends = await Promise.allSettled(faults.map((fault) => runFault(book, fault, round, ended)));
      const thrown = ends.find((end) => end.status === "rejected");
      if (thrown !== undefined) throw thrown.reason;
      await clock.sleep(Math.max(0, endsMs - clock.now()), { signal: ended });
    } catch (error) {
      // It has its finding.
      if (error !== abandoned) throw error;
    } finally {
      ending.abort(abandoned);
      await Promise.all([load.stop(), watching]);
    }
  }

  /** Looks at the system again and again while faults go on: an abort condition that is met becomes a finding. */
  async #watch(signal: AbortSignal): Promise<RuleResult | undefined> {
    const { scenario, stage, clock } = this.#options;
    let broken: RuleResult | undefined;
    while (scenario.abortUnless.length > 0) {
      await clock.sleep(watchMs, { signal });
      const results = checkRules(await stage.probe(this.#context(signal)), scenario.abortUnless);
      signal.throwIfAborted();
      // Twice in a row: one look may have come at a bad moment.
      const wasBroken = broken !== undefined;
      broken = results.find(({ holds }) => holds === false);
      if (!wasBroken || broken === undefined) continue;
      this.#findings.push({ kind: "failed", message: `abandoned: ${describeRule(broken)}` });
      return broken;
    }
    return undefined;
  }

  async #end(): Promise<DrillReport> {
    const { scenario, stage, clock, signal } = this.#options;
    const { summary, timeouts } = scenario;
    // One that does not go well leaves something behind.
    await this.#phase("teardown", timeouts.teardownMs, "failed", (context) => stage.teardown(context));
    if (signal?.aborted === true) this.#interrupted();
    const wasTried = this.#phases.some(({ phase }) => phase === "check");
    const measures = stage.measures();
    const invariants = checkRules(measures, scenario.invariants);
    const expectations = checkRules(measures, scenario.expect);
    const surprise = stage.surprise();
    for (const result of invariants.filter(({ holds }) => holds === false)) {
      this.#findings.push({ kind: "broken", message: describeRule(result) });
    }
    if (surprise !== undefined) this.#findings.push({ kind: "broken", message: surprise });
    for (const result of wasTried && this.#findings.length === 0 ? invariants : []) {
      if (result.holds === null) this.#findings.push({ kind: "inconclusive", message: describeRule(result) });
    }
    // What was expected of the whole run is not judged by half of it.
    for (const result of wasTried && this.#findings.length === 0 ? expectations : []) {
      if (result.holds === false) this.#findings.push({ kind: "failed", message: describeRule(result) });
      if (result.holds === null) this.#findings.push({ kind: "inconclusive", message: describeRule(result) });
    }
    return {
      drill: scenario.name,
      summary,
      ...judgeFindings(this.#findings),
      measures,
      faults: this.#faults,
      steadyState: { before: this.#before, after: this.#after },
      invariants,
      expectations,
      phases: this.#phases,
      events: this.#events,
      series: stage.series(),
      startedAt: this.#startedAt,
      durationMs: round1(clock.now() - this.#beganMs),
    };
  }

  #interrupted(): void {
    const message = `interrupted by ${messageOf(this.#options.signal?.reason)}`;
    if (this.#findings.some((finding) => finding.message === message)) return;
    this.#findings.push({ kind: "inconclusive", message });
  }

  #context(signal: AbortSignal): StageContext {
    return { signal, say: (text) => this.#tell(text, "note") };
  }

  #tell(text: string, kind: DrillEvent["kind"]): void {
    const event = { atMs: round1(this.#options.clock.now() - this.#beganMs), kind, text };
    this.#events.push(event);
    this.#options.onEvent?.(event);
  }
}
