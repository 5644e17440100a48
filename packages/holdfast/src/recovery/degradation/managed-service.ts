import type { DegradationMode } from "../../resilience/index.ts";
import { ErrorWindow } from "./error-window.ts";
import { FeatureLadder } from "./feature-ladder.ts";
import type { ManagedServiceSettings, ManagerSettings } from "./manager-options.ts";
import { HeldMode, severity, worst } from "./service-mode.ts";

/** What a service hears from elsewhere. */
export interface Surroundings {
  readonly modeOf: (service: string) => DegradationMode;
  /** What all are told to be, unless they are told otherwise themselves. */
  readonly forced: DegradationMode | undefined;
}

/** One service as the manager keeps it: what was measured, what it is told, and what follows. */
export class ManagedService {
  readonly settings: ManagedServiceSettings;
  readonly held: HeldMode;
  readonly ladder: FeatureLadder;
  readonly #window: ErrorWindow;
  /** By its own error rate alone. */
  #measured: DegradationMode = "normal";
  #measuredBecause = "nothing is the matter";
  #isPressing = false;
  #lastRate: number | null = null;
  /** Why it is down; undefined when it is not. */
  #down: string | undefined;
  #forced: DegradationMode | undefined;
  #wanted: { readonly mode: DegradationMode; readonly because: string };
  #checkAt: number;
  #probedAt = -Infinity;

  constructor(settings: ManagedServiceSettings, manager: ManagerSettings, at: number) {
    this.settings = settings;
    const { holdMs, partialPriority, fullPriority } = manager;
    this.held = new HeldMode(holdMs, at);
    this.ladder = new FeatureLadder({ features: settings.features, partialPriority, fullPriority, holdMs, at });
    this.#window = new ErrorWindow(settings.thresholds.windowMs);
    this.#checkAt = at + settings.thresholds.checkIntervalMs;
    this.#wanted = { mode: "normal", because: this.#measuredBecause };
  }

  get name(): string {
    return this.settings.name;
  }

  /** What the last check found; null when there were too few calls. */
  get lastRate(): number | null {
    return this.#lastRate;
  }

  get measured(): DegradationMode {
    return this.#measured;
  }

  get isDown(): boolean {
    return this.#down !== undefined;
  }

  get isForced(): boolean {
    return this.#forced !== undefined;
  }

  /** When there is something to do by itself. */
  get dueAt(): number {
    const { mode } = this.held;
    return Math.min(this.#checkAt, this.held.dueAt(this.#wanted.mode), this.ladder.dueAt(mode));
  }

  record(at: number, isFailure: boolean): void {
    this.#window.record(at, isFailure);
  }

  read(at: number): { readonly calls: number; readonly errorRate: number | null } {
    return this.#window.read(at);
  }

  /** Whether a call may go to it: in full mode one in a while, to measure it. */
  admits(at: number, probeIntervalMs: number): boolean {
    if (this.held.mode !== "full") return true;
    if (this.#forced === "full" || at < this.#probedAt + probeIntervalMs) return false;
    this.#probedAt = at;
    return true;
  }

  /** Judges it by its own calls, if its time has come; `now` does not wait for that. */
  check(at: number, now: boolean): boolean {
    if (!now && at < this.#checkAt) return false;
    this.#checkAt = at + this.settings.thresholds.checkIntervalMs;
    const { calls, errorRate } = this.#window.read(at);
    const rate = (this.#lastRate = calls < this.settings.thresholds.minCalls ? null : errorRate);
    this.#isPressing = rate !== null && rate > this.settings.thresholds.enter;
    if (rate === null) return true;
    const next = nextMeasured(this.#measured, rate, this.settings);
    if (next === this.#measured) return true;
    this.#measured = next;
    this.#measuredBecause = `its error rate is ${rate.toFixed(3)}`;
    // What was measured before says nothing about how it is from now on.
    this.#window.clear();
    return true;
  }

  markDown(because: string): void {
    this.#down = because;
  }

  markUp(): void {
    // The failures of that time are not those of now.
    if (this.#down !== undefined) this.#window.clear();
    this.#down = undefined;
  }

  force(mode: DegradationMode | undefined): void {
    this.#forced = mode;
  }

  /** Goes where everything together wants it; true when its mode is another now. */
  settle(at: number, around: Surroundings, atOnce: boolean): boolean {
    this.#wanted = this.#weigh(around);
    return this.held.become(this.#wanted.mode, this.#wanted.because, at, atOnce);
  }

  /** What its features do about its mode: after a check, more may go. */
  shed(at: number, isCheck: boolean, atOnce: boolean): ReturnType<FeatureLadder["follow"]> {
    return this.ladder.follow(this.held.mode, at, { pressing: isCheck && this.#isPressing, atOnce });
  }

  #weigh({ modeOf, forced }: Surroundings): { mode: DegradationMode; because: string } {
    const set = this.#forced ?? forced;
    if (set !== undefined) return { mode: set, because: "somebody has set it so" };
    if (this.#down !== undefined) return { mode: "full", because: `it is down: ${this.#down}` };
    const reasons = this.settings.dependsOn.map(({ service, optional }) => {
      const theirs = modeOf(service);
      // Without what is optional the service does less; with less of it, it does what it did.
      const mode = optional ? (theirs === "full" ? "partial" : "normal") : theirs;
      return { mode, because: `${service}, which it ${optional ? "uses" : "needs"}, is in ${theirs} mode` } as const;
    });
    const all = [{ mode: this.#measured, because: this.#measuredBecause }, ...reasons];
    const mode = worst(all.map((each) => each.mode));
    const reason = all.find((each) => each.mode === mode);
    return { mode, because: mode === "normal" ? "nothing is the matter" : (reason?.because ?? "") };
  }
}

/** One step, on what was measured since the last one. */
function nextMeasured(
  mode: DegradationMode,
  rate: number,
  { thresholds: { enter, leave, full } }: ManagedServiceSettings,
): DegradationMode {
  if (severity(mode) === 0) return rate > full ? "full" : rate > enter ? "partial" : "normal";
  if (mode === "partial") return rate > full ? "full" : rate < leave ? "normal" : "partial";
  return rate < full / 2 ? "partial" : "full";
}
