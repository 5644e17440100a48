import { HoldfastError, type ErrorKind } from "../../errors/base.ts";

/** Every way the registry of live faults can refuse. */
export type LiveFaultErrorCode =
  | "UNKNOWN_TARGET"
  | "NOT_OPTED_IN"
  | "UNKNOWN_FAULT"
  | "FAULT_EXISTS"
  | "TOO_MANY_FAULTS"
  | "FAULT_FAILED"
  | "FAULT_STUCK"
  | "REGISTRY_CLOSED";

const kinds: Readonly<Record<LiveFaultErrorCode, readonly [ErrorKind, boolean]>> = {
  UNKNOWN_TARGET: ["business", false],
  NOT_OPTED_IN: ["business", false],
  UNKNOWN_FAULT: ["business", false],
  FAULT_EXISTS: ["business", false],
  TOO_MANY_FAULTS: ["resource", true],
  FAULT_FAILED: ["system", false],
  FAULT_STUCK: ["system", true],
  REGISTRY_CLOSED: ["business", false],
};

/** A live fault was refused, could not begin, or cannot be taken back. */
export class LiveFaultError extends HoldfastError {
  static override readonly brand: string = "LiveFaultError";

  declare readonly code: LiveFaultErrorCode;

  constructor(code: LiveFaultErrorCode, message: string, options: { readonly cause?: unknown } = {}) {
    const [kind, retryable] = kinds[code];
    super(message, { name: "LiveFaultError", code, kind, retryable, ...options });
  }
}
