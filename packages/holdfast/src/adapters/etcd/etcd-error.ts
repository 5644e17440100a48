import type { ServiceError } from "@grpc/grpc-js";
import { CoordinationError, coordinationErrors, type CoordinationErrorCode } from "../../coordination/index.ts";
import { HoldfastError, type ErrorKind } from "../../errors/base.ts";

export type EtcdErrorCode = "ENDPOINTS_UNREACHABLE" | "ETCD_STATUS";

/**
 * What has no code among CoordinationError's: no endpoint could be connected to, so that nothing was sent
 * (`ENDPOINTS_UNREACHABLE`), or etcd said something else (`ETCD_STATUS`).
 */
export class EtcdError extends HoldfastError {
  static override readonly brand: string = "EtcdError";

  declare readonly code: EtcdErrorCode;
  /** gRPC's number, when etcd said it. */
  readonly status: number | undefined;

  constructor(
    code: EtcdErrorCode,
    message: string,
    options: { readonly kind: ErrorKind; readonly status?: number; readonly cause?: unknown },
  ) {
    super(message, { name: "EtcdError", code, retryable: code === "ENDPOINTS_UNREACHABLE", ...options });
    this.status = options.status;
  }
}

/** gRPC's codes ("Status codes and their use in gRPC"), those that mean something here. */
const grpcCode = {
  cancelled: 1,
  unknown: 2,
  deadlineExceeded: 4,
  permissionDenied: 7,
  resourceExhausted: 8,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
} as const;

const codeByText: ReadonlyMap<string, CoordinationErrorCode> = new Map([
  ...Object.entries(coordinationErrors).map(
    ([code, [, , text]]) => [text, code as CoordinationErrorCode] as [string, CoordinationErrorCode],
  ),
  // Where the text on the wire says less than ours.
  ["request timed out", "TIMED_OUT"],
  ["leader changed", "TIMED_OUT"],
  ["revision of auth store is old", "AUTH_OLD_REVISION"],
]);

/** Which of its errors etcd has told, by the text, which etcd promises to keep; undefined for any other. */
export function codeOfText(text: string): CoordinationErrorCode | undefined {
  const said = /^(?:etcdserver|holdfast): (?:mvcc: |auth: )?(.*?)(?:, possibly due to .*)?$/s.exec(text)?.[1];
  if (said !== undefined) return codeByText.get(said);
  return text.startsWith("grpc: received message larger than max") ? "REQUEST_TOO_LARGE" : undefined;
}

/** Whether another endpoint may do better: the connection broke, time ran out, or the server cannot serve now. */
export function isLost(error: ServiceError): boolean {
  switch (error.code as number) {
    case grpcCode.unavailable:
    case grpcCode.deadlineExceeded:
    case grpcCode.cancelled:
      return true;
    case grpcCode.internal:
      // A connection that is torn down may leave this behind.
      return error.details.startsWith("Received RST_STREAM");
    default:
      return false;
  }
}

/** Whether the server refused without a look at what is asked, so that another may be asked whatever it is. */
export function isRefusedUnread(error: ServiceError): boolean {
  return codeOfText(error.details) === "NOT_AT_LEARNER";
}

/** Whether the request was refused for want of a valid token. */
export function lacksToken(error: ServiceError): boolean {
  const code = codeOfText(error.details);
  return code === "INVALID_AUTH_TOKEN" || code === "AUTH_OLD_REVISION" || code === "USER_EMPTY";
}

/** @param mutates whether it could have changed something, so that an outcome that is unknown must be told as such */
export function toError(error: ServiceError, mutates: boolean): HoldfastError {
  const code = codeOfText(error.details);
  // etcd says so, too, when it is stopped between proposing a write and applying it.
  if (code === "STOPPED" && mutates) return new CoordinationError("TIMED_OUT", { cause: error });
  if (code !== undefined) return new CoordinationError(code, { cause: error });
  if (isLost(error) && !error.details.startsWith("etcdserver: ")) {
    return new CoordinationError("TIMED_OUT", { cause: error });
  }
  return new EtcdError("ETCD_STATUS", error.details, { kind: kindOf(error.code), status: error.code, cause: error });
}

function kindOf(code: number): ErrorKind {
  if (code === grpcCode.unavailable) return "network";
  if (code === grpcCode.resourceExhausted) return "resource";
  return code === grpcCode.unknown || code === grpcCode.internal ? "system" : "business";
}
