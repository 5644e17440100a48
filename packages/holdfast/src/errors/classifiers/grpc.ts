import type { Classifier } from "../classifier.ts";
import type { ErrorShape } from "../error-shape.ts";

/** gRPC's names of its codes, from 0. */
export const grpcStatusNames: readonly string[] = [
  "OK",
  "CANCELLED",
  "UNKNOWN",
  "INVALID_ARGUMENT",
  "DEADLINE_EXCEEDED",
  "NOT_FOUND",
  "ALREADY_EXISTS",
  "PERMISSION_DENIED",
  "RESOURCE_EXHAUSTED",
  "FAILED_PRECONDITION",
  "ABORTED",
  "OUT_OF_RANGE",
  "UNIMPLEMENTED",
  "INTERNAL",
  "UNAVAILABLE",
  "DATA_LOSS",
  "UNAUTHENTICATED",
];

/** gRPC's status, from its number or from the message, which clients that wrap it keep. */
export const grpcClassifier: Classifier = {
  system: "grpc",
  rules: {
    CANCELLED: "CANCELLED",
    UNKNOWN: "SERVER_FAILED",
    INVALID_ARGUMENT: "INVALID_REQUEST",
    DEADLINE_EXCEEDED: "OPERATION_TIMED_OUT",
    NOT_FOUND: "NOT_FOUND",
    ALREADY_EXISTS: "ALREADY_EXISTS",
    PERMISSION_DENIED: "FORBIDDEN",
    RESOURCE_EXHAUSTED: "TOO_MANY_REQUESTS",
    FAILED_PRECONDITION: "CONFLICT",
    ABORTED: "TRANSACTION_ABORTED",
    OUT_OF_RANGE: "INVALID_REQUEST",
    UNIMPLEMENTED: "UNSUPPORTED",
    INTERNAL: "SERVER_FAILED",
    UNAVAILABLE: "NETWORK_FAILED",
    "UNAVAILABLE refused": "CONNECTION_REFUSED",
    "UNAVAILABLE name": "NAME_LOOKUP_FAILED",
    DATA_LOSS: "DATA_CORRUPTED",
    UNAUTHENTICATED: "UNAUTHENTICATED",
  },
  keys(error: ErrorShape): readonly string[] {
    const { message } = error;
    const status = statusOf(error, message);
    if (status !== "UNAVAILABLE") return status === undefined ? [] : [status];
    if (message.includes("ECONNREFUSED")) return ["UNAVAILABLE refused", status];
    if (message.includes("Name resolution failed")) return ["UNAVAILABLE name", status];
    return [status];
  },
};

function statusOf(error: ErrorShape, message: string): string | undefined {
  const code = error.number("code");
  const isGrpc = error.text("details") !== undefined && error.child("metadata").isObject;
  if (code !== undefined && isGrpc) return grpcStatusNames[code];
  const [, number, name] = /^(\d{1,2}) ([A-Z_]{2,30}): /.exec(message) ?? [];
  return name !== undefined && grpcStatusNames[Number(number)] === name ? name : undefined;
}
