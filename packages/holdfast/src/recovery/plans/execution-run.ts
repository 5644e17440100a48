import type { Session } from "../../coordination/index.ts";
import type { Clock, RandomSource, Timer } from "../../runtime/system.ts";
import type { CompiledPlan } from "./compile-plan.ts";
import type { ExecutionEffect, ExecutionLimits } from "./execution-draft.ts";
import { actionOf, type Side } from "./execution-side.ts";
import { isOver, type ExecutionState } from "./execution-state.ts";
import { dueAt, stepExecution, type ExecutionInput } from "./execution-step.ts";
import type { ExecutionClaim, ExecutionStore } from "./execution-store.ts";
import type { JsonValue } from "./plan.ts";
import { PlanError } from "./plan-error.ts";
import type { PlanEvent, PlanHistoryEntry } from "./plan-event.ts";
import { runAttempt, type AttemptEnd } from "./step-attempt.ts";
import type { StepExecutor } from "./step-executor.ts";

export interface ExecutionRunParts {
  readonly plan: CompiledPlan;
  readonly claim: ExecutionClaim;
  readonly state: ExecutionState;
  readonly outputs: ReadonlyMap<string, JsonValue>;
  readonly store: ExecutionStore;
  readonly executors: ReadonlyMap<string, StepExecutor>;
  readonly session: Session;
  /** Fires when the claim may be lost: nothing is done after that. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly limits: ExecutionLimits;
  /** Bytes of all outputs of the execution. */
  readonly maxOutputBytes: number;
  readonly publish: (event: PlanEvent) => void;
}

interface Waiting {
  readonly input: ExecutionInput;
  readonly output?: AttemptEnd["output"];
  readonly request?: Uint8Array;
}

/** Inputs and outputs of one transaction: far below what etcd takes in one request, and in one list of it. */
const maxInputs = 32;
const maxBatchBytes = 256 * 1024;
/** As long as a timer can be. */
const longestMs = 2 ** 31 - 1;

/** One execution in the hands of this orchestrator: each transition is recorded before anything is done about it. */
export class ExecutionRun {
  readonly id: string;
  readonly #parts: ExecutionRunParts;
  readonly #waiting: Waiting[] = [];
  readonly #attempts = new Map<string, AbortController>();
  readonly #outputs: Map<string, JsonValue>;
  #outputBytes: number;
  #state: ExecutionState;
  #timer: Timer | undefined;
  #wake: (() => void) | undefined;
  #isRecording = false;

  constructor(parts: ExecutionRunParts) {
    this.id = parts.state.id;
    this.#parts = parts;
    this.#state = parts.state;
    this.#outputs = new Map(parts.outputs);
    this.#outputBytes = JSON.stringify([...parts.outputs.values()]).length;
  }

  /** Whether a try is under way, or something is to be recorded; else it waits for a time, or for a person. */
  get isBusy(): boolean {
    return this.#attempts.size > 0 || this.#waiting.length > 0 || this.#isRecording;
  }

  feed(input: ExecutionInput, request?: Uint8Array): void {
    this.#waiting.push(request === undefined ? { input } : { input, request });
    this.#wake?.();
  }

  /**
   * Goes on until the execution is over.
   *
   * @throws PlanError CLAIM_LOST when another one has it, or may have it; what the store refuses with
   */
  async run(): Promise<void> {
    const { signal } = this.#parts;
    const wake = (): void => this.#wake?.();
    signal.addEventListener("abort", wake, { once: true });
    try {
      while (!isOver(this.#state.status)) {
        signal.throwIfAborted();
        if (this.#waiting.length > 0) {
          this.#isRecording = true;
          await this.#transition();
          this.#isRecording = false;
        } else await new Promise<void>((resolve) => (this.#wake = resolve));
        this.#wake = undefined;
      }
    } finally {
      signal.removeEventListener("abort", wake);
      this.#timer?.cancel();
      for (const attempt of this.#attempts.values()) attempt.abort(new PlanError("CLAIM_LOST"));
      this.#attempts.clear();
    }
  }

  async #transition(): Promise<void> {
    const { plan, store, claim, limits, session, signal } = this.#parts;
    let state = this.#state;
    const facts: PlanHistoryEntry[] = [];
    const effects: ExecutionEffect[] = [];
    const outputs = new Map<string, Uint8Array>();
    const requests: Uint8Array[] = [];
    for (let bytes = 0, taken = 0; taken < maxInputs && bytes < maxBatchBytes && !isOver(state.status); taken++) {
      const next = this.#waiting.shift();
      if (next === undefined) break;
      const transition = stepExecution(plan, state, next.input, limits);
      if (next.request !== undefined) requests.push(next.request);
      const { input, output } = next;
      if (transition.state !== state && input.type === "ended" && output !== undefined) {
        outputs.set(input.step, output.bytes);
        bytes += output.bytes.length;
        this.#outputs.set(input.step, output.value);
      }
      state = transition.state;
      facts.push(...transition.facts);
      effects.push(...transition.effects);
    }
    if (state !== this.#state || requests.length > 0) {
      await store.record(claim, { state, facts, outputs, requests }, signal);
      this.#state = state;
      for (const fact of facts) this.#parts.publish({ ...fact, execution: this.id, plan: state.planId });
      // The process may have stood still since the store has answered.
      if (!session.held) throw new PlanError("CLAIM_LOST", { detail: this.id });
      for (const effect of effects) this.#perform(effect);
    }
    this.#setTimer();
  }

  #perform({ type, side, step, ...effect }: ExecutionEffect): void {
    const key = keyOf(side, step);
    if (type === "abort") {
      const code = "reason" in effect && effect.reason === "timeout" ? "STEP_TIMED_OUT" : "STEP_STOPPED";
      this.#attempts.get(key)?.abort(new PlanError(code, { detail: step }));
      return;
    }
    const { plan, executors, claim, random, clock, maxOutputBytes } = this.#parts;
    const attempt = "attempt" in effect ? effect.attempt : 1;
    const controller = new AbortController();
    // One that was given up and has not ended yet is nobody's any more: its end comes with a number that is over.
    this.#attempts.set(key, controller);
    const room = maxOutputBytes - this.#outputBytes;
    const place = { plan, state: this.#state, outputs: this.#outputs, side, step, attempt, random, room };
    const executor = executors.get(actionOf(plan, side, step).type);
    const ended = (end: AttemptEnd): void => {
      if (this.#attempts.get(key) !== controller) return;
      this.#attempts.delete(key);
      const { outcome, output } = this.#keep(end);
      const input = { type: "ended", side, step, attempt, outcome, at: clock.wallTime() } as const;
      this.#waiting.push(output === undefined ? { input } : { input, output });
      this.#wake?.();
    };
    void runAttempt({ ...place, executor, token: claim.token, signal: controller.signal }).then(ended);
  }

  /** Others that ran meanwhile may have taken the room. */
  #keep(end: AttemptEnd): AttemptEnd {
    const size = end.output?.bytes.length ?? 0;
    if (this.#outputBytes + size > this.#parts.maxOutputBytes) {
      return { outcome: { type: "completed", outputOmitted: true } };
    }
    this.#outputBytes += size;
    return end;
  }

  #setTimer(): void {
    const { clock, random } = this.#parts;
    this.#timer?.cancel();
    const due = dueAt(this.#state);
    if (due === Infinity) return;
    const delayMs = Math.min(Math.max(0, due - clock.wallTime()), longestMs);
    this.#timer = clock.setTimer(delayMs, () => {
      const at = clock.wallTime();
      // Timers may fire a little early, and far ones in parts.
      if (at < due) this.#setTimer();
      else this.feed({ type: "tick", at, draw: random.next() });
    });
  }
}

function keyOf(side: Side, step: string): string {
  return `${side}/${step}`;
}
