export { aggregateErrors, maxAggregatedErrors } from "./aggregate-errors.ts";
export { errorContext, isTransient, retryDelayMs } from "./assessment.ts";
export type { RetryDelayOptions } from "./assessment.ts";
export { severityOf } from "./severity.ts";
export type { Severity } from "./severity.ts";
export { checkFunction, checkInteger, checkNumber, checkOneOf, checkOptionNames } from "./check-options.ts";
export type { Classifier, OwnRule, Rule } from "./classifier.ts";
export { builtInClassifiers } from "./classifiers/built-in.ts";
export { grpcStatusNames } from "./classifiers/grpc.ts";
export { classify, createClassifier, maxRegisteredClassifiers, registerClassifier } from "./classify.ts";
export type { Classify, ClassifyOptions, CreateClassifierOptions } from "./classify.ts";
export { errorJsonBounds, serializeError } from "./error-json.ts";
export type { ErrorJson, SerializeErrorOptions } from "./error-json.ts";
export { ErrorShape } from "./error-shape.ts";
export { failureMeanings } from "./failure-codes.ts";
export type { Effect, FailureErrorCode, FailureMeaning } from "./failure-codes.ts";
export {
  BusinessError,
  ConsistencyError,
  NetworkError,
  OperationTimeoutError,
  ResourceError,
  SystemError,
} from "./failure-kinds.ts";
export type {
  AnyFailure,
  ConflictResolution,
  ConsistencyErrorOptions,
  NetworkErrorOptions,
  OperationTimeoutErrorOptions,
  ResourceErrorOptions,
  SystemErrorOptions,
} from "./failure-kinds.ts";
export { Failure } from "./failure.ts";
export type { ErrorContext, FailureOptions } from "./failure.ts";
export { HoldfastError } from "./holdfast-error.ts";
export type { ErrorKind, HoldfastErrorOptions } from "./holdfast-error.ts";
export { InvalidArgumentError } from "./invalid-argument.ts";
export type { CallFacts } from "./make-failure.ts";
export { parseRetryAfter } from "./parse-retry-after.ts";
export { reviveError } from "./revive-error.ts";
export type { CommonValue, SeenContext } from "./context-log.ts";
export { createErrorAggregator, errorAggregatorDefaults } from "./error-aggregator.ts";
export type {
  AggregatorStatistics,
  ErrorAggregator,
  ErrorAggregatorOptions,
  ErrorAggregatorSettings,
  KindCount,
  RecordOptions,
  ThresholdEvent,
} from "./error-aggregator.ts";
export type { ErrorGroup } from "./error-group.ts";
export { fingerprint, messagePattern } from "./fingerprint.ts";
export type { FingerprintKey } from "./fingerprint.ts";
export type { FrequentError, TopErrors } from "./frequent-errors.ts";
export type { ThresholdOptions } from "./threshold.ts";
export type { Trend } from "./trend.ts";
export { batchModel, batchModelDefaults } from "./batch-model.ts";
export type { BatchModelOptions, Examples } from "./batch-model.ts";
export { createErrorHistory, errorHistoryDefaults, minPatternErrors } from "./error-patterns.ts";
export type { ErrorHistory, ErrorHistoryOptions, ErrorPattern, ErrorRecord } from "./error-patterns.ts";
export { createErrorPredictor, errorPredictorDefaults } from "./error-predictor.ts";
export type {
  ErrorPredictor,
  ErrorPredictorOptions,
  KindPrediction,
  MissingData,
  Observation,
  Prediction,
} from "./error-predictor.ts";
export { logisticModel, logisticModelDefaults } from "./logistic-model.ts";
export type { LogisticModelOptions } from "./logistic-model.ts";
export { findPeriod, nextDue } from "./periodicity.ts";
export type { Period } from "./periodicity.ts";
export type { PredictionModel, PredictionModelFactory } from "./prediction-model.ts";
