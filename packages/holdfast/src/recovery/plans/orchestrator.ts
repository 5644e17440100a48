import { openSession } from "../../coordination/index.ts";
import { compilePlan, type CompiledPlan } from "./compile-plan.ts";
import { DeskView } from "./desk-view.ts";
import { PlanKeys } from "./execution-keys.ts";
import { isOver, newExecution } from "./execution-state.ts";
import { ExecutionStore } from "./execution-store.ts";
import {
  checkOrchestratorOptions,
  type OrchestratorOptions,
  type OrchestratorSettings,
} from "./orchestrator-options.ts";
import type { JsonValue, Plan } from "./plan.ts";
import {
  checkId,
  planDesk,
  type Decision,
  type ExecutionReport,
  type ExecutionSummary,
  type PlanDesk,
} from "./plan-desk.ts";
import { PlanError } from "./plan-error.ts";
import type { PlanHistoryEntry } from "./plan-event.ts";
import { planParameters } from "./plan-parameters.ts";
import { executionName } from "./submit-plan.ts";
import { Tenure } from "./tenure.ts";

export interface ExecuteOptions {
  readonly parameters?: { readonly [name: string]: JsonValue };
  /** Names the execution; asking twice with one name executes once. Default: drawn at random. */
  readonly id?: string;
  /** Gives up, with `signal.reason`; the execution may have been recorded. */
  readonly signal?: AbortSignal;
}

/** What would be done, and in which order. */
export interface DryRun {
  readonly planId: string;
  readonly parameters: { readonly [name: string]: JsonValue };
  /** Steps of a wave may run together, `concurrency` at a time; a wave needs those before it alone. */
  readonly waves: readonly (readonly DryRunStep[])[];
  readonly concurrency: number;
}

export interface DryRunStep {
  readonly id: string;
  readonly type: string;
  readonly timeoutMs: number;
  readonly attempts: number;
  /** What undoes it: a rollback step, or itself; undefined for nothing. */
  readonly undo: string | undefined;
}

/** Executes plans, its own and those of orchestrators that have died. */
export interface Orchestrator extends PlanDesk, AsyncDisposable {
  readonly name: string;
  /** Executions that run here. */
  readonly running: number;
  /** Checks a plan and makes it known here. Another one of its id takes its place for executions to come. @throws PlanError PLAN_INVALID */
  register(plan: Plan): void;
  /** @throws PlanError PLAN_NOT_FOUND, PLAN_PARAMETERS_INVALID */
  dryRun(planId: string, parameters?: { readonly [name: string]: JsonValue }): DryRun;
  /**
   * Records an execution and gives its id: from then on it will be run to its end, here or elsewhere.
   *
   * @throws PlanError PLAN_NOT_FOUND, PLAN_PARAMETERS_INVALID, EXECUTION_EXISTS, EXECUTIONS_FULL; CoordinationError
   */
  execute(planId: string, options?: ExecuteOptions): Promise<string>;
  /** Resolves when the execution is over, however it ended, wherever it runs. @throws PlanError EXECUTION_NOT_FOUND; the signal's reason */
  finished(id: string, options?: { readonly signal?: AbortSignal }): Promise<ExecutionReport>;
  /**
   * Claims nothing more, and resolves when no step is under way: what waits for a person or for its next try is left to
   * others by `close`, and so is everything when the signal fires before. @throws the signal's reason
   */
  drain(options?: { readonly signal?: AbortSignal }): Promise<void>;
  /** Stops; others go on with what ran here. */
  close(): Promise<void>;
}

/**
 * An orchestrator of recovery plans. Every transition is recorded through `coordination` before it is acted on; any number
 * of orchestrators share the work, and take over from one that is not heard of.
 *
 * @throws InvalidArgumentError for options out of range
 * @example
 * const orchestrator = createOrchestrator({ coordination: member, executors: [healthCheck({ fetch })] });
 * orchestrator.register(plan);
 * const id = await orchestrator.execute(plan.id, { parameters: { region: "eu" } });
 * const { status } = await orchestrator.finished(id);
 */
export function createOrchestrator(options: OrchestratorOptions): Orchestrator {
  return new PlanOrchestrator(checkOrchestratorOptions(options));
}

const drainLookMs = 20;

class PlanOrchestrator implements Orchestrator {
  readonly name: string;
  readonly #desk: PlanDesk;
  readonly #settings: OrchestratorSettings;
  readonly #own = new Set<string>();
  readonly #plans = new Map<string, CompiledPlan>();
  readonly #store: ExecutionStore;
  readonly #view: DeskView;
  readonly #closing = new AbortController();
  /** Called when an execution may be over. */
  readonly #waiting = new Map<string, Set<() => void>>();
  readonly #done: Promise<void>;
  #tenure: Tenure | undefined;
  #isDraining = false;

  constructor(settings: OrchestratorSettings) {
    this.#settings = settings;
    this.name = settings.name;
    const { coordination, prefix, clock, random, maxHistory } = settings;
    const keys = new PlanKeys(prefix);
    this.#desk = planDesk(coordination, { prefix });
    this.#store = new ExecutionStore(coordination, keys, { clock, random }, maxHistory);
    this.#view = new DeskView(keys, (id, change) => {
      if (change === "free" || change === "open") {
        if (!this.#view.owners.has(id)) this.#tenure?.onFree(id);
      } else if (change === "owned") this.#tenure?.onTaken(id);
      else if (change === "request") this.#tenure?.onRequest(id);
      else if (change === "reset") {
        for (const looks of this.#waiting.values()) for (const look of looks) look();
      } else {
        this.#tenure?.onOver(id);
        this.#own.delete(id);
        for (const look of this.#waiting.get(id) ?? []) look();
      }
    });
    const { signal } = this.#closing;
    const watching = this.#insist(() => this.#view.follow(coordination, { clock, random, signal }));
    this.#done = Promise.all([watching, this.#insist(() => this.#hold())]).then(() => undefined);
  }

  get running(): number {
    return this.#tenure?.running ?? 0;
  }

  register(plan: Plan): void {
    const compiled = compilePlan(plan, this.#settings.executors);
    this.#plans.set(compiled.document.id, compiled);
  }

  dryRun(planId: string, given: { readonly [name: string]: JsonValue } = {}): DryRun {
    const plan = this.#plan(planId);
    return dryRunOf(plan, planParameters(plan.document, given));
  }

  async execute(planId: string, { parameters, id, signal }: ExecuteOptions = {}): Promise<string> {
    const plan = this.#plan(planId);
    const { clock, random, maxActive } = this.#settings;
    const given = planParameters(plan.document, parameters ?? {});
    const named = id === undefined ? executionName(planId, random) : checkId(id);
    const state = newExecution(named, planId, plan.steps.keys(), given, clock.wallTime());
    const either = signal === undefined ? this.#closing.signal : AbortSignal.any([signal, this.#closing.signal]);
    if (this.#view.active.size >= maxActive) throw new PlanError("EXECUTIONS_FULL", { detail: String(maxActive) });
    if (!this.#settings.takesOver) this.#own.add(named);
    if (this.#tenure === undefined) await this.#store.create(plan.document, state, undefined, either);
    else await this.#tenure.create(plan, state, either);
    return named;
  }

  async finished(id: string, { signal }: { readonly signal?: AbortSignal } = {}): Promise<ExecutionReport> {
    const either = signal === undefined ? this.#closing.signal : AbortSignal.any([signal, this.#closing.signal]);
    const looks = this.#waiting.get(id) ?? new Set();
    this.#waiting.set(id, looks);
    const { promise: aborted, reject } = Promise.withResolvers<never>();
    const onAbort = (): void => reject(either.reason as Error);
    either.addEventListener("abort", onAbort, { once: true });
    let look: (() => void) | undefined;
    try {
      for (;;) {
        either.throwIfAborted();
        const { promise, resolve } = Promise.withResolvers<void>();
        if (look !== undefined) looks.delete(look);
        looks.add((look = resolve));
        const report = await this.status(id);
        if (isOver(report.status)) return report;
        await Promise.race([promise, aborted]);
      }
    } finally {
      aborted.catch(() => undefined);
      either.removeEventListener("abort", onAbort);
      if (look !== undefined) looks.delete(look);
      if (looks.size === 0) this.#waiting.delete(id);
    }
  }

  status(id: string): Promise<ExecutionReport> {
    return this.#desk.status(id);
  }

  plan(id: string): Promise<unknown> {
    return this.#desk.plan(id);
  }

  history(id: string): Promise<readonly PlanHistoryEntry[]> {
    return this.#desk.history(id);
  }

  list(options?: { readonly limit?: number }): Promise<readonly ExecutionSummary[]> {
    return this.#desk.list(options);
  }

  cancel(id: string, options: Decision & { readonly reason?: string }): Promise<void> {
    return this.#desk.cancel(id, options);
  }

  approve(id: string, step: string, options: Decision & { readonly comment?: string }): Promise<void> {
    return this.#desk.approve(id, step, options);
  }

  refuse(id: string, step: string, options: Decision & { readonly comment?: string }): Promise<void> {
    return this.#desk.refuse(id, step, options);
  }

  async drain({ signal }: { readonly signal?: AbortSignal } = {}): Promise<void> {
    this.#isDraining = true;
    this.#tenure?.drain();
    const either = signal === undefined ? this.#closing.signal : AbortSignal.any([signal, this.#closing.signal]);
    while (this.#tenure?.isBusy === true) await this.#settings.clock.sleep(drainLookMs, { signal: either });
  }

  async close(): Promise<void> {
    this.#closing.abort(new PlanError("CLAIM_LOST", { detail: "the orchestrator is closed" }));
    await this.#done;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #plan(id: string): CompiledPlan {
    const plan = this.#plans.get(id);
    if (plan === undefined) throw new PlanError("PLAN_NOT_FOUND", { detail: id });
    return plan;
  }

  /** Runs what ends only when the orchestrator is closed, again after whatever it fails with. */
  async #insist(work: () => Promise<unknown>): Promise<void> {
    const { signal } = this.#closing;
    const { clock } = this.#settings;
    while (!signal.aborted) {
      try {
        await work();
      } catch (error) {
        if (signal.aborted) return;
        this.#tellError(error, undefined);
        await clock.sleep(1_000, { signal }).catch(() => undefined);
      }
    }
  }

  /** One session, from its beginning until it is over, or may be: then others may act, and nothing is done here any more. */
  async #hold(): Promise<void> {
    const { coordination, ttlSeconds, clock, random } = this.#settings;
    const { signal } = this.#closing;
    const session = await openSession(coordination, { ttlSeconds, clock, random, signal });
    const over = AbortSignal.any([session.whileHeld, signal]);
    try {
      this.#tenure = new Tenure({
        settings: this.#settings,
        store: this.#store,
        desk: this.#view,
        session,
        own: this.#own,
        isDraining: this.#isDraining,
        signal: over,
        publish: (event) => this.#publish(() => this.#settings.onEvent?.(event)),
        onError: (error, execution) => this.#tellError(error, execution),
      });
      await new Promise<void>((resolve) => {
        if (over.aborted) resolve();
        over.addEventListener("abort", () => resolve(), { once: true });
      });
    } finally {
      this.#tenure = undefined;
      // What it held is given back at once, if the store can be reached.
      const closed = session.close();
      if (signal.aborted) await closed;
    }
  }

  #publish(tell: () => void): void {
    try {
      tell();
    } catch {
      // An execution must not pay for a broken listener.
    }
  }

  #tellError(error: unknown, execution: string | undefined): void {
    this.#publish(() => this.#settings.onError?.(error, execution));
  }
}

export function dryRunOf(plan: CompiledPlan, parameters: DryRun["parameters"]): DryRun {
  const waves = plan.waves.map((wave) =>
    wave.map((id) => {
      const { type, timeoutMs, retry, undo } = plan.steps.get(id)!;
      return { id, type, timeoutMs, attempts: retry.attempts, undo: undo?.id };
    }),
  );
  return { planId: plan.document.id, parameters, waves, concurrency: plan.concurrency };
}
