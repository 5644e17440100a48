import { ErrorShape, InvalidArgumentError } from "../../errors/index.ts";
import type { JsonValue } from "../plans/plan.ts";

/** The most pressing first. */
export const failurePriorities = ["critical", "high", "medium", "low"] as const;

export type FailurePriority = (typeof failurePriorities)[number];

export interface Evidence {
  readonly [name: string]: JsonValue;
}

/** Something is broken, says whoever noticed. */
export interface FailureReport {
  /** What kind of failure: strategies are chosen by it. 1 to 128 characters. */
  readonly type: string;
  /** What has failed: a node, a service, a database. 1 to 128 characters. */
  readonly target: string;
  /** Default: that of the type, else `medium`. */
  readonly priority?: FailurePriority;
  /** What was measured; at most 4 KiB as JSON, else it is left out. */
  readonly evidence?: Evidence;
  /** The error behind it. Its name, message and code are kept. */
  readonly cause?: unknown;
}

/** What is kept of an error. */
export interface FailureCause {
  readonly name: string;
  readonly message: string;
  readonly code: string | null;
}

/** A report, checked and brought into the form that is kept. */
export interface Failure {
  readonly type: string;
  readonly target: string;
  readonly priority: FailurePriority;
  readonly evidence: Evidence;
  readonly cause: FailureCause | null;
}

const maxNameLength = 128;
const maxEvidenceBytes = 4_096;

/** @throws InvalidArgumentError */
export function readReport(
  report: FailureReport,
  priorities: ReadonlyMap<string, FailurePriority> = new Map(),
): Failure {
  const { type, target, evidence, cause } = report;
  checkName("failure.type", type);
  checkName("failure.target", target);
  const priority = report.priority ?? priorities.get(type) ?? "medium";
  checkPriority("failure.priority", priority);
  return {
    type,
    target,
    priority,
    evidence: readEvidence(evidence),
    cause: cause === undefined ? null : causeOf(cause),
  };
}

/** @throws InvalidArgumentError unless it is 1 to 128 characters */
export function checkName(option: string, value: unknown): string {
  // Half a character cannot be a key of a store.
  if (typeof value === "string" && value !== "" && value.length <= maxNameLength && value.isWellFormed()) return value;
  throw new InvalidArgumentError(option, `must be 1 to ${maxNameLength} characters`, value);
}

export function checkPriority(option: string, value: unknown): FailurePriority {
  if (failurePriorities.includes(value as FailurePriority)) return value as FailurePriority;
  throw new InvalidArgumentError(option, `must be ${failurePriorities.join(", ")}`, value);
}

/** What can be kept of an error, also of one that is none. */
export function causeOf(error: unknown): FailureCause {
  const shape = new ErrorShape(error);
  const code = shape.get("code");
  return {
    name: shape.name.slice(0, maxNameLength),
    message: shape.message.slice(0, 500),
    code: typeof code === "string" ? code.slice(0, maxNameLength) : null,
  };
}

/** Evidence is for people and strategies: a report must not fail for it. */
function readEvidence(evidence: unknown): Evidence {
  if (evidence === undefined) return {};
  try {
    const text = JSON.stringify(evidence);
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null || Array.isArray(value)) return { omitted: "not an object" };
    if (text.length > maxEvidenceBytes) return { omitted: `${text.length} characters` };
    return value as Evidence;
  } catch {
    return { omitted: "not JSON" };
  }
}
