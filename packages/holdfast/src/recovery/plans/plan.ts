/** A recovery plan as people write it, in TypeScript or in YAML. Durations are texts with a unit: `500ms`, `30s`, `5m`, `1h`. */

/** What a document, a parameter or an output is made of. */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue };

export type ParameterType = "text" | "number" | "flag" | "any";

/** What a plan is told when it is executed; its steps write `${parameters.NAME}`. */
export interface PlanParameter {
  /** Default `any`. */
  readonly type?: ParameterType;
  readonly description?: string;
  /** A parameter without one must be given. */
  readonly default?: JsonValue;
}

/** A step that fails is tried again, if its failure may go away. */
export interface PlanRetry {
  /** How often it is tried at most, the first time included: 1 to 100. */
  readonly attempts?: number;
  /** Before the second try. Default `1s`. */
  readonly baseDelay?: string;
  /** Each delay is so many times the one before: 1 to 100. Default 2. */
  readonly multiplier?: number;
  /** No delay is longer. Default `1m`. */
  readonly maxDelay?: string;
}

/** What a step that undoes another is made of. */
export interface PlanAction {
  /** Unlike all others of the plan: 1 to 64 letters, digits, `_`, `.` and `-`. */
  readonly id: string;
  readonly name?: string;
  /** Which executor runs it; `approval` waits for a person. */
  readonly type: string;
  /** For the executor. Texts may hold `${parameters.NAME}` and `${steps.ID.output.FIELD}`; `$${` is `${` itself. */
  readonly parameters?: { readonly [name: string]: JsonValue };
  /** How long one try may take. Default `10m`; an approval's is the plan's. */
  readonly timeout?: string;
  readonly retry?: PlanRetry;
}

export interface PlanStep extends PlanAction {
  /** Steps that must have completed before. */
  readonly dependsOn?: readonly string[];
  /**
   * The rollback step that undoes it, or `none`. Needed where the executor changes something and cannot undo it by itself.
   */
  readonly rollback?: string;
}

export interface Plan {
  readonly id: string;
  readonly name?: string;
  readonly description?: string;
  readonly parameters?: { readonly [name: string]: PlanParameter };
  /** How long the steps may take together, until they are rolled back instead. Default `1h`. */
  readonly timeout?: string;
  /** How many steps run at the same time: 1 to 64. Default 4. */
  readonly concurrency?: number;
  /** 1 to 200. */
  readonly steps: readonly PlanStep[];
  /** Each is named by the one step that it undoes. */
  readonly rollbackSteps?: readonly PlanAction[];
}

export const planDefaults: {
  readonly timeout: string;
  readonly concurrency: number;
  readonly stepTimeout: string;
  readonly retry: Required<PlanRetry>;
} = {
  timeout: "1h",
  concurrency: 4,
  stepTimeout: "10m",
  retry: { attempts: 1, baseDelay: "1s", multiplier: 2, maxDelay: "1m" },
};

/** The type of a step that no executor runs. */
export const approvalType = "approval";

/** Where `rollback` says that nothing is to be undone. */
export const noRollback = "none";

export const planLimits: {
  readonly maxSteps: number;
  /** Of the whole document, as JSON. */
  readonly maxBytes: number;
} = { maxSteps: 200, maxBytes: 256 * 1024 };
