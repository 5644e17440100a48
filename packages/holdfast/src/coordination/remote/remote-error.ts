import { HoldfastError } from "../../errors/base.ts";
import type { ByteReader, ByteWriter } from "../../wire/index.ts";
import { CoordinationError, coordinationErrors, type CoordinationErrorCode } from "../coordination-error.ts";

/** The codes of its own; what a member says in another room's code comes with that code. */
type RemoteErrorCode = "ENDPOINTS_UNREACHABLE" | "WRONG_CLUSTER" | "ANSWER_TOO_LARGE" | "MEMBER_FAILED";

const unreachableCode = "ENDPOINTS_UNREACHABLE" satisfies RemoteErrorCode;
const failedCode = "MEMBER_FAILED" satisfies RemoteErrorCode;

/**
 * A request to a member elsewhere failed on the way, or for a reason that is not one of coordination:
 * `ENDPOINTS_UNREACHABLE` when no endpoint could be connected to in time, `WRONG_CLUSTER` when all that could be are of
 * another cluster, `ANSWER_TOO_LARGE` for one that no frame holds, `MEMBER_FAILED` for a fault in the member; else the code that the member refused it with.
 */
export class RemoteError extends HoldfastError {
  static override readonly brand: string = "RemoteError";

  constructor(code: string, message: string, options: { readonly cause?: unknown } = {}) {
    const unreachable = code === unreachableCode;
    super(message, {
      name: "RemoteError",
      code,
      kind: unreachable ? "network" : code === "INVALID_ARGUMENT" ? "business" : "system",
      retryable: unreachable,
      ...options,
    });
  }
}

/** What the client is told of an error: never more than its code and, of one that is meant to be told, its message. */
export function writeError(writer: ByteWriter, error: unknown): void {
  const known = HoldfastError.is(error);
  writer.utf8(known ? error.code : failedCode);
  writer.utf8(!known ? "the member failed to answer" : isCoordinationCode(error.code) ? "" : error.message);
}

export function readError(reader: ByteReader): CoordinationError | RemoteError {
  const code = reader.utf8("error.code");
  const message = reader.utf8("error.message");
  reader.end("error");
  if (isCoordinationCode(code)) return new CoordinationError(code);
  return new RemoteError(code, message);
}

function isCoordinationCode(code: string): code is CoordinationErrorCode {
  return Object.hasOwn(coordinationErrors, code);
}
