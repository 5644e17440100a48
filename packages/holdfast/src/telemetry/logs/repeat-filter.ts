import type { Clock } from "../../runtime/system.ts";
import type { LogLevel } from "./log-entry.ts";

/** Lines alike that were held back. */
export interface HeldLines {
  readonly level: LogLevel;
  readonly text: string;
  readonly held: number;
}

interface Window {
  readonly level: LogLevel;
  readonly text: string;
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
  pass(level: LogLevel, text: string): number {
    const now = this.#clock.now();
    const kind = `${level} ${text}`;
    const window = this.#windows.get(kind) ?? { level, text, endsAt: now + this.#windowMs, passed: 0, held: 0 };
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

  /** What no line has told of so far; the last of each kind goes out now, and is none of those held back any more. */
  takeHeld(): readonly HeldLines[] {
    const left = [...this.#windows.values()].filter(({ held }) => held > 0);
    this.#windows.clear();
    this.#suppressed -= left.length;
    return left;
  }
}
