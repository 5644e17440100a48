export { explain } from "./explain.ts";
export type { Doubt, Explanation } from "./explain.ts";
export type { PolicyDescription } from "./policy-description.ts";
export { pipeline } from "./pipeline.ts";
export { adviceThresholds } from "./advice-rules.ts";
export type { AdviceAction, AdviceThresholds, Evidence } from "./advice-rules.ts";
export { advisorDefaults, createAdvisor } from "./advisor.ts";
export type { Advice, Advisor, AdvisorOptions } from "./advisor.ts";
export { negativeCache, negativeCacheDefaults } from "./negative-cache.ts";
export type {
  NegativeCache,
  NegativeCacheEvent,
  NegativeCacheOptions,
  NegativeCacheStatistics,
} from "./negative-cache.ts";
export type { CallRecord, OperationMetrics } from "./operation-metrics.ts";
export type { CallContext, ExecuteOptions, Operation, Policy } from "./policy.ts";
export type { PolicyEvent } from "./policy-event.ts";
export { policyReader } from "./policy-reader.ts";
export type { PolicyReading, ReadablePolicy } from "./policy-reader.ts";
export { measure } from "./measure.ts";
export type { CallObserver, CallOutcome, MeasureOptions } from "./measure.ts";
export { traced } from "./traced.ts";
export type { CallSpan, CallTracer, TracedOptions } from "./traced.ts";
export { ResilienceError } from "./resilience-error.ts";
export { cache, cacheDefaults } from "./cache.ts";
export type { Cache, CacheEvent, CacheOptions, CacheSettings, CacheStatistics, PreloadResult } from "./cache.ts";
export { ConcurrencyLimitedError, concurrencyLimiter, concurrencyLimiterDefaults } from "./concurrency-limiter.ts";
export type {
  ConcurrencyLimiter,
  ConcurrencyLimiterEvent,
  ConcurrencyLimiterMetrics,
  ConcurrencyLimiterOptions,
  ConcurrencyLimiterSettings,
} from "./concurrency-limiter.ts";
export { createErrorHandler, errorHandlerDefaults } from "./error-handler.ts";
export type {
  ErrorHandledEvent,
  ErrorHandler,
  ErrorHandlerOptions,
  Handled,
  HandledFailure,
  HandledValue,
} from "./error-handler.ts";
export { errorStrategies } from "./error-strategy.ts";
export type { ChooseStrategy, ErrorStrategy, StrategyTable } from "./error-strategy.ts";
export type { GuardedOperation, OperationRules } from "./guarded-operation.ts";
export type { ServiceHealth, ServiceMetrics, ServiceOptions } from "./degradable-service.ts";
export { degradation, degradationDefaults } from "./degrade.ts";
export type {
  Degradation,
  DegradationEvent,
  DegradationMetrics,
  DegradationMode,
  DegradationOptions,
  DegradationUpdate,
  Service,
} from "./degrade.ts";
export {
  fallback,
  fallbackChain,
  fallbackDefaults,
  FallbackFailedError,
  redirect,
  ResultRefusedError,
} from "./fallback.ts";
export type {
  FallbackChainPolicy,
  FallbackChainUpdate,
  FallbackEvent,
  FallbackFunction,
  FallbackMetrics,
  FallbackOptions,
  FallbackPolicy,
  FallbackUpdate,
} from "./fallback.ts";
export type { Opinion, OpinionState } from "./breaker-opinion.ts";
export { breakerQuorum, breakerQuorumDefaults } from "./breaker-quorum.ts";
export type { BreakerQuorum, BreakerQuorumMetrics, BreakerQuorumOptions, OpinionChannel } from "./breaker-quorum.ts";
export { RateLimitedError } from "./rate-limited-error.ts";
export { rateLimiter, rateLimiterDefaults } from "./rate-limiter.ts";
export type {
  AcquireOptions,
  RateLimit,
  RateLimiter,
  RateLimiterEvent,
  RateLimiterMetrics,
  RateLimiterOptions,
  RateLimiterSettings,
} from "./rate-limiter.ts";
export { singleFlight } from "./single-flight.ts";
export type { SingleFlight } from "./single-flight.ts";
export { throttle, throttleDefaults, ThrottledError } from "./throttle.ts";
export type { Throttle, ThrottleEvent, ThrottleMetrics, ThrottleOptions, ThrottleSettings } from "./throttle.ts";
export { forCache, forDatabase, forExternalApi, presets, standard } from "./presets.ts";
export type { Preset, PresetNumbers, PresetOptions } from "./presets.ts";
export { backoffDefaults, constantBackoff, exponentialBackoff, fibonacciBackoff, linearBackoff } from "./backoff.ts";
export type { BackoffOptions, ExponentialBackoffOptions } from "./backoff.ts";
export type { Jitter } from "./jitter.ts";
export { retry } from "./retry.ts";
export type { RetryMetrics, RetryPolicy } from "./retry.ts";
export { retryAfter } from "./retry-after.ts";
export { retryBudget, retryBudgetDefaults } from "./retry-budget.ts";
export type { RetryBudget, RetryBudgetOptions } from "./retry-budget.ts";
export { RetriesExhaustedError } from "./retry-error.ts";
export type { RetryLimit } from "./retry-error.ts";
export { retryDefaults } from "./retry-options.ts";
export type {
  RecoveredEvent,
  RetriesExhaustedEvent,
  RetryEvent,
  RetryingEvent,
  RetryOptions,
} from "./retry-options.ts";
export { isRejection, isRetryable } from "./retryable.ts";
export { intersection, sequence, union, unfold, upToElapsed, upToRetries } from "./schedule.ts";
export type { Schedule, ScheduleInput, ScheduleLike, ScheduleStep } from "./schedule.ts";
export type { BreakerEvent, BreakerRejectedEvent, BreakerStateEvent } from "./breaker-event.ts";
export { circuitBreakerDefaults } from "./breaker-options.ts";
export type {
  CircuitBreakerOptions,
  CircuitBreakerUpdate,
  HalfOpenOptions,
  InitialState,
  RampUpOptions,
  SlowCallOptions,
} from "./breaker-options.ts";
export type { Permit } from "./breaker-permit.ts";
export { breakerRegistry, breakerRegistryDefaults } from "./breaker-registry.ts";
export type { BreakerRegistry, BreakerRegistryOptions } from "./breaker-registry.ts";
export type { BreakerReason, BreakerSnapshot, BreakerState, BreakerTotals } from "./breaker-state.ts";
export type { BucketState, WindowOptions, WindowState } from "./breaker-window.ts";
export { circuitBreaker } from "./circuit-breaker.ts";
export type { BreakerMetrics, CircuitBreaker } from "./circuit-breaker.ts";
export { CircuitOpenError } from "./circuit-open-error.ts";
export { adaptiveTimeout, adaptiveTimeoutDefaults } from "./adaptive-timeout.ts";
export type { AdaptiveTimeoutMetrics, AdaptiveTimeoutOptions, AdaptiveTimeoutPolicy } from "./adaptive-timeout.ts";
export type { AdaptiveLimitOptions } from "./adaptive-limit.ts";
export { bulkhead, bulkheadDefaults } from "./bulkhead.ts";
export type {
  BulkheadEvent,
  BulkheadLimits,
  BulkheadMetrics,
  BulkheadOptions,
  BulkheadPermit,
  BulkheadPolicy,
} from "./bulkhead.ts";
export { BulkheadClosedError, BulkheadFullError, BulkheadWaitTimeoutError } from "./bulkhead-error.ts";
export { discardResult } from "./discard-result.ts";
export { hedge, hedgeDefaults } from "./hedge.ts";
export type { HedgeEvent, HedgeMetrics, HedgeOptions, HedgePolicy } from "./hedge.ts";
export { HedgeLostError } from "./hedge-error.ts";
export { RetryQueueFullError } from "./retry-later.ts";
export type { RetryLaterOptions } from "./retry-later.ts";
export { tieredTimeout } from "./tiered-timeout.ts";
export type { TieredTimeout, TieredTimeoutEvent, TieredTimeoutOptions, TierMetrics } from "./tiered-timeout.ts";
export { timeout, timeoutDefaults } from "./timeout.ts";
export type {
  LateOutcomeEvent,
  TimedOutEvent,
  TimeoutEvent,
  TimeoutMetrics,
  TimeoutMode,
  TimeoutOptions,
  TimeoutPolicy,
} from "./timeout.ts";
export { TimeoutError } from "./timeout-error.ts";
export { queueAndRetryDefaults, timeoutTiers } from "./timeout-tier.ts";
export type { TierFallback, TimeoutTier } from "./timeout-tier.ts";
