import type { StatusObject } from "@grpc/grpc-js";
import { HoldfastError, type ErrorKind } from "../../errors/index.ts";
import { grpcCode, nameOfCode, type GrpcCode } from "./status-code.ts";

export interface GrpcStatusErrorOptions {
  readonly path: string;
  readonly status: StatusObject;
  /** Whether the call may be made again. */
  readonly retryable: boolean;
  readonly retryAfterMs?: number | undefined;
  readonly cause?: unknown;
}

/** An attempt ended with a status that counts as a failure. Policies see it in place of the answer. */
export class GrpcStatusError extends HoldfastError {
  static override readonly brand: string = "GrpcStatusError";

  /** gRPC's number: 14 for UNAVAILABLE. */
  readonly status: number;
  readonly details: string;
  /** How long the server asks to wait, by its trailer `grpc-retry-pushback-ms`. */
  readonly retryAfterMs: number | undefined;
  readonly #received: StatusObject;

  constructor({ path, status, retryable, retryAfterMs, cause }: GrpcStatusErrorOptions) {
    super(`${nameOfCode(status.code)} from ${path}: ${status.details}`, {
      name: "GrpcStatusError",
      code: "GRPC_STATUS",
      kind: kindOf(status.code),
      retryable,
      cause,
    });
    this.status = status.code;
    this.details = status.details;
    this.retryAfterMs = retryAfterMs;
    this.#received = status;
  }

  /** The trailers. */
  get metadata(): StatusObject["metadata"] {
    return this.#received.metadata;
  }

  /** As the client received it. */
  get received(): StatusObject {
    return this.#received;
  }

  override toJSON(): Record<string, unknown> {
    const { status, retryAfterMs } = this;
    return { ...super.toJSON(), status, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
  }
}

function kindOf(code: GrpcCode): ErrorKind {
  if (code === grpcCode.deadlineExceeded) return "timeout";
  if (code === grpcCode.resourceExhausted) return "resource";
  if (code === grpcCode.unavailable) return "network";
  return code === grpcCode.unknown || code >= grpcCode.internal ? "system" : "business";
}

/** A call that must not be made twice was to be made again. `cause` is how it failed, if it did. */
export class CallNotRepeatedError extends HoldfastError {
  static override readonly brand: string = "CallNotRepeatedError";

  constructor(path: string, cause: unknown) {
    super(`${path} must not be called twice`, {
      name: "CallNotRepeatedError",
      code: "REQUEST_NOT_REPEATED",
      kind: HoldfastError.is(cause) ? cause.kind : "network",
      cause,
    });
  }
}
