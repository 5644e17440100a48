import { checkFunction, checkInteger, checkNumber, InvalidArgumentError } from "../../errors/base.ts";
import { systemClock, type Clock, type Timer } from "../../runtime/system.ts";
import type { HealingOrder } from "./healing-action.ts";
import type { HealingDecision, HealingOutcome } from "./healing-decision.ts";
import { createHealing, recheckOrder, stepHealing, type HealingInput } from "./healing.ts";
import type { HealingOptions } from "./healing-options.ts";
import type { Observation } from "./observed-cluster.ts";

export interface HealingResult {
  readonly outcome: HealingOutcome;
  /** Why it was not done. */
  readonly reason?: string;
}

/** How healing sees a cluster and lays hands on it. */
export interface HealingPorts {
  /** The cluster as it is now; undefined when it cannot be seen from here, or another one heals it. */
  observe(signal: AbortSignal): Promise<Observation | undefined>;
  /**
   * Does one thing. A change of the members is for the leader to make, and only while `seen` are the members; when they
   * are not, the action is `refused`. One that throws has failed. `recheck` tells what speaks against it by a new look,
   * to be asked at the last moment.
   */
  act(
    order: HealingOrder,
    options: { readonly signal: AbortSignal; readonly recheck: (observation: Observation) => string | undefined },
  ): Promise<HealingResult>;
}

export interface HealClusterOptions extends HealingOptions {
  readonly ports: HealingPorts;
  readonly clock?: Clock;
  /** Between two looks, in milliseconds >= 1. Default 1 000. */
  readonly everyMs?: number;
  /** A look that takes longer is none. Default 5 000. */
  readonly observeTimeoutMs?: number;
  /** An action that takes longer is given up, its outcome unknown. Default 60 000. */
  readonly actTimeoutMs?: number;
  /** Decisions kept. Default 1 000. */
  readonly maxRecord?: number;
  readonly onDecision?: (decision: HealingDecision) => void;
  /** What a look or an action failed with, for whoever debugs the ports. */
  readonly onError?: (error: unknown) => void;
}

/** Heals a cluster until closed. */
export interface Healer {
  /** Oldest first. */
  readonly record: readonly HealingDecision[];
  /** Undefined before the first look. */
  readonly observation: Observation | undefined;
  /** A person has looked: limits begin anew. */
  acknowledge(): void;
  /** Looks no more, and aborts what is being done. Idempotent. */
  close(): void;
}

/** Looks at a cluster again and again, and does one thing after the other until it is as desired. */
export function healCluster(options: HealClusterOptions): Healer {
  const { ports, clock, everyMs, observeTimeoutMs, actTimeoutMs, maxRecord, onDecision, onError, ...healingOptions } = {
    everyMs: 1_000,
    observeTimeoutMs: 5_000,
    actTimeoutMs: 60_000,
    maxRecord: 1_000,
    clock: systemClock,
    ...options,
  };
  checkNumber("healing.everyMs", everyMs, 1);
  checkNumber("healing.observeTimeoutMs", observeTimeoutMs, 1);
  checkNumber("healing.actTimeoutMs", actTimeoutMs, 1);
  checkInteger("healing.maxRecord", maxRecord, 1);
  checkFunction("healing.onDecision", onDecision);
  checkFunction("healing.onError", onError);
  if (typeof ports?.observe !== "function" || typeof ports.act !== "function") {
    throw new InvalidArgumentError("healing.ports", "must have observe and act", ports);
  }
  const healing = createHealing(healingOptions);
  const record: HealingDecision[] = [];
  const closing = new AbortController();
  let timer: Timer | undefined;
  let isFirst = true;

  function take(input: HealingInput): void {
    const { order, decisions } = stepHealing(healing, input);
    for (const decision of decisions) {
      record.push(decision);
      if (record.length > maxRecord) record.shift();
      told(() => onDecision?.(decision));
    }
    if (order !== undefined) void perform(order);
  }

  async function perform(order: HealingOrder): Promise<void> {
    const timeout = new AbortController();
    const limit = clock.setTimer(actTimeoutMs, () => timeout.abort(new Error("it took too long")));
    const signal = AbortSignal.any([timeout.signal, closing.signal]);
    let outcome: HealingOutcome = "failed";
    let reason: string | null = null;
    try {
      const recheck = (observation: Observation): string | undefined =>
        recheckOrder(healing, order, { atMs: clock.now(), observation });
      const result = await orAborted(ports.act(order, { signal, recheck }), signal);
      outcome = result.outcome;
      reason = outcome === "done" ? null : (result.reason ?? null);
    } catch (error) {
      outcome = signal.aborted ? "unknown" : "failed";
      reason = error instanceof Error ? error.message : String(error);
      told(() => onError?.(error));
    } finally {
      limit.cancel();
    }
    if (!closing.signal.aborted) take({ type: "ended", atMs: clock.now(), outcome, reason });
  }

  async function look(): Promise<void> {
    const timeout = new AbortController();
    const limit = clock.setTimer(observeTimeoutMs, () => timeout.abort(new Error("the look took too long")));
    const signal = AbortSignal.any([timeout.signal, closing.signal]);
    try {
      const observation = await orAborted(ports.observe(signal), signal);
      if (closing.signal.aborted) return;
      if (observation !== undefined) take({ type: "observed", atMs: clock.now(), observation, isFirst });
      isFirst = observation === undefined;
    } catch (error) {
      isFirst = true;
      if (!closing.signal.aborted) told(() => onError?.(error));
    } finally {
      limit.cancel();
    }
    if (!closing.signal.aborted) timer = clock.setTimer(everyMs, () => void look());
  }

  timer = clock.setTimer(0, () => void look());
  return {
    record,
    get observation() {
      return healing.observation;
    },
    acknowledge: () => take({ type: "acknowledged" }),
    close() {
      timer?.cancel();
      closing.abort(new Error("healing was closed"));
    },
  };
}

/** Healing must not end because a listener throws. */
function told(tell: () => void): void {
  try {
    tell();
  } catch {
    // Its own trouble.
  }
}

/** A port that does not listen to its signal must not hold healing up for ever. */
function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const onAbort = (): void => reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  work.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  return promise;
}
