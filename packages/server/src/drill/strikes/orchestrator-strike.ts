import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { checkInteger, checkOptionNames, HoldfastError, InvalidArgumentError } from "holdfast/errors/base";
import type { StageContext, StageFaultRecord } from "holdfast/proof";
import { planDesk, type ExecutionReport, type PlanDesk, type PlanHistoryEntry } from "holdfast/recovery";
import { seededRandom } from "holdfast/runtime";
import { gatewayClient, type GatewayClient } from "../../client/gateway-client.ts";
import { plansName } from "../drill-directory.ts";
import { drillPlan, modeKey, signOff, workOf } from "../plan/drill-plan.ts";
import { startOrchestrator, type OrchestratorProcess } from "../plan/orchestrator-process.ts";
import { judgePlan, type PlanEffect, type PlanOutcome } from "../plan/plan-outcome.ts";
import type { StrikeKind, StrikeSite } from "./strike.ts";

const defaults = { steps: 4, fails: false } as const;
const lookMs = 10;
/** A step is killed at any moment of the time that its command goes on, its start included. */
const withinStepMs = 300;

/**
 * A recovery plan runs, and its orchestrator is killed in the middle of a step, which is drawn; another orchestrator, that
 * stands by in a process of its own, goes on.
 */
export const orchestratorKill: StrikeKind = {
  needs: "nothing",
  targets: ["orchestrator"],
  check(parameters, path) {
    checkOptionNames(path, parameters, Object.keys(defaults));
    checkInteger(`${path}.steps`, parameters["steps"] ?? defaults.steps, 1, 50);
    const { fails = defaults.fails } = parameters;
    if (typeof fails !== "boolean") throw new InvalidArgumentError(`${path}.fails`, "must be true or false", fails);
  },
  async begin(site, { plan: { id, parameters } }, context) {
    const { steps, fails } = { ...defaults, ...parameters } as { readonly steps: number; readonly fails: boolean };
    const run = new PlanRun(site, `${id}-${site.plansRun()}`, steps, fails);
    site.atEnd(() => run.close());
    const { what, record } = await run.killInTheMiddle(context);
    return {
      what,
      mustElect: false,
      canServe: true,
      untilOver: (inner) => run.untilOver(inner),
      heal: () => Promise.resolve(),
      records: () => [record],
    };
  },
};

class PlanRun {
  readonly #site: StrikeSite;
  readonly #execution: string;
  readonly #steps: number;
  readonly #fails: boolean;
  readonly #client: GatewayClient;
  readonly #desk: PlanDesk;
  readonly #directory: string;
  readonly #effectsFile: string;
  readonly #orchestrators: OrchestratorProcess[] = [];
  #killedAt = 0;
  #over: Promise<void> | undefined;

  constructor(site: StrikeSite, execution: string, steps: number, fails: boolean) {
    const { endpoints, tls, plan } = site;
    this.#site = site;
    this.#execution = execution;
    this.#steps = steps;
    this.#fails = fails;
    this.#client = gatewayClient({ endpoints, timeoutMs: 20_000, attemptTimeoutMs: 1_000, ...(tls && { tls }) });
    this.#desk = planDesk(this.#client);
    this.#directory = join(plan.directory, plansName);
    mkdirSync(this.#directory, { recursive: true });
    this.#effectsFile = join(this.#directory, `${execution}.effects`);
  }

  async killInTheMiddle({ signal, say }: StageContext): Promise<{ what: string; record: StageFaultRecord }> {
    const random = seededRandom(this.#site.seed + this.#site.plansRun());
    const step = workOf(1 + Math.floor(random.next() * this.#steps));
    const isUndone = this.#fails && random.next() < 0.5;
    const pauseMs = random.next() * withinStepMs;
    const file = this.#writePlan();

    const runner = await this.#start(file, signal);
    await this.#until(signal, ({ steps }) => steps[signOff]?.status === "waiting");
    await this.#start(file, signal);
    await this.#desk.approve(this.#execution, signOff, { by: "drill" });
    await this.#until(signal, ({ steps, rollback }) => {
      const status = (isUndone ? rollback : steps)[step]?.status ?? "pending";
      return status !== "pending";
    });
    await delay(pauseMs, undefined, { signal });
    this.#killedAt = Date.now();
    runner.kill();
    const exit = await runner.exited;
    const { status } = await this.#desk.status(this.#execution);
    const wasUnderWay = status === "running" || status === "rollingBack";
    say(`the plan is ${status} when its orchestrator dies`);
    const where = `${isUndone ? "undoing " : ""}${step}`;
    return {
      what: `killed the orchestrator of a plan at ${where}`,
      record: {
        target: "orchestrator",
        happened: exit.signal === "SIGKILL" && wasUnderWay,
        pid: runner.pid ?? null,
        step: where,
      },
    };
  }

  /** Resolves when the plan has ended, wherever it runs. */
  untilOver(context: StageContext): Promise<void> {
    return (this.#over ??= this.#follow(context).catch((error: unknown) => {
      this.#over = undefined;
      throw error;
    }));
  }

  async close(): Promise<void> {
    for (const orchestrator of this.#orchestrators) orchestrator.kill();
    await Promise.all(this.#orchestrators.map(({ exited }) => exited));
    this.#client.close();
  }

  async #follow({ signal, say }: StageContext): Promise<void> {
    const { status } = await this.#until(signal, (report) =>
      ["completed", "failed", "cancelled"].includes(report.status),
    );
    const [history, [mode]] = await Promise.all([
      this.#desk.history(this.#execution),
      this.#client.range({ key: Buffer.from(modeKey(this.#execution)) }).then(({ pairs }) => pairs),
    ]);
    const outcome = this.#judge(status, history, mode?.version ?? 0);
    this.#site.tellPlan(outcome);
    say(`another orchestrator goes on after ${outcome.takeoverMs ?? "?"} ms; the plan is ${status}`);
  }

  #judge(status: ExecutionReport["status"], history: readonly PlanHistoryEntry[], modeWrites: number): PlanOutcome {
    const written = existsSync(this.#effectsFile) ? readFileSync(this.#effectsFile, "utf8") : "";
    const lines = written.split("\n").filter((line) => line !== "");
    return judgePlan({
      fails: this.#fails,
      status,
      history,
      effects: lines.map((line) => JSON.parse(line) as PlanEffect),
      works: Array.from({ length: this.#steps }, (_, at) => workOf(at + 1)),
      modeWrites,
      killedAt: this.#killedAt,
    });
  }

  #writePlan(): string {
    const { plan, endpoints } = this.#site;
    const file = join(this.#directory, `${this.#execution}.json`);
    const document = drillPlan({
      execution: this.#execution,
      steps: this.#steps,
      fails: this.#fails,
      effectsFile: this.#effectsFile,
      // Steps know no certificates of ours.
      healthUrl: plan.tls?.isClientSecure === true ? undefined : `${endpoints[0]}/health`,
    });
    writeFileSync(file, JSON.stringify(document));
    return file;
  }

  async #start(planFile: string, signal: AbortSignal): Promise<OrchestratorProcess> {
    const { endpoints, plan } = this.#site;
    const identity = { ...plan.tls?.clientFiles };
    const orchestrator = startOrchestrator({ planFile, execution: this.#execution, endpoints, identity });
    this.#orchestrators.push(orchestrator);
    await orchestrator.standsBy;
    signal.throwIfAborted();
    return orchestrator;
  }

  async #until(signal: AbortSignal, holds: (report: ExecutionReport) => boolean): Promise<ExecutionReport> {
    for (;;) {
      const report = await this.#desk.status(this.#execution).catch((error: unknown) => {
        if (HoldfastError.is(error) && error.code !== "EXECUTION_NOT_FOUND") throw error;
        return undefined;
      });
      signal.throwIfAborted();
      if (report !== undefined && holds(report)) return report;
      await delay(lookMs, undefined, { signal });
    }
  }
}
