import type { Classifier } from "../classifier.ts";
import type { ErrorShape } from "../error-shape.ts";

/** Error names that services of AWS share, with the shape of its SDK (`$metadata`, `$fault`); other names by status. */
export const awsClassifier: Classifier = {
  system: "aws",
  rules: {
    ThrottlingException: "TOO_MANY_REQUESTS",
    Throttling: "TOO_MANY_REQUESTS",
    TooManyRequestsException: "TOO_MANY_REQUESTS",
    ProvisionedThroughputExceededException: "TOO_MANY_REQUESTS",
    RequestLimitExceeded: "TOO_MANY_REQUESTS",
    SlowDown: "TOO_MANY_REQUESTS",
    LimitExceededException: "TOO_MANY_REQUESTS",
    RequestTimeout: "OPERATION_TIMED_OUT",
    RequestTimeoutException: "OPERATION_TIMED_OUT",
    ConditionalCheckFailedException: "CONFLICT",
    TransactionConflictException: "TRANSACTION_ABORTED",
    TransactionInProgressException: "LOCKED",
    TransactionCanceledException: "CONFLICT",
    ResourceInUseException: "LOCKED",
    ResourceNotFoundException: "NOT_FOUND",
    NoSuchKey: "NOT_FOUND",
    AccessDeniedException: "FORBIDDEN",
    UnrecognizedClientException: "UNAUTHENTICATED",
    ExpiredTokenException: "UNAUTHENTICATED",
    InvalidSignatureException: "UNAUTHENTICATED",
    CredentialsProviderError: "UNAUTHENTICATED",
    ItemCollectionSizeLimitExceededException: "PAYLOAD_TOO_LARGE",
    ValidationException: "INVALID_REQUEST",
    SerializationException: "INVALID_REQUEST",
    InternalServerError: ["SERVICE_UNAVAILABLE", "unknown"],
    InternalFailure: ["SERVICE_UNAVAILABLE", "unknown"],
    ServiceUnavailable: "SERVICE_UNAVAILABLE",
    4: "INVALID_REQUEST",
    5: "SERVER_FAILED",
  },
  keys(error: ErrorShape): readonly string[] {
    const status = error.child("$metadata").number("httpStatusCode");
    if (status === undefined) return error.name === "CredentialsProviderError" ? [error.name] : [];
    return [error.name, String(Math.floor(status / 100))];
  },
};
