import type { DegradationMode } from "../../resilience/index.ts";

const order: readonly DegradationMode[] = ["normal", "partial", "full"];

/** 0 for normal, 1 for partial, 2 for full. */
export function severity(mode: DegradationMode): number {
  return order.indexOf(mode);
}

export function worst(modes: readonly DegradationMode[]): DegradationMode {
  return order[Math.max(0, ...modes.map(severity))] ?? "normal";
}

/** One step towards normal. */
function better(mode: DegradationMode): DegradationMode {
  return mode === "full" ? "partial" : "normal";
}

/** A mode that gets worse at once, and better one step at a time, each not before so much time has passed. */
export class HeldMode {
  mode: DegradationMode = "normal";
  because: string = "nothing is the matter";
  changedAt: number;
  readonly #holdMs: number;

  constructor(holdMs: number, at: number) {
    this.#holdMs = holdMs;
    this.changedAt = at;
  }

  /** True when the mode is another now. `atOnce`: somebody says so who may. */
  become(wanted: DegradationMode, because: string, at: number, atOnce: boolean): boolean {
    if (wanted === this.mode) return false;
    const isBetter = severity(wanted) < severity(this.mode);
    if (isBetter && !atOnce && at < this.changedAt + this.#holdMs) return false;
    this.mode = isBetter && !atOnce ? better(this.mode) : wanted;
    this.because = because;
    this.changedAt = at;
    return true;
  }

  /** When it may become better; Infinity when nothing better is wanted. */
  dueAt(wanted: DegradationMode): number {
    return severity(wanted) < severity(this.mode) ? this.changedAt + this.#holdMs : Infinity;
  }
}
