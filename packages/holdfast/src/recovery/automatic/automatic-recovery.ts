import { HoldfastError } from "../../errors/base.ts";
import { checkName, readReport, type FailureReport } from "./failure.ts";
import { RecoveryEngine } from "./recovery-engine.ts";
import { RecoveryError } from "./recovery-error.ts";
import { recoveryFacts } from "./recovery-facts.ts";
import type { RecoveryEffect } from "./recovery-input.ts";
import {
  checkAutomaticRecoveryOptions,
  type AutomaticRecoveryOptions,
  type RecoverySettings,
} from "./recovery-options.ts";
import { newRecoveryState, type PersonWanted, type RecoveryState } from "./recovery-state.ts";
import { RecoveryStore, type RecoveryRequest } from "./recovery-store.ts";
import type { RecoveryDecision, RecoveryTask } from "./recovery-task.ts";
import { serveTenure } from "./recovery-tenure.ts";

/** What fails, what was done about it, and where a person is wanted. */
export interface RecoverySnapshot {
  /** Whether this process recovers; always without a coordination. */
  readonly isActing: boolean;
  readonly open: readonly RecoveryTask[];
  /** Over; the oldest first. */
  readonly closed: readonly RecoveryTask[];
  readonly personsWanted: readonly (PersonWanted & { readonly target: string })[];
}

/** Since the start of this process, of what it decided itself. */
export interface RecoveryMetrics {
  readonly decisions: { readonly [Decision in RecoveryDecision]?: number };
  readonly personsCalled: number;
  /** Strategies under way here. */
  readonly running: number;
  readonly listenerFailures: number;
}

/** Failures in, recoveries out; every decision with its reason. */
export interface AutomaticRecovery extends AsyncDisposable {
  readonly name: string;
  /** Whether this process recovers; with a coordination, one of those that could. */
  readonly isActing: boolean;
  /**
   * Something is broken. Resolves when it is taken note of: with a coordination, when the store has it.
   *
   * @throws InvalidArgumentError for a report that cannot be read; CoordinationError
   */
  report(failure: FailureReport): Promise<void>;
  /** A target is well, or what is called `type` there is over. */
  recovered(target: string, about?: { readonly type?: string; readonly because?: string }): Promise<void>;
  /** A person has looked after a target: automatic attempts begin anew. Nothing when nobody was wanted. */
  acknowledge(target: string, person: { readonly by: string; readonly comment?: string }): Promise<void>;
  /** As recorded. */
  snapshot(): Promise<RecoverySnapshot>;
  readonly metrics: RecoveryMetrics;
  /** Tells strategies to end; with a coordination, another process goes on. */
  close(): Promise<void>;
}

/**
 * Recovers what fails by itself: one recovery at a target at a time, the most pressing first, symptoms not before their
 * cause, and no more than so many attempts until a person is called. With a `coordination`, one process of those with the
 * same prefix acts, and another one goes on when it is gone.
 *
 * @throws InvalidArgumentError for options out of range
 * @example
 * const recovery = createAutomaticRecovery({
 *   strategies: [{ name: "restart", handles: ["memberFailed"], run: ({ task, signal }) => restart(task.target, signal) }],
 *   onPersonWanted: ({ target, wanted }) => page(`${target}: ${wanted.because}`),
 * });
 * await recovery.report({ type: "memberFailed", target: "n2", priority: "high" });
 */
export function createAutomaticRecovery(options: AutomaticRecoveryOptions): AutomaticRecovery {
  return new Recovery(checkAutomaticRecoveryOptions(options));
}

class Recovery implements AutomaticRecovery {
  readonly name: string;
  readonly #settings: RecoverySettings;
  readonly #closing = new AbortController();
  readonly #store: RecoveryStore | undefined;
  readonly #done: Promise<void>;
  readonly #decisions: { [Decision in RecoveryDecision]?: number } = {};
  #engine: RecoveryEngine | undefined;
  #personsCalled = 0;
  #listenerFailures = 0;

  constructor(settings: RecoverySettings) {
    this.#settings = settings;
    this.name = settings.name;
    const { coordination, prefix, clock, random } = settings;
    const tell = (effect: Extract<RecoveryEffect, { readonly type: "decided" | "callPerson" }>): void =>
      this.#tell(effect);
    if (coordination === undefined) {
      this.#engine = new RecoveryEngine({ settings, state: newRecoveryState(), tell, onLost: (e) => this.#fail(e) });
      this.#done = Promise.resolve();
      return;
    }
    const store = (this.#store = new RecoveryStore(coordination, prefix, { clock, random }));
    const { signal } = this.#closing;
    this.#done = this.#insist(() =>
      serveTenure({ settings, coordination, store, tell, signal, onEngine: (engine) => (this.#engine = engine) }),
    );
  }

  get isActing(): boolean {
    return this.#engine !== undefined && !this.#closing.signal.aborted;
  }

  get metrics(): RecoveryMetrics {
    return {
      decisions: { ...this.#decisions },
      personsCalled: this.#personsCalled,
      running: this.#engine?.running ?? 0,
      listenerFailures: this.#listenerFailures,
    };
  }

  async report(failure: FailureReport): Promise<void> {
    await this.#send({ type: "failed", failure: readReport(failure, this.#settings.priorities) });
  }

  async recovered(
    target: string,
    { type, because = "it is told to be well" }: { readonly type?: string; readonly because?: string } = {},
  ): Promise<void> {
    checkName("recovered.target", target);
    if (type !== undefined) checkName("recovered.type", type);
    await this.#send({ type: "recovered", target, failure: type ?? null, because: because.slice(0, 500) });
  }

  async acknowledge(
    target: string,
    { by, comment = "" }: { readonly by: string; readonly comment?: string },
  ): Promise<void> {
    checkName("acknowledge.target", target);
    checkName("acknowledge.by", by);
    await this.#send({ type: "acknowledged", target, by, comment: comment.slice(0, 500) });
  }

  async snapshot(): Promise<RecoverySnapshot> {
    const state = this.#store === undefined ? this.#engine?.state : await this.#store.load(this.#closing.signal);
    return snapshotOf(state ?? newRecoveryState(), this.isActing);
  }

  async close(): Promise<void> {
    const reason = new RecoveryError("RECOVERY_CLOSED");
    this.#closing.abort(reason);
    if (this.#store === undefined) await this.#engine?.close(reason);
    await this.#done;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #send(request: RecoveryRequest): Promise<void> {
    const { signal } = this.#closing;
    signal.throwIfAborted();
    if (this.#store === undefined) this.#engine?.feed(request);
    else await this.#store.send(request, signal);
  }

  #tell(effect: Extract<RecoveryEffect, { readonly type: "decided" | "callPerson" }>): void {
    const { telemetry, onDecision, onPersonWanted } = this.#settings;
    if (effect.type === "decided") {
      const { decision } = effect.entry;
      this.#decisions[decision] = (this.#decisions[decision] ?? 0) + 1;
      this.#shield(() => onDecision?.(effect.entry));
    } else {
      this.#personsCalled++;
      this.#shield(() => onPersonWanted?.(effect.call));
    }
    for (const fact of telemetry === undefined ? [] : recoveryFacts(effect)) telemetry?.publish(fact);
  }

  /** Runs what ends only when this is closed, again after whatever it fails with. */
  async #insist(work: () => Promise<unknown>): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        await work();
      } catch (error) {
        if (signal.aborted) return;
        if (!isHandedOver(error)) this.#fail(error);
      }
      await this.#settings.clock.sleep(500, { signal }).catch(() => undefined);
    }
  }

  #fail(error: unknown): void {
    this.#shield(() => this.#settings.onError?.(error));
  }

  /** What a listener throws is its own affair. */
  #shield(tell: () => void): void {
    try {
      tell();
    } catch {
      this.#listenerFailures++;
    }
  }
}

/** What happens to whoever is not heard of for a while: another one acts, and this one stands by again. */
function isHandedOver(error: unknown): boolean {
  return HoldfastError.is(error) && (error.code === "RECOVERY_HANDED_OVER" || error.code === "SESSION_LOST");
}

function snapshotOf(state: RecoveryState, isActing: boolean): RecoverySnapshot {
  const targets = [...state.targets.values()];
  return {
    isActing,
    open: targets.flatMap(({ tasks }) => tasks),
    closed: [...state.closed.values()].toSorted((one, other) => (one.closedAt ?? 0) - (other.closedAt ?? 0)),
    personsWanted: targets.flatMap(({ target, person }) => (person === null ? [] : [{ target, ...person }])),
  };
}
