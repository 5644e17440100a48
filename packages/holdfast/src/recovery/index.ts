export { createAutomaticRecovery } from "./automatic/automatic-recovery.ts";
export type { AutomaticRecovery, RecoveryMetrics, RecoverySnapshot } from "./automatic/automatic-recovery.ts";
export type { Evidence, FailureCause, FailurePriority, FailureReport } from "./automatic/failure.ts";
export { planStrategy } from "./automatic/plan-strategy.ts";
export type { PlanStrategyOptions } from "./automatic/plan-strategy.ts";
export { RecoveryError } from "./automatic/recovery-error.ts";
export type { RecoveryErrorCode } from "./automatic/recovery-error.ts";
export type { PersonCall } from "./automatic/recovery-input.ts";
export { automaticRecoveryDefaults } from "./automatic/recovery-options.ts";
export type { AutomaticRecoveryOptions } from "./automatic/recovery-options.ts";
export type { PersonWanted } from "./automatic/recovery-state.ts";
export type { RecoveryContext, RecoveryStrategy, StrategyOpinion, Verify } from "./automatic/recovery-strategy.ts";
export type {
  AttemptOutcome,
  RecoveryAttempt,
  RecoveryDecision,
  RecoveryEntry,
  RecoveryTask,
} from "./automatic/recovery-task.ts";
export { watchAggregator } from "./automatic/watch-aggregator.ts";
export type { WatchAggregatorOptions } from "./automatic/watch-aggregator.ts";
export { watchBreakers } from "./automatic/watch-breakers.ts";
export type { WatchBreakersOptions } from "./automatic/watch-breakers.ts";
export { watchHealth } from "./automatic/watch-health.ts";
export type { WatchHealthOptions } from "./automatic/watch-health.ts";
export { watchMembership } from "./automatic/watch-membership.ts";
export type { WatchMembershipOptions } from "./automatic/watch-membership.ts";
export { createDegradationManager } from "./degradation/degradation-manager.ts";
export type {
  DegradationHealth,
  DegradationManager,
  DegradationSnapshot,
  ServiceHandle,
  ServiceView,
} from "./degradation/degradation-manager.ts";
export type { FeatureDeclaration } from "./degradation/feature-ladder.ts";
export { degradationManagerDefaults, degradationThresholds } from "./degradation/manager-options.ts";
export type {
  DegradationManagerOptions,
  DegradationThresholds,
  ManagedServiceOptions,
  ServiceDependency,
} from "./degradation/manager-options.ts";
export { followMembership } from "./follow-membership.ts";
export { healCluster } from "./healing/heal-cluster.ts";
export type { HealClusterOptions, Healer, HealingPorts, HealingResult } from "./healing/heal-cluster.ts";
export { createHealing, recheckOrder, stepHealing } from "./healing/healing.ts";
export type { Healing, HealingEffects, HealingInput } from "./healing/healing.ts";
export { changesMembers, describeAction } from "./healing/healing-action.ts";
export type { HealingAction, HealingActionType, HealingOrder, SeenMembers } from "./healing/healing-action.ts";
export type { HealingDecision, HealingOutcome } from "./healing/healing-decision.ts";
export { healingFactOf } from "./healing/healing-fact-of.ts";
export type { GuardName } from "./healing/healing-guards.ts";
export { healingBugs, healingDefaults } from "./healing/healing-options.ts";
export type { DesiredCluster, HealingBug, HealingOptions, HealingTimes } from "./healing/healing-options.ts";
export type { Liveness, Observation, ObservedMember } from "./healing/observed-cluster.ts";
export { compilePlan } from "./plans/compile-plan.ts";
export type { CompiledAction, CompiledPlan, CompiledRetry, CompiledStep } from "./plans/compile-plan.ts";
export { configurationUpdate } from "./plans/configuration-update.ts";
export type { ConfigurationFiles } from "./plans/configuration-files.ts";
export type { ConfigurationUpdateOptions } from "./plans/configuration-update.ts";
export { dataValidation } from "./plans/data-validation.ts";
export type { DataValidationOptions } from "./plans/data-validation.ts";
export type { ExecutionState, ExecutionStatus, StepState, StepStatus, StopCause } from "./plans/execution-state.ts";
export { healthCheck } from "./plans/health-check.ts";
export type { HealthCheckOptions } from "./plans/health-check.ts";
export type { Dialer, FetchLike, GrpcHealthProbe, HealthProbes } from "./plans/health-probe.ts";
export { createOrchestrator, dryRunOf } from "./plans/orchestrator.ts";
export type { DryRun, DryRunStep, ExecuteOptions, Orchestrator } from "./plans/orchestrator.ts";
export { orchestratorDefaults } from "./plans/orchestrator-options.ts";
export type { OrchestratorOptions } from "./plans/orchestrator-options.ts";
export type { ParameterRule, ParametersTogether } from "./plans/parameter-rule.ts";
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
export type { RestartRequest, ServiceControl, ServiceStatus } from "./plans/service-control.ts";
export { combinedServices } from "./plans/combined-services.ts";
export { serviceRestart } from "./plans/service-restart.ts";
export type { ServiceRestartOptions } from "./plans/service-restart.ts";
export type { SqlConnection, SqlPool, SqlSource } from "./plans/sql-source.ts";
export { customExecutor, executorTable } from "./plans/step-executor.ts";
export type { StepContext, StepErrorKind, StepExecutor } from "./plans/step-executor.ts";
export { StepFailure } from "./plans/step-failure.ts";
export type { StepError } from "./plans/step-failure.ts";
export { submitPlan } from "./plans/submit-plan.ts";
export type { SubmitOptions } from "./plans/submit-plan.ts";
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
