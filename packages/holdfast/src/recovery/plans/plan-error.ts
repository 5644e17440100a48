import { HoldfastError, type ErrorKind } from "../../errors/base.ts";

/** What can go wrong with plans and their executions. */
export type PlanErrorCode =
  | "PLAN_INVALID"
  | "PLAN_NOT_FOUND"
  | "PLAN_PARAMETERS_INVALID"
  | "EXECUTION_NOT_FOUND"
  | "EXECUTION_EXISTS"
  | "EXECUTION_OVER"
  | "EXECUTIONS_FULL"
  | "STEP_NOT_FOUND"
  | "NO_APPROVAL_WANTED"
  | "CLAIM_LOST"
  | "STEP_TIMED_OUT"
  | "STEP_STOPPED"
  | "RECORD_INVALID";

const planErrors: Readonly<Record<PlanErrorCode, readonly [ErrorKind, boolean, string]>> = {
  PLAN_INVALID: ["business", false, "the plan is not valid"],
  PLAN_NOT_FOUND: ["business", false, "no plan of that name is registered here"],
  PLAN_PARAMETERS_INVALID: ["business", false, "the parameters do not fit the plan"],
  EXECUTION_NOT_FOUND: ["business", false, "there is no such execution"],
  EXECUTION_EXISTS: ["business", false, "an execution of that name has another plan or other parameters"],
  EXECUTION_OVER: ["business", false, "the execution is over"],
  EXECUTIONS_FULL: ["resource", true, "too many executions are not over"],
  STEP_NOT_FOUND: ["business", false, "the plan has no such step"],
  NO_APPROVAL_WANTED: ["business", false, "the step does not wait for an approval"],
  CLAIM_LOST: ["consistency", false, "another orchestrator has the execution, or may have it"],
  STEP_TIMED_OUT: ["timeout", true, "the step took too long"],
  STEP_STOPPED: ["business", false, "the execution is stopped"],
  RECORD_INVALID: ["consistency", false, "what is recorded of the execution cannot be read"],
};

/** One thing that is wrong with a document, and where: `steps[2].dependsOn[0]`. */
export interface PlanProblem {
  /** Empty for the document itself. */
  readonly path: string;
  readonly message: string;
}

export interface PlanErrorOptions {
  readonly detail?: string;
  readonly cause?: unknown;
  readonly problems?: readonly PlanProblem[];
}

/** A plan, or its parameters, was refused; or there is no such plan, execution or step, or not in the state for it. */
export class PlanError extends HoldfastError {
  static override readonly brand: string = "PlanError";

  declare readonly code: PlanErrorCode;
  /** Everything that is wrong with a document, at most 100 things. */
  readonly problems: readonly PlanProblem[];

  constructor(code: PlanErrorCode, { detail, cause, problems = [] }: PlanErrorOptions = {}) {
    const [kind, retryable, message] = planErrors[code];
    const [first] = problems;
    const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : "";
    const told = detail ?? (first && `${describeProblem(first)}${more}`);
    super(told === undefined ? message : `${message}: ${told}`, { name: "PlanError", code, kind, retryable, cause });
    this.problems = problems;
  }

  override toJSON(): Record<string, unknown> {
    return { ...super.toJSON(), ...(this.problems.length === 0 ? {} : { problems: this.problems }) };
  }
}

/** `steps[2].dependsOn[0]: unknown step "dbrestore"` */
export function describeProblem({ path, message }: PlanProblem): string {
  return path === "" ? message : `${path}: ${message}`;
}

/** What is wrong with a document, as it is found. */
export class Problems {
  readonly list: PlanProblem[] = [];

  add(path: string, message: string): void {
    if (this.list.length < 100) this.list.push({ path, message });
  }
}

/** A value, short enough for a message. */
export function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === "object" && value !== null) return "an object";
  return typeof value === "function" ? "a function" : String(value);
}
