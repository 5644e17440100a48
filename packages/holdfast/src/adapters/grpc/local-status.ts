import type { Metadata, StatusObject } from "@grpc/grpc-js";
import { HoldfastError } from "../../errors/index.ts";
import { GrpcStatusError } from "./grpc-status-error.ts";
import { grpcCode, type GrpcCode } from "./status-code.ts";

/** What policies reject with, as a status. */
const codes: Readonly<Record<string, GrpcCode>> = {
  BULKHEAD_CLOSED: grpcCode.unavailable,
  BULKHEAD_FULL: grpcCode.resourceExhausted,
  BULKHEAD_WAIT_TIMEOUT: grpcCode.resourceExhausted,
  CIRCUIT_OPEN: grpcCode.unavailable,
  CONCURRENCY_LIMITED: grpcCode.resourceExhausted,
  RATE_LIMITED: grpcCode.resourceExhausted,
  RETRY_QUEUE_FULL: grpcCode.resourceExhausted,
  THROTTLED: grpcCode.unavailable,
};

/** How deep policies nest their causes: further down nothing is looked for. */
const maxDepth = 8;

/**
 * The status that the caller gets for a failed call: the one that the server sent, where it came of one, else what the
 * policy's rejection means. Anything but the status itself stands in `cause`, and so in that of the client's error.
 */
export function statusOf(failure: unknown, sent: Metadata): StatusObject {
  if (failure instanceof GrpcStatusError) return failure.received;
  let cause = failure;
  for (let depth = 0; depth < maxDepth && cause instanceof Error; depth++) {
    if (cause instanceof GrpcStatusError) return withCause(cause.received, failure);
    const code = codeOf(cause);
    if (code !== undefined) return localStatus(code, cause.message, sent, failure);
    ({ cause } = cause);
  }
  const details = failure instanceof Error ? failure.message : String(failure);
  return localStatus(grpcCode.unknown, details, sent, failure);
}

/** A status that no server sent. */
export function localStatus(code: GrpcCode, details: string, sent: Metadata, cause?: unknown): StatusObject {
  const status = { code, details, metadata: emptied(sent) };
  return cause === undefined ? status : withCause(status, cause);
}

function codeOf(error: Error): GrpcCode | undefined {
  if (HoldfastError.is(error)) {
    const code = codes[error.code];
    // Other errors of this kind came of a time limit, and their cause knows which.
    if (code !== undefined) return code;
    return error.code === "OPERATION_TIMED_OUT" ? grpcCode.deadlineExceeded : undefined;
  }
  if (error.name === "TimeoutError") return grpcCode.deadlineExceeded;
  return error.name === "AbortError" ? grpcCode.cancelled : undefined;
}

function withCause(status: StatusObject, cause: unknown): StatusObject {
  const known: StatusObject & { cause: unknown } = { ...status, cause };
  return known;
}

/** The client's class is reached through the metadata it gave: the package itself is not loaded. */
function emptied(metadata: Metadata): Metadata {
  const empty = metadata.clone();
  for (const key of Object.keys(empty.getMap())) empty.remove(key);
  return empty;
}
