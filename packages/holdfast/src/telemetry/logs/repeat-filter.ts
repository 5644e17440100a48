import type { Clock } from "../../runtime/system.ts";

interface Window {
  endsAt: number;
  passed: number;
  held: number;
}

const maxKinds = 1_000;

/** Lets so many lines alike through within a window, and counts the others. */
export class RepeatFilter {
  readonly #most: number;
  readonly #windowMs: number;
  readonly #clock: Pick<Clock, "now">;
  /** The least recently seen first. */
  readonly #windows = new Map<string, Window>();
  #suppressed = 0;

  constructor(most: number, windowMs: number, clock: Pick<Clock, "now">) {
    this.#most = most;
    this.#windowMs = windowMs;
    this.#clock = clock;
  }

  get suppressed(): number {
    return this.#suppressed;
  }

  /** How many were held back before this one, which goes out; -1 when it is held back itself. */
  pass(kind: string): number {
    const now = this.#clock.now();
    const window = this.#windows.get(kind) ?? { endsAt: now + this.#windowMs, passed: 0, held: 0 };
    this.#windows.delete(kind);
    this.#windows.set(kind, window);
    // What has not been seen for longest goes: a flood of different lines is bounded by the sinks.
    if (this.#windows.size > maxKinds) this.#windows.delete(this.#windows.keys().next().value!);
    if (now >= window.endsAt) {
      window.endsAt = now + this.#windowMs;
      window.passed = 0;
    }
    if (window.passed >= this.#most) {
      window.held++;
      this.#suppressed++;
      return -1;
    }
    window.passed++;
    const { held } = window;
    window.held = 0;
    return held;
  }
}
