import type { Metadata, StatusObject } from "@grpc/grpc-js";

/** Everything that an attempt received: the caller gets that of one attempt, and of no other. */
export class Outcome {
  readonly status: StatusObject;
  /** The headers. */
  readonly metadata: Metadata | undefined;
  readonly message: unknown;

  constructor(status: StatusObject, metadata: Metadata | undefined, message: unknown) {
    this.status = status;
    this.metadata = metadata;
    this.message = message;
  }
}
