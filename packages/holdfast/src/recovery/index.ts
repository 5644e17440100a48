export { followMembership } from "./follow-membership.ts";
export { compilePlan } from "./plans/compile-plan.ts";
export type { CompiledAction, CompiledPlan, CompiledRetry, CompiledStep } from "./plans/compile-plan.ts";
export { configurationUpdate } from "./plans/configuration-update.ts";
export type { ConfigurationUpdateOptions } from "./plans/configuration-update.ts";
export type { ExecutionState, ExecutionStatus, StepState, StepStatus, StopCause } from "./plans/execution-state.ts";
export { healthCheck } from "./plans/health-check.ts";
export type { FetchLike } from "./plans/health-check.ts";
export { createOrchestrator, dryRunOf } from "./plans/orchestrator.ts";
export type { DryRun, DryRunStep, ExecuteOptions, Orchestrator } from "./plans/orchestrator.ts";
export { orchestratorDefaults } from "./plans/orchestrator-options.ts";
export type { OrchestratorOptions } from "./plans/orchestrator-options.ts";
export type { ParameterRule } from "./plans/parameter-rule.ts";
export { planDefaults } from "./plans/plan.ts";
export type { JsonValue, ParameterType, Plan, PlanAction, PlanParameter, PlanRetry, PlanStep } from "./plans/plan.ts";
export { planDesk } from "./plans/plan-desk.ts";
export type {
  Decision as PlanDecision,
  ExecutionReport,
  ExecutionSummary,
  PlanDesk,
  PlanDeskOptions,
} from "./plans/plan-desk.ts";
export { describeProblem, PlanError } from "./plans/plan-error.ts";
export type { PlanErrorCode, PlanErrorOptions, PlanProblem } from "./plans/plan-error.ts";
export type { PlanEvent, PlanFact, PlanHistoryEntry } from "./plans/plan-event.ts";
export { planParameters } from "./plans/plan-parameters.ts";
export { planSchema } from "./plans/plan-schema.ts";
export type { JsonSchema } from "./plans/plan-shape.ts";
export { customExecutor, executorTable } from "./plans/step-executor.ts";
export type { StepContext, StepErrorKind, StepExecutor } from "./plans/step-executor.ts";
export { StepFailure } from "./plans/step-failure.ts";
export type { StepError } from "./plans/step-failure.ts";
export { redundancy } from "./redundancy.ts";
export type { Redundancy, RedundancyMetrics, RedundantContext } from "./redundancy.ts";
export { AnswerNotNeededError, NoAgreementError, NodeFailedError } from "./redundancy-error.ts";
export type { NodeFailure } from "./redundancy-error.ts";
export type {
  NoAgreementEvent,
  NodeEvent,
  PromotedEvent,
  RedundancyEvent,
  SuspectedEvent,
} from "./redundancy-event.ts";
export { redundancyDefaults } from "./redundancy-options.ts";
export type { RedundancyOptions, RedundantNode } from "./redundancy-options.ts";
export type { Decision } from "./redundant-call.ts";
export { sameAnswer } from "./same-answer.ts";
