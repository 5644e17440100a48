import { takeContext, type WorkContext } from "../runtime/system.ts";
import { ScopedCall, type Call } from "./call.ts";
import { HedgeLostError } from "./hedge-error.ts";
import type { Next } from "./stage.ts";
import { WheelTimer, type TimerWheel } from "./timer-wheel.ts";

/** What a hedged call asks of its policy. */
export interface HedgeRules {
  readonly wheel: TimerWheel;
  readonly maxHedges: number;
  accepts(result: unknown): boolean;
  hedgesAfter(error: unknown): boolean;
  /** Whether one more attempt may be started; asked once per attempt. */
  admits(attempt: number, delayMs: number): boolean;
  /** `attempt` won, 1 for the first; the first was started at `startedAt`. */
  onWon(attempt: number, startedAt: number): void;
  discard(result: unknown): void;
}

/**
 * One call and its hedges. The first acceptable result is taken; an error, or a result that is not acceptable, only when
 * nothing else is under way and nothing more may be started.
 */
export class HedgedCall extends WheelTimer {
  readonly #rules: HedgeRules;
  readonly #call: Call;
  readonly #next: Next;
  readonly #delayMs: number;
  readonly #resolve: (value: unknown) => void;
  readonly #reject: (reason: unknown) => void;
  /** The wheel's timer is some other call's. */
  readonly #context: WorkContext = takeContext();
  /** Attempts under way. */
  #running: Attempt[] = [];
  #started = 0;
  #settled = false;
  /** No more attempts: the maximum is reached, the budget is used up, or an error forbids them. */
  #complete = false;
  #refused: { readonly result: unknown } | undefined;
  #startedAt = 0;

  constructor(
    rules: HedgeRules,
    call: Call,
    next: Next,
    delayMs: number,
    resolve: (value: unknown) => void,
    reject: (reason: unknown) => void,
  ) {
    super();
    this.#rules = rules;
    this.#call = call;
    this.#next = next;
    this.#delayMs = delayMs;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  start(): void {
    this.#startedAt = this.#rules.wheel.start(this, this.#delayMs);
    this.#launch();
  }

  override expire(): void {
    this.#context.runInAsyncScope(() => this.#hedge());
  }

  /** Called by an attempt that has ended. */
  onValue(attempt: Attempt, value: unknown): void {
    attempt.scope.end();
    if (this.#settled) {
      this.#rules.discard(value);
      return;
    }
    this.#remove(attempt);
    let accepted: boolean;
    try {
      accepted = this.#rules.accepts(value);
    } catch (error) {
      // A judge that fails has not accepted, and asking it again would not help.
      this.#rules.discard(value);
      this.#afterFailure(error, false);
      return;
    }
    if (accepted) {
      this.#settle();
      this.#resolve(value);
      if (this.#refused !== undefined) this.#rules.discard(this.#refused.result);
      this.#rules.onWon(attempt.number, this.#startedAt);
      return;
    }
    if (this.#refused !== undefined) this.#rules.discard(this.#refused.result);
    this.#refused = { result: value };
    this.#afterFailure(undefined, true);
  }

  onError(attempt: Attempt, error: unknown): void {
    attempt.scope.end();
    if (this.#settled) return;
    this.#remove(attempt);
    let mayHedge = false;
    try {
      mayHedge = this.#rules.hedgesAfter(error);
    } catch {
      // As if it had said no: the operation's own error matters more.
    }
    this.#afterFailure(error, mayHedge);
  }

  #afterFailure(error: unknown, mayHedge: boolean): void {
    if (!mayHedge) this.#complete = true;
    // Waiting for the delay would help nobody once nothing is under way.
    if (this.#running.length === 0) this.#hedge();
    if (this.#running.length > 0) return;
    this.#settle();
    if (this.#refused === undefined) this.#reject(error);
    else this.#resolve(this.#refused.result);
  }

  #hedge(): void {
    const { wheel, maxHedges } = this.#rules;
    wheel.stop(this);
    if (this.#settled || this.#complete || this.#call.aborted) return;
    if (this.#started > maxHedges || !this.#rules.admits(this.#started + 1, this.#delayMs)) {
      this.#complete = true;
      return;
    }
    if (this.#started < maxHedges) wheel.start(this, this.#delayMs);
    this.#launch();
  }

  #launch(): void {
    const { operation, attempt: first, options } = this.#call;
    const scope = new ScopedCall(operation, this.#call, first + this.#started++, options);
    const attempt = new Attempt(this, scope, this.#started);
    this.#running.push(attempt);
    attempt.run(this.#next);
  }

  #remove(attempt: Attempt): void {
    if (this.#running.length === 1) this.#running.pop();
    else this.#running.splice(this.#running.indexOf(attempt), 1);
  }

  /** Losers are aborted and not waited for; what they still bring is disposed when it comes. */
  #settle(): void {
    this.#settled = true;
    this.#rules.wheel.stop(this);
    if (this.#running.length === 0) return;
    const reason = new HedgeLostError();
    const losers = this.#running;
    this.#running = [];
    for (const loser of losers) loser.scope.abort(reason);
  }
}

/** One of the attempts, which cancels alone. */
class Attempt {
  readonly scope: ScopedCall;
  /** 1 for the first. */
  readonly number: number;
  readonly #hedged: HedgedCall;

  constructor(hedged: HedgedCall, scope: ScopedCall, number: number) {
    this.#hedged = hedged;
    this.scope = scope;
    this.number = number;
  }

  run(next: Next): void {
    next(this.scope).then(
      (value) => this.#hedged.onValue(this, value),
      (error: unknown) => this.#hedged.onError(this, error),
    );
  }
}
