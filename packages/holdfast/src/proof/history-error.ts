import { HoldfastError } from "../errors/base.ts";

/** A history breaks a rule of its format or of the model it is checked against. Code `INVALID_HISTORY`. */
export class HistoryError extends HoldfastError {
  static override readonly brand: string = "HistoryError";

  /** The event's position, from 1: its line in a file. Absent when no single event is at fault. */
  readonly line: number | undefined;
  /** The message without the line. */
  readonly reason: string;

  constructor(line: number | undefined, reason: string, options: { readonly cause?: unknown } = {}) {
    super(line === undefined ? `history: ${reason}` : `history line ${line}: ${reason}`, {
      name: "HistoryError",
      code: "INVALID_HISTORY",
      kind: "business",
      ...options,
    });
    this.line = line;
    this.reason = reason;
  }

  override toJSON(): Record<string, unknown> {
    return { ...super.toJSON(), line: this.line };
  }
}
