import { setTimeout as delay } from "node:timers/promises";
import { circuitBreaker, fallback, pipeline, timeout } from "holdfast/resilience";
import { callDependency, type Dependency } from "./dependency-call.ts";

/** What the callers have seen so far. */
export interface CallRecord {
  calls: number;
  /** With whatever answer: the dependency's or the fallback's. */
  answered: number;
  fromDependency: number;
  slowestMs: number;
  /** Tries that reached out to the dependency. */
  attempts: number;
  /** When the dependency itself answered: monotonic milliseconds. */
  readonly answersAtMs: number[];
}

export interface ServiceCalls {
  readonly record: CallRecord;
  /** How many calls the breaker has kept from the dependency. */
  rejected(): number;
  /** Callers begin, each call after the other. */
  begin(callers: number): void;
  stop(): Promise<void>;
}

const pauseMs = 10;
/** How long calls that wait may still do so when the load is over. */
const graceMs = 2_000;
const settings = { attemptMs: 300, openMs: 500, failuresInARow: 5 } as const;

/** How the service answers one call, and what its breaker has kept from the dependency. */
interface Protection {
  answer(): Promise<"dependency" | "fallback">;
  rejected(): number;
}

/** A fallback, a breaker, a timeout. */
function policies(dependency: Dependency, record: CallRecord): Protection {
  const breaker = circuitBreaker({
    window: { kind: "consecutive", failures: settings.failuresInARow },
    openMs: settings.openMs,
  });
  const calls = pipeline(
    fallback(() => "fallback" as const),
    breaker,
    timeout({ timeoutMs: settings.attemptMs }),
  );
  return {
    answer: () =>
      calls.execute(async ({ signal }) => {
        record.attempts++;
        await callDependency(dependency, signal);
        return "dependency" as const;
      }),
    rejected: () => breaker.metrics.totals.rejected,
  };
}

/** It calls, waits as long as that takes, and fails when its dependency fails. */
function none(dependency: Dependency, record: CallRecord, giveUp: AbortSignal): Protection {
  return {
    async answer() {
      record.attempts++;
      await callDependency(dependency, giveUp);
      return "dependency";
    },
    rejected: () => 0,
  };
}

/** Calls of a dependency as a service makes them that has its policies in place, or none. */
export function serviceCalls(dependency: Dependency, isProtected: boolean): ServiceCalls {
  const record: CallRecord = { calls: 0, answered: 0, fromDependency: 0, slowestMs: 0, attempts: 0, answersAtMs: [] };
  const stopping = new AbortController();
  const givingUp = new AbortController();
  const protection = isProtected ? policies(dependency, record) : none(dependency, record, givingUp.signal);
  const callers: Promise<void>[] = [];

  async function call(): Promise<void> {
    const beganMs = performance.now();
    record.calls++;
    const answer = await protection.answer();
    const endedMs = performance.now();
    record.answered++;
    record.slowestMs = Math.max(record.slowestMs, endedMs - beganMs);
    if (answer !== "dependency") return;
    record.fromDependency++;
    record.answersAtMs.push(endedMs);
  }

  async function callAgainAndAgain(): Promise<void> {
    while (!stopping.signal.aborted) {
      // One that rejects was not answered: that is what is counted.
      await call().catch(() => undefined);
      await delay(pauseMs);
    }
  }

  return {
    record,
    rejected: () => protection.rejected(),
    begin: (count) => void callers.push(...Array.from({ length: count }, callAgainAndAgain)),
    async stop() {
      stopping.abort();
      const timer = setTimeout(() => givingUp.abort(), graceMs);
      await Promise.all(callers);
      clearTimeout(timer);
    },
  };
}
