import type { Clock, RandomSource } from "../runtime/system.ts";
import { eventTypeOf, type BreakerEvent } from "./breaker-event.ts";
import { circuitBreakerDefaults, type CircuitBreakerOptions, type CircuitBreakerUpdate } from "./breaker-options.ts";
import { BreakerPermit } from "./breaker-permit.ts";
import { BreakerJudge, settingsOf } from "./breaker-settings.ts";
import { BreakerMachine, type BreakerReason, type BreakerState } from "./breaker-state.ts";
import { outcome } from "./breaker-window.ts";
import type { Call } from "./call.ts";
import { checkBehaviour, checkBreakerUpdate, hasRates } from "./check-breaker-options.ts";
import { CircuitOpenError } from "./circuit-open-error.ts";
import { hears, publish } from "./policy-event.ts";
import { RunningCalls } from "./slow-calls.ts";
import { rejected, type Next, type Stage } from "./stage.ts";

/**
 * A breaker at work: asks the machine for each call, and watches what becomes of it. The promise that a call gets is the
 * operation's own; the breaker only listens beside it.
 */
export class BreakerStage implements Stage {
  readonly machine: BreakerMachine;
  readonly name: string;
  options: CircuitBreakerOptions;
  judge: BreakerJudge;
  /** Infinity when nobody looks at how long calls take. */
  slowMs: number;
  readonly #clock: Clock;
  readonly #random: RandomSource;
  readonly #onEvent: ((event: BreakerEvent) => void) | undefined;
  readonly #running: RunningCalls = new RunningCalls();
  #inFlight = false;
  /** Whether a call needs no more than being counted, as almost all do: no time is taken and no permit is made. */
  #plain = false;
  #state: BreakerState = "closed";
  /** What watches the calls that nobody can give up: the same two for all of an epoch. */
  #onValue: (value: unknown) => void = ignored;
  #onError: (error: unknown) => void = ignored;

  constructor(options: CircuitBreakerOptions, clock: Clock, random: RandomSource) {
    this.options = options;
    this.name = options.name ?? "";
    this.#clock = clock;
    this.#random = random;
    this.#onEvent = options.onEvent;
    this.judge = new BreakerJudge(options);
    this.slowMs = options.slowCall?.ms ?? Number.POSITIVE_INFINITY;
    this.#inFlight = options.slowCall?.inFlight ?? circuitBreakerDefaults.slowCall.inFlight;
    this.machine = new BreakerMachine(settingsOf(options, random), clock, (from, to, reason) =>
      this.#changed(from, to, reason),
    );
    const initial = options.initialState;
    if (typeof initial === "object") this.machine.restore(initial);
    else if (initial !== undefined && initial !== "closed") this.machine.start(initial);
    this.#enter(this.machine.state);
  }

  run(call: Call, next: Next): Promise<unknown> {
    if (this.#plain) {
      const onValue = this.#onValue;
      const onError = this.#onError;
      const { epoch } = this.machine;
      const result = next(call);
      if (!call.abortable) {
        result.then(onValue, onError);
        return result;
      }
      // eslint-disable-next-line promise/catch-or-return -- it watches: the caller has the promise itself
      result.then(
        (value) => this.#succeeded(epoch, call, value),
        (error: unknown) => this.#failed(epoch, call, error),
      );
      return result;
    }
    return this.#state === "disabled" ? next(call) : this.#runWatched(call, next);
  }

  /** A permit, or undefined for a rejection. */
  acquire(call: Call | undefined): BreakerPermit | undefined {
    this.sweep();
    const { machine } = this;
    if (!machine.admit()) return undefined;
    const timed = this.slowMs !== Number.POSITIVE_INFINITY;
    const permit = new BreakerPermit(this, machine.epoch, timed ? this.#clock.now() : 0, call);
    if (this.#inFlight) this.#running.add(permit);
    return permit;
  }

  /** A permit came to its end. */
  settle(permit: BreakerPermit): void {
    this.#running.remove(permit);
  }

  /** Whether a call that began then is slow if it ends now. */
  isSlow(startedAt: number): boolean {
    return this.slowMs !== Number.POSITIVE_INFINITY && this.#clock.now() - startedAt >= this.slowMs;
  }

  /** Looks for calls that have been running for too long. */
  sweep(): void {
    if (this.#inFlight) this.#running.sweep(this.#clock.now() - this.slowMs);
  }

  update(update: CircuitBreakerUpdate): void {
    checkBreakerUpdate(update);
    const outlives = update.window === undefined || hasRates(update.window);
    const options: CircuitBreakerOptions = { ...(outlives ? this.options : withoutRates(this.options)), ...update };
    checkBehaviour(options);
    this.options = options;
    this.judge = new BreakerJudge(options);
    this.slowMs = options.slowCall?.ms ?? Number.POSITIVE_INFINITY;
    this.#inFlight = options.slowCall?.inFlight ?? circuitBreakerDefaults.slowCall.inFlight;
    this.machine.update(settingsOf(options, this.#random));
    this.#enter(this.machine.state);
  }

  #runWatched(call: Call, next: Next): Promise<unknown> {
    if (call.aborted) return rejected(call.reason);
    const permit = this.acquire(call);
    if (permit === undefined) return rejected(this.#rejection());
    // A probe that is given up, and perhaps never ends, must not keep its place.
    const unlisten = this.#state === "halfOpen" ? call.onAbort(() => permit.release()) : undefined;
    const result = next(call);
    // eslint-disable-next-line promise/catch-or-return -- it watches: the caller has the promise itself
    result.then(
      (value) => {
        unlisten?.();
        permit.success(value);
        return undefined;
      },
      (error: unknown) => {
        unlisten?.();
        permit.failure(error);
      },
    );
    return result;
  }

  #succeeded(epoch: number, call: Call, value: unknown): void {
    if (call.aborted) this.machine.release(epoch);
    else this.recordValue(epoch, value, outcome.success);
  }

  #failed(epoch: number, call: Call, error: unknown): void {
    if (call.aborted) this.machine.release(epoch);
    else this.recordError(epoch, error, outcome.success);
  }

  /** `slow` is 0 or the bit of it. */
  recordValue(epoch: number, value: unknown, slow: number): void {
    const opens = this.judge.opensFor(value, "value");
    if (opens !== undefined) this.machine.openFor(epoch, opens, this.judge.ofValue(value) | slow);
    else this.machine.record(epoch, this.judge.ofValue(value) | slow);
  }

  recordError(epoch: number, error: unknown, slow: number): void {
    const bits = this.judge.ofError(error);
    const opens = this.judge.opensFor(error, "error");
    if (opens !== undefined) this.machine.openFor(epoch, opens, bits === undefined ? undefined : bits | slow);
    else if (bits === undefined) this.machine.release(epoch);
    else this.machine.record(epoch, bits | slow);
  }

  #rejection(): CircuitOpenError {
    const { remainingOpenMs } = this.machine;
    const state = this.#state;
    if (hears(this.#onEvent, "breakerRejected")) {
      publish(this.#onEvent, { ...this.#event("breakerRejected"), state, remainingOpenMs });
    }
    return new CircuitOpenError(this.name, state, remainingOpenMs);
  }

  #changed(from: BreakerState, to: BreakerState, reason: BreakerReason): void {
    this.#enter(to);
    const type = eventTypeOf[to];
    if (from === to || !hears(this.#onEvent, type)) return;
    publish(this.#onEvent, {
      ...this.#event(type),
      from,
      to,
      reason,
      openMs: this.machine.remainingOpenMs,
    });
  }

  #enter(state: BreakerState): void {
    this.#state = state;
    this.#plain = (state === "closed" || state === "metricsOnly") && this.options.slowCall === undefined;
    const { epoch } = this.machine;
    this.#onValue = (value) => this.recordValue(epoch, value, outcome.success);
    this.#onError = (error) => this.recordError(epoch, error, outcome.success);
  }

  #event<Type extends BreakerEvent["type"]>(type: Type): { type: Type; at: number; policy: string } {
    return { type, at: this.#clock.wallTime(), policy: this.name };
  }
}

function ignored(): void {
  // Stands in until the first state is entered.
}

/** Options without what judges rates, for a window that has none. */
function withoutRates(options: CircuitBreakerOptions): CircuitBreakerOptions {
  const kept: Record<string, unknown> = { ...options };
  delete kept["failureRate"];
  delete kept["minimumCalls"];
  if (options.slowCall !== undefined) {
    const { ms, inFlight = circuitBreakerDefaults.slowCall.inFlight } = options.slowCall;
    kept["slowCall"] = { ms, inFlight };
  }
  return kept;
}
