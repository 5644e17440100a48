import { HoldfastError } from "../../errors/base.ts";
import type { LogIdentity } from "./log-identity.ts";

/** What was durable is no longer what was written; going on would lose or invent entries. */
export class LogCorruptError extends HoldfastError {
  static override readonly brand: string = "LogCorruptError";

  readonly file: string;
  /** Where in the file the first bad byte or record is. */
  readonly offset: number;
  readonly reason: string;

  constructor(file: string, offset: number, reason: string, cause?: unknown) {
    super(`${file} is corrupt at offset ${offset}: ${reason}`, {
      name: "LogCorruptError",
      code: "LOG_CORRUPT",
      kind: "consistency",
      cause,
    });
    this.file = file;
    this.offset = offset;
    this.reason = reason;
  }
}

/** The disk failed, or the log was closed: nothing is promised to be durable from here on. */
export class LogFailedError extends HoldfastError {
  static override readonly brand: string = "LogFailedError";

  constructor(message: string, cause?: unknown) {
    super(message, { name: "LogFailedError", code: "LOG_FAILED", kind: "system", cause });
  }
}

/** A file belongs to another cluster or another member. */
export class ForeignDirectoryError extends HoldfastError {
  static override readonly brand: string = "ForeignDirectoryError";

  readonly file: string;

  constructor(file: string, found: LogIdentity, expected: LogIdentity) {
    super(
      `${file} belongs to member ${found.nodeId} of cluster ${found.clusterId.toString(16)}, ` +
        `not to member ${expected.nodeId} of cluster ${expected.clusterId.toString(16)}`,
      { name: "ForeignDirectoryError", code: "FOREIGN_DIRECTORY", kind: "consistency" },
    );
    this.file = file;
  }
}
