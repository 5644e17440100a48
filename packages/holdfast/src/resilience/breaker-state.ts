import { outcome, type BreakerWindow, type Now, type WindowOptions, type WindowState } from "./breaker-window.ts";
import { createWindow } from "./create-window.ts";

/**
 * - `closed`: calls run and are recorded
 * - `open`: calls are rejected until the time is over
 * - `halfOpen`: a few calls run as probes, the others are rejected
 * - `rampUp`: closed again, but only a growing share of the calls runs
 * - `forcedOpen`, `disabled`, `metricsOnly`: set by hand, until lifted by hand
 */
export type BreakerState = "closed" | "open" | "halfOpen" | "rampUp" | "forcedOpen" | "disabled" | "metricsOnly";

/** Why a breaker changed its state. */
export type BreakerReason =
  /** The window's failures reached `failureRate`, or the absolute limit of the window. */
  | "failures"
  /** The window's slow calls reached `slowCall.rate`. */
  | "slowCalls"
  /** `openOn` said so. */
  | "openOn"
  /** The probes decided. */
  | "probes"
  /** A probe stayed unanswered for `halfOpen.maxMs`. */
  | "probeTimeout"
  /** The time of the state before was over. */
  | "time"
  /** Enough other processes found it broken, or no longer do; see `breakerQuorum`. */
  | "quorum"
  /** Somebody called the method. */
  | "manual";

/** What the machine needs of the options, checked. */
export interface BreakerSettings {
  readonly window: WindowOptions;
  /** Infinity for windows with an absolute limit. */
  readonly failureRate: number;
  /** Infinity when slow calls are not looked at, or count as failures of an absolute limit. */
  readonly slowRate: number;
  readonly minimumCalls: number;
  readonly probes: number;
  readonly successRate: number;
  readonly maxHalfOpenMs: number;
  readonly afterMaxMs: "open" | "closed";
  /** The time to stay open for the n-th time in a row, jitter included. */
  openMs(timesOpened: number): number;
  /** A time that was asked for by `openOn`, capped, jitter included. */
  askedMs(ms: number): number;
  /** 0 for none. */
  readonly rampUpMs: number;
  readonly startShare: number;
}

/** What a breaker is, as JSON; times are relative, so that another process can go on with it. */
export interface BreakerSnapshot {
  readonly version: 1;
  readonly state: BreakerState;
  /** How long this state has lasted. */
  readonly stateMs: number;
  /** How long it stays open; 0 in other states. */
  readonly remainingOpenMs: number;
  /** How often it opened without having been closed for good in between. */
  readonly timesOpened: number;
  readonly window: WindowState;
}

/** What was counted since the beginning, or since `reset`. */
export interface BreakerTotals {
  successes: number;
  failures: number;
  /** Calls that took too long, whether they succeeded or not. */
  slow: number;
  /** Calls without a result that counts: ignored errors, and calls that the caller gave up. */
  ignored: number;
  rejected: number;
  /** Results that came after the state had changed. */
  late: number;
  stateChanges: number;
}

function emptyTotals(): BreakerTotals {
  return { successes: 0, failures: 0, slow: 0, ignored: 0, rejected: 0, late: 0, stateChanges: 0 };
}

/** Told after each beginning of an epoch is complete, and when a ramp-up is over. */
export type OnChange = (from: BreakerState, to: BreakerState, reason: BreakerReason) => void;

const never = Number.POSITIVE_INFINITY;

/**
 * The state machine of a circuit breaker: no promises and no timers; what time brings about happens when somebody asks.
 *
 * Whoever was admitted reports under the epoch of his admission. Each change of state begins another epoch, and what is
 * reported under an earlier one changes nothing: a slow failure of the time before an outage must not fail the probe
 * that finds its end. `rampUp` and `closed` are one epoch, since they fill one window.
 */
export class BreakerMachine {
  epoch = 0;
  timesOpened = 0;
  readonly totals: BreakerTotals = emptyTotals();
  /** Told of each change of state after everybody else; for whoever tells other processes. */
  observer: OnChange | undefined = undefined;
  #state: BreakerState = "closed";
  #since: number;
  #openUntil = 0;
  /** Open by the word of others, with nothing of its own against it. */
  #held = false;
  /** Half-open: who has a permit and not answered, and what the others answered. */
  #probing = 0;
  #succeeded = 0;
  #failed = 0;
  #admittedAt = 0;
  /** Ramp-up: the part of a call that is saved up. */
  #credit = 0;
  #settings: BreakerSettings;
  #window: BreakerWindow;
  readonly #clock: Now;
  readonly #onChange: OnChange;

  constructor(settings: BreakerSettings, clock: Now, onChange: OnChange) {
    this.#settings = settings;
    this.#window = createWindow(settings.window);
    this.#clock = clock;
    this.#onChange = onChange;
    this.#since = clock.now();
  }

  /** The state now, after what time has brought about. */
  get state(): BreakerState {
    this.#advance();
    return this.#state;
  }

  /** When the state began, on the clock. */
  get since(): number {
    return this.#since;
  }

  /** Up to date after `state` was read. */
  get window(): BreakerWindow {
    this.#window.expire(this.#clock);
    return this.#window;
  }

  get probing(): number {
    return this.#probing;
  }

  /** 0 when not open, Infinity when forced open. */
  get remainingOpenMs(): number {
    if (this.#state === "forcedOpen") return Number.POSITIVE_INFINITY;
    return this.#state === "open" ? Math.max(0, this.#openUntil - this.#clock.now()) : 0;
  }

  /** Whether a call may run. It then reports once, by `record` or `release`, under the `epoch` as it is now. */
  admit(): boolean {
    this.#advance();
    if (this.#admits()) return true;
    this.totals.rejected++;
    return false;
  }

  /** A result: bits of `outcome`. */
  record(epoch: number, bits: number): void {
    if (epoch === this.epoch && this.#state !== "closed") this.#advance();
    if (epoch !== this.epoch) {
      this.totals.late++;
      return;
    }
    if (this.#state === "disabled") return;
    this.#count(bits);
    if (this.#state === "halfOpen") this.#recordProbe(bits);
    else this.#recordCall(bits);
  }

  /** No result: the call was given up or says nothing about what is protected. A probe's permit is free again. */
  release(epoch: number): void {
    if (this.#state !== "disabled") this.totals.ignored++;
    if (epoch === this.epoch && this.#state === "halfOpen") this.#probing--;
  }

  /** Reports as `record` (bits) or `release` (undefined), and opens for the time that the outcome asks for. */
  openFor(epoch: number, ms: number, bits: number | undefined): void {
    if (epoch === this.epoch) this.#advance();
    const opens = epoch === this.epoch && this.#state !== "metricsOnly" && this.#state !== "disabled";
    if (bits === undefined) this.release(epoch);
    else if (opens) this.#count(bits);
    else this.record(epoch, bits);
    if (opens) this.#open("openOn", this.#settings.askedMs(ms), this.#clock.now());
  }

  /** Goes to a state by hand, with an empty window; `closed` forgets how often it opened. */
  set(state: "closed" | "forcedOpen" | "disabled" | "metricsOnly"): void {
    if (state === "closed") this.timesOpened = 0;
    this.#window.clear();
    this.#change(state, "manual");
  }

  /** Whether it is open by the word of others only. */
  get held(): boolean {
    this.#advance();
    return this.#held;
  }

  /**
   * Opens by the word of others, for so long, or from now on for so long when it does already. What a person set and what
   * it found out itself stands: only a breaker that lets all calls through is held.
   */
  hold(ms: number): void {
    this.#advance();
    if (!this.#held && this.#state !== "closed" && this.#state !== "rampUp") return;
    this.#openUntil = this.#clock.now() + ms;
    if (!this.#held) this.#change("open", "quorum");
  }

  /** Lets go of what is held: closes with an empty window. */
  unhold(): void {
    this.#advance();
    if (this.#held) this.#close("quorum");
  }

  /** Begins in a state other than closed. */
  start(state: "forcedOpen" | "disabled" | "metricsOnly"): void {
    this.#state = state;
  }

  reset(): void {
    this.set("closed");
    Object.assign(this.totals, emptyTotals());
  }

  /** Takes other settings; the window goes on as far as it is of the same kind. */
  update(settings: BreakerSettings): void {
    this.#advance();
    const saved = this.#window.save(this.#clock);
    this.#settings = settings;
    this.#window = createWindow(settings.window);
    this.#window.restore(saved, this.#clock);
    if (this.#state === "halfOpen") this.#judgeProbes();
  }

  /** The word of others is not saved: it would come back as something that this breaker found out. */
  save(): BreakerSnapshot {
    this.#advance();
    const state = this.#held ? "closed" : this.#state;
    return {
      version: 1,
      state,
      stateMs: this.#clock.now() - this.#since,
      remainingOpenMs: state === "open" ? this.remainingOpenMs : 0,
      timesOpened: this.timesOpened,
      window: this.#window.save(this.#clock),
    };
  }

  /** Goes on where another machine was saved; probes that were under way there are not waited for. */
  restore(snapshot: BreakerSnapshot): void {
    const now = this.#clock.now();
    this.#state = snapshot.state;
    this.#since = now - snapshot.stateMs;
    this.#openUntil = now + snapshot.remainingOpenMs;
    this.timesOpened = snapshot.timesOpened;
    this.#credit = 1 - this.#settings.startShare;
    this.#window.restore(snapshot.window, this.#clock);
  }

  #admits(): boolean {
    switch (this.#state) {
      case "open":
      case "forcedOpen":
        return false;
      case "halfOpen":
        return this.#admitsProbe();
      case "rampUp":
        return this.#admitsShare();
      default:
        return true;
    }
  }

  #admitsProbe(): boolean {
    if (this.#probing + this.#succeeded + this.#failed >= this.#settings.probes) return false;
    this.#probing++;
    this.#admittedAt = this.#clock.now();
    return true;
  }

  #admitsShare(): boolean {
    const { rampUpMs, startShare } = this.#settings;
    this.#credit += startShare + (1 - startShare) * ((this.#clock.now() - this.#since) / rampUpMs);
    // Shares add up to whole calls but for rounding.
    if (this.#credit < 1 - 1e-9) return false;
    this.#credit -= 1;
    return true;
  }

  /** What time brings about, as of when it was due: a late look at the clock must not lengthen anything. */
  #advance(): void {
    for (let due = this.#due(); due !== never && due <= this.#clock.now(); due = this.#due()) {
      if (this.#held) this.#close("quorum", due);
      else if (this.#state === "open") this.#change("halfOpen", "time", due);
      else if (this.#state === "rampUp") {
        this.timesOpened = 0;
        this.#change("closed", "time", due);
      } else if (this.#settings.afterMaxMs === "open") this.#reopen("probeTimeout", due);
      else this.#close("probeTimeout", due);
    }
  }

  /** When time will change the state; Infinity for never. */
  #due(): number {
    switch (this.#state) {
      case "open":
        return this.#openUntil;
      case "halfOpen":
        return this.#probing === 0 ? never : this.#admittedAt + this.#settings.maxHalfOpenMs;
      case "rampUp":
        return this.#since + this.#settings.rampUpMs;
      default:
        return never;
    }
  }

  #count(bits: number): void {
    const { totals } = this;
    if (bits & outcome.failure) totals.failures++;
    else totals.successes++;
    if (bits & outcome.slow) totals.slow++;
  }

  #recordCall(bits: number): void {
    const window = this.#window;
    window.record(bits, this.#clock);
    if (window.failures === 0 && window.slow === 0) return;
    if (this.#state !== "closed" && this.#state !== "rampUp") return;
    const reason = this.#verdict();
    if (reason !== undefined) this.#reopen(reason);
  }

  #verdict(): "failures" | "slowCalls" | undefined {
    const { calls, failures, slow, limitReached } = this.#window;
    if (limitReached) return "failures";
    const { minimumCalls, failureRate, slowRate } = this.#settings;
    if (calls < minimumCalls) return undefined;
    // Quotients, not products: 7 of 100 is 0.07 to the last bit, while 0.07 * 100 is a little more than 7.
    if (failures / calls >= failureRate) return "failures";
    return slow / calls >= slowRate ? "slowCalls" : undefined;
  }

  #recordProbe(bits: number): void {
    this.#probing--;
    if (bits === outcome.success) this.#succeeded++;
    else this.#failed++;
    this.#judgeProbes();
  }

  /** Decides as soon as the probes that are still to come cannot change the verdict. */
  #judgeProbes(): void {
    const { probes, successRate } = this.#settings;
    if (this.#succeeded / probes >= successRate) this.#close("probes");
    else if ((probes - this.#failed) / probes < successRate) this.#reopen("probes");
  }

  #reopen(reason: BreakerReason, at: number = this.#clock.now()): void {
    this.#open(reason, this.#settings.openMs(this.timesOpened + 1), at);
  }

  #open(reason: BreakerReason, ms: number, at: number): void {
    this.timesOpened++;
    this.#openUntil = at + ms;
    this.#change("open", reason, at);
  }

  #close(reason: BreakerReason, at: number = this.#clock.now()): void {
    this.#window.clear();
    if (this.#settings.rampUpMs > 0) {
      this.#credit = 1 - this.#settings.startShare;
      this.#change("rampUp", reason, at);
      return;
    }
    this.timesOpened = 0;
    this.#change("closed", reason, at);
  }

  #change(to: BreakerState, reason: BreakerReason, at: number = this.#clock.now()): void {
    const from = this.#state;
    if (!(from === "rampUp" && reason === "time")) this.epoch++;
    this.#state = to;
    this.#since = at;
    this.#held = to === "open" && reason === "quorum";
    this.#probing = 0;
    this.#succeeded = 0;
    this.#failed = 0;
    if (from !== to) this.totals.stateChanges++;
    this.#onChange(from, to, reason);
    this.observer?.(from, to, reason);
  }
}
