import { executionStatuses, type ExecutionState } from "./execution-state.ts";
import { PlanError } from "./plan-error.ts";
import type { PlanHistoryEntry } from "./plan-event.ts";
import { isObject } from "./plan-shape.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/** A state, and the fencing token of the claim that wrote it. */
export interface ExecutionRecord {
  readonly state: ExecutionState;
  readonly token: number;
}

/** What is recorded of one transition. */
export interface HistoryRecord {
  readonly sequence: number;
  readonly facts: readonly PlanHistoryEntry[];
}

export function encodeJson(value: unknown): Uint8Array {
  return encoder.encode(JSON.stringify(value));
}

/** @throws PlanError RECORD_INVALID */
export function decodeJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(bytes));
  } catch (cause) {
    throw new PlanError("RECORD_INVALID", { cause });
  }
}

/** @throws PlanError RECORD_INVALID for anything that no orchestrator has written */
export function decodeRecord(bytes: Uint8Array): ExecutionRecord {
  const record = decodeJson(bytes);
  const state = isObject(record) ? record["state"] : undefined;
  const isState =
    isObject(state) &&
    typeof state["id"] === "string" &&
    typeof state["planId"] === "string" &&
    Number.isSafeInteger(state["sequence"]) &&
    executionStatuses.includes(state["status"] as never) &&
    [state["parameters"], state["steps"], state["rollback"]].every(isObject) &&
    Array.isArray(state["completed"]);
  if (!isState || !Number.isSafeInteger((record as Partial<ExecutionRecord>).token)) {
    throw new PlanError("RECORD_INVALID");
  }
  return record as ExecutionRecord;
}

/** @throws PlanError RECORD_INVALID */
export function decodeHistory(bytes: Uint8Array): HistoryRecord {
  const record = decodeJson(bytes);
  if (!isObject(record) || !Number.isSafeInteger(record["sequence"]) || !Array.isArray(record["facts"])) {
    throw new PlanError("RECORD_INVALID");
  }
  return record as unknown as HistoryRecord;
}

/** What people ask an orchestrator for. */
export type PlanRequest =
  | { readonly type: "cancel"; readonly by: string; readonly reason?: string }
  | {
      readonly type: "approve";
      readonly step: string;
      readonly approved: boolean;
      readonly by: string;
      readonly comment?: string;
    };

/** Undefined for what is none: it is removed without effect. */
export function decodeRequest(bytes: Uint8Array): PlanRequest | undefined {
  let request: unknown;
  try {
    request = decodeJson(bytes);
  } catch {
    return undefined;
  }
  if (!isObject(request) || typeof request["by"] !== "string") return undefined;
  const { type, step, approved, by, reason, comment } = request;
  if (type === "cancel") return { type, by, ...(typeof reason === "string" ? { reason } : {}) };
  if (type !== "approve" || typeof step !== "string" || typeof approved !== "boolean") return undefined;
  return { type, step, approved, by, ...(typeof comment === "string" ? { comment } : {}) };
}
