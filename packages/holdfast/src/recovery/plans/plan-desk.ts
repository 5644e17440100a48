import type { Compare, Coordination, KeyValue, RangeRequest } from "../../coordination/index.ts";
import { InvalidArgumentError } from "../../errors/base.ts";
import { decodeHistory, decodeJson, decodeRecord, encodeJson, type PlanRequest } from "./execution-record.ts";
import { defaultPlanPrefix, lastName, PlanKeys, type KeySpan } from "./execution-keys.ts";
import { isOver, type ExecutionState, type ExecutionStatus } from "./execution-state.ts";
import type { JsonValue } from "./plan.ts";
import { PlanError } from "./plan-error.ts";
import type { PlanHistoryEntry } from "./plan-event.ts";
import { namePattern } from "./plan-shape.ts";

/** An execution in a list. */
export interface ExecutionSummary {
  readonly id: string;
  readonly planId: string;
  readonly status: ExecutionStatus;
  readonly createdAt: number;
  readonly endedAt?: number;
  /** Steps that have completed, of all. */
  readonly completed: number;
  readonly steps: number;
}

/** Everything that is recorded of an execution. */
export interface ExecutionReport extends ExecutionState {
  /** The outputs of completed steps, by their ids. */
  readonly outputs: { readonly [step: string]: JsonValue };
  /** Steps whose effect is not known: given up, or interrupted, before they had ended. They are not undone. */
  readonly inDoubt: readonly string[];
  /** Steps that could not be undone. */
  readonly notUndone: readonly string[];
}

export interface Decision {
  /** Who decides; stands in the history. */
  readonly by: string;
}

/** Looks at executions, and asks for something, from anywhere: needs no orchestrator of its own. */
export interface PlanDesk {
  /** @throws PlanError EXECUTION_NOT_FOUND */
  status(id: string): Promise<ExecutionReport>;
  /** The plan that it executes, as it was recorded. @throws PlanError EXECUTION_NOT_FOUND */
  plan(id: string): Promise<unknown>;
  /** What was decided and why, the oldest first. @throws PlanError EXECUTION_NOT_FOUND */
  history(id: string): Promise<readonly PlanHistoryEntry[]>;
  /** Those that are not over, then those that are, the latest first; at most `limit`, default 100. */
  list(options?: { readonly limit?: number }): Promise<readonly ExecutionSummary[]>;
  /**
   * Asks for an execution to be stopped and what it did to be undone. A rollback is not stopped by it.
   *
   * @throws PlanError EXECUTION_NOT_FOUND, EXECUTION_OVER
   */
  cancel(id: string, options: Decision & { readonly reason?: string }): Promise<void>;
  /** @throws PlanError EXECUTION_NOT_FOUND, EXECUTION_OVER, STEP_NOT_FOUND, NO_APPROVAL_WANTED */
  approve(id: string, step: string, options: Decision & { readonly comment?: string }): Promise<void>;
  /** Fails the step. @throws as `approve` */
  refuse(id: string, step: string, options: Decision & { readonly comment?: string }): Promise<void>;
}

export interface PlanDeskOptions {
  /** As the orchestrators'. Default `recovery/`. */
  readonly prefix?: string;
}

const maxText = 500;

/**
 * @example
 * const desk = planDesk(member);
 * await desk.approve("restore-7", "sign-off", { by: "ada" });
 */
export function planDesk(
  coordination: Pick<Coordination, "range" | "txn">,
  { prefix = defaultPlanPrefix }: PlanDeskOptions = {},
): PlanDesk {
  if (typeof prefix !== "string" || !prefix.endsWith("/")) {
    throw new InvalidArgumentError("planDesk.prefix", "must end in a slash", prefix);
  }
  const keys = new PlanKeys(prefix);

  async function stateOf(id: string): Promise<ExecutionState> {
    const [pair] = await pairsOf({ key: keys.execution(checkId(id)).state });
    if (pair === undefined) throw new PlanError("EXECUTION_NOT_FOUND", { detail: id });
    return decodeRecord(pair.value).state;
  }

  async function pairsOf(request: RangeRequest): Promise<readonly KeyValue[]> {
    return (await coordination.range(request)).pairs;
  }

  /** All pairs, in parts that fit in one answer. */
  async function allOf({ key, rangeEnd }: KeySpan): Promise<KeyValue[]> {
    const all: KeyValue[] = [];
    for (let from = key; ;) {
      const { pairs, more } = await coordination.range({ key: from, rangeEnd, limit: 100 });
      all.push(...pairs);
      const last = pairs.at(-1);
      if (!more || last === undefined) return all;
      from = Uint8Array.of(...last.key, 0);
    }
  }

  async function ask(state: ExecutionState, name: string, request: PlanRequest): Promise<void> {
    const own = keys.execution(state.id);
    const key = own.request(name);
    const isActive: Compare = { key: own.active, target: "create", result: "greater", operand: 0 };
    const put = { type: "put", request: { key, value: encodeJson(request) } } as const;
    const { succeeded } = await coordination.txn({ compare: [isActive], success: [put], failure: [] });
    if (!succeeded) throw new PlanError("EXECUTION_OVER", { detail: state.id });
  }

  async function decide(id: string, step: string, approved: boolean, { by, comment }: Decision & { comment?: string }) {
    checkText("by", by);
    if (comment !== undefined) checkText("comment", comment);
    const state = await stateOf(id);
    if (isOver(state.status)) throw new PlanError("EXECUTION_OVER", { detail: id });
    if (!Object.hasOwn(state.steps, step)) throw new PlanError("STEP_NOT_FOUND", { detail: step });
    const { status } = state.steps[step]!;
    if (status !== "waiting") throw new PlanError("NO_APPROVAL_WANTED", { detail: `${step} is ${status}` });
    const more = comment === undefined ? {} : { comment };
    await ask(state, `approve.${step}`, { type: "approve", step, approved, by, ...more });
  }

  return {
    async status(id) {
      const state = await stateOf(id);
      const outputs = (await allOf(keys.execution(id).outputs)).map(({ key, value }) => [
        lastName(key),
        decodeJson(value),
      ]);
      return report(state, Object.fromEntries(outputs) as ExecutionReport["outputs"]);
    },
    async plan(id) {
      const [pair] = await pairsOf({ key: keys.execution(checkId(id)).plan });
      if (pair === undefined) throw new PlanError("EXECUTION_NOT_FOUND", { detail: id });
      return decodeJson(pair.value);
    },
    async history(id) {
      await stateOf(id);
      const records = (await allOf(keys.execution(id).history)).map(({ value }) => decodeHistory(value));
      return records.toSorted((left, right) => left.sequence - right.sequence).flatMap(({ facts }) => facts);
    },
    async list({ limit = 100 } = {}) {
      const active = await pairsOf({ ...keys.active, limit, keysOnly: true });
      const left = limit - active.length;
      const over =
        left > 0
          ? await pairsOf({ ...keys.finished, limit: left, keysOnly: true, sortOrder: "descend", sortTarget: "key" })
          : [];
      const ids = [...active.map(({ key }) => lastName(key)), ...over.map(({ key }) => keys.finishedId(key))];
      const summaries: ExecutionSummary[] = [];
      for (const id of new Set(ids)) {
        const [pair] = await pairsOf({ key: keys.execution(id).state });
        if (pair !== undefined) summaries.push(summaryOf(decodeRecord(pair.value).state));
      }
      return summaries;
    },
    async cancel(id, { by, reason }) {
      checkText("by", by);
      if (reason !== undefined) checkText("reason", reason);
      const state = await stateOf(id);
      if (isOver(state.status)) throw new PlanError("EXECUTION_OVER", { detail: id });
      await ask(state, "cancel", { type: "cancel", by, ...(reason === undefined ? {} : { reason }) });
    },
    approve: (id, step, options) => decide(id, step, true, options),
    refuse: (id, step, options) => decide(id, step, false, options),
  };
}

export function checkId(id: string): string {
  if (typeof id === "string" && namePattern.test(id)) return id;
  throw new InvalidArgumentError("execution id", "must be 1 to 64 letters, digits, _, . and -", id);
}

function checkText(name: string, value: string): void {
  if (typeof value === "string" && value !== "" && value.length <= maxText) return;
  throw new InvalidArgumentError(name, `must be 1 to ${maxText} characters`, value);
}

function summaryOf({ id, planId, status, createdAt, endedAt, completed, steps }: ExecutionState): ExecutionSummary {
  const counts = { completed: completed.length, steps: Object.keys(steps).length };
  return { id, planId, status, createdAt, ...(endedAt === undefined ? {} : { endedAt }), ...counts };
}

function report(state: ExecutionState, outputs: ExecutionReport["outputs"]): ExecutionReport {
  const all = [...Object.entries(state.steps), ...Object.entries(state.rollback)];
  // While a step goes on, its doubt may still be settled.
  const inDoubt = all.filter(
    ([, step]) => step.inDoubt === true && (step.status === "failed" || step.status === "cancelled"),
  );
  const notUndone = Object.entries(state.rollback).filter(([, { status }]) => status === "failed");
  const idsOf = (entries: typeof all): string[] => [...new Set(entries.map(([id]) => id))];
  return { ...state, outputs, inDoubt: idsOf(inDoubt), notUndone: idsOf(notUndone) };
}
