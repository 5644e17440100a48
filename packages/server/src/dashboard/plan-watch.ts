import { HoldfastError } from "holdfast/errors/base";
import type { ExecutionReport, PlanDesk } from "holdfast/recovery";
import type { PlanView } from "holdfast/telemetry";
import { Problem } from "./problem.ts";

/** Executions of recovery plans as the dashboard shows them, and what people may ask of them. */
export interface PlanWatch {
  readonly plans: readonly PlanView[];
  /** Looks again and again until `stop`. */
  start(onChange: () => void): void;
  stop(): void;
  /** @throws Problem */
  report(id: string): Promise<unknown>;
  /** @throws Problem */
  approve(id: string, body: unknown): Promise<void>;
  /** @throws Problem */
  cancel(id: string, body: unknown): Promise<void>;
}

const defaultEveryMs = 1_000;
const shownPlans = 50;
/** Whoever sits at the page has no name here. */
const defaultBy = "dashboard";

const statuses: Readonly<Record<string, number>> = {
  INVALID_ARGUMENT: 400,
  EXECUTION_NOT_FOUND: 404,
  STEP_NOT_FOUND: 404,
  EXECUTION_OVER: 409,
  NO_APPROVAL_WANTED: 409,
};

/**
 * @param open loads what plans need, when somebody first looks: a node that starts waits for none of it
 * @param everyMs between two looks. Default 1 000
 */
export function planWatch(open: () => Promise<PlanDesk>, everyMs: number = defaultEveryMs): PlanWatch {
  let opened: Promise<PlanDesk> | undefined;
  const atDesk = (): Promise<PlanDesk> => (opened ??= open());
  /** Of those that are over: they change no more. */
  const over = new Map<string, PlanView>();
  /** What a step does is the plan's, and stays. */
  const types = new Map<string, ReadonlyMap<string, string>>();
  let plans: readonly PlanView[] = [];
  let told = "[]";
  let timer: NodeJS.Timeout | undefined;
  let run = 0;

  async function typesOf(id: string): Promise<ReadonlyMap<string, string>> {
    const known = types.get(id);
    if (known !== undefined) return known;
    const { steps = [] } = (await (await atDesk()).plan(id)) as {
      readonly steps?: readonly { id: string; type: string }[];
    };
    const found = new Map(steps.map((step) => [step.id, step.type]));
    types.set(id, found);
    return found;
  }

  async function viewOf(id: string): Promise<PlanView | undefined> {
    try {
      const report = await (await atDesk()).status(id);
      return planView(report, await typesOf(id));
    } catch (error) {
      // Removed between the list and the look.
      if (HoldfastError.is(error) && error.code === "EXECUTION_NOT_FOUND") return undefined;
      throw error;
    }
  }

  async function look(): Promise<void> {
    const summaries = await (await atDesk()).list({ limit: shownPlans });
    const views: PlanView[] = [];
    for (const { id, endedAt } of summaries) {
      const view = (endedAt === undefined ? undefined : over.get(id)) ?? (await viewOf(id));
      if (view === undefined) continue;
      views.push(view);
      if (view.endedAt !== null) over.set(id, view);
    }
    const shown = new Set(views.map(({ execution }) => execution));
    for (const memory of [over, types]) for (const id of memory.keys()) if (!shown.has(id)) memory.delete(id);
    plans = views;
  }

  async function round(own: number, onChange: () => void): Promise<void> {
    try {
      await look();
    } catch {
      // Without a majority, or without the right to read: what was known stays.
    }
    if (own !== run) return;
    const text = JSON.stringify(plans);
    if (text !== told) {
      told = text;
      onChange();
    }
    timer = setTimeout(() => void round(own, onChange), everyMs);
  }

  return {
    get plans() {
      return plans;
    },
    start(onChange) {
      clearTimeout(timer);
      void round(++run, onChange);
    },
    stop() {
      run++;
      clearTimeout(timer);
    },
    report: (id) =>
      asProblems(async () => {
        const desk = await atDesk();
        return { ...(await desk.status(id)), history: await desk.history(id) };
      }),
    approve: (id, body) =>
      asProblems(async () => {
        const { step, approved = true, comment, by = defaultBy } = fieldsOf(body);
        if (typeof step !== "string") throw new Problem(400, "step must be the id of a step");
        if (typeof approved !== "boolean") throw new Problem(400, "approved must be true or false");
        const decision = { by: textOf("by", by), ...(given(comment) ? { comment: textOf("comment", comment) } : {}) };
        const desk = await atDesk();
        await (approved ? desk.approve(id, step, decision) : desk.refuse(id, step, decision));
      }),
    cancel: (id, body) =>
      asProblems(async () => {
        const { reason, by = defaultBy } = fieldsOf(body ?? {});
        const desk = await atDesk();
        await desk.cancel(id, { by: textOf("by", by), ...(given(reason) ? { reason: textOf("reason", reason) } : {}) });
      }),
  };
}

function planView(report: ExecutionReport, types: ReadonlyMap<string, string>): PlanView {
  const { id, planId, status, createdAt, startedAt = createdAt, endedAt = null, steps, cause } = report;
  return {
    execution: id,
    plan: planId,
    status,
    startedAt,
    endedAt,
    steps: Object.entries(steps).map(([step, state]) => ({
      id: step,
      type: types.get(step) ?? "",
      status: state.status,
      attempts: state.attempts,
      error: state.error?.message ?? null,
    })),
    approvals: Object.entries(steps).flatMap(([step, state]) => (state.status === "waiting" ? [step] : [])),
    cause: cause === undefined ? null : causeText(cause),
  };
}

function causeText(cause: NonNullable<ExecutionReport["cause"]>): string {
  if (cause.type === "stepFailed") return `step ${cause.step} failed: ${cause.error.message}`;
  if (cause.type === "timedOut") return "it took too long";
  return `cancelled by ${cause.by}${cause.reason === undefined ? "" : `: ${cause.reason}`}`;
}

function given(value: unknown): boolean {
  return value !== undefined && value !== null && value !== "";
}

function fieldsOf(body: unknown): Readonly<Record<string, unknown>> {
  if (typeof body === "object" && body !== null && !Array.isArray(body)) return body as Record<string, unknown>;
  throw new Problem(400, "the body must be an object");
}

function textOf(name: string, value: unknown): string {
  if (typeof value === "string") return value;
  throw new Problem(400, `${name} must be text`);
}

async function asProblems<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Problem || !HoldfastError.is(error)) throw error;
    throw new Problem(statuses[error.code] ?? 503, error.message);
  }
}
