import { HoldfastError } from "../errors/base.ts";

/** Bytes from outside do not follow their format; the message names what was being read, where, and which rule broke. */
export class MalformedError extends HoldfastError {
  static override readonly brand: string = "MalformedError";

  /** The field or structure that was being read. */
  readonly what: string;
  /** Where it starts, counted from the start of the bytes that were being read. */
  readonly offset: number;

  /** @example new MalformedError("entry.kind", 12, "must be 0, 1 or 2 (got 9)") */
  constructor(what: string, offset: number, reason: string) {
    super(`${what} at byte ${offset} ${reason}`, { name: "MalformedError", code: "MALFORMED", kind: "system" });
    this.what = what;
    this.offset = offset;
  }
}
