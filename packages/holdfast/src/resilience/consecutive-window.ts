import { outcome, type BreakerWindow, type WindowState } from "./breaker-window.ts";

/** Failures in a row. A slow call counts as a failure here. */
export class ConsecutiveWindow implements BreakerWindow {
  readonly kind = "consecutive";
  readonly #limit: number;
  #streak = 0;
  #slow = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get calls(): number {
    return this.#streak;
  }

  get failures(): number {
    return this.#streak;
  }

  get slow(): number {
    return this.#slow;
  }

  get limitReached(): boolean {
    return this.#streak >= this.#limit;
  }

  record(bits: number): void {
    if (bits === outcome.success) {
      this.clear();
      return;
    }
    this.#streak++;
    if (bits & outcome.slow) this.#slow++;
  }

  expire(): void {
    // A streak ends with a success, not with time.
  }

  clear(): void {
    this.#streak = 0;
    this.#slow = 0;
  }

  save(): WindowState {
    return { kind: "consecutive", failures: this.#streak };
  }

  restore(state: WindowState): void {
    if (state.kind === "consecutive") this.#streak = state.failures;
  }
}
