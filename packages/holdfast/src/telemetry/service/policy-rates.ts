import type { PolicyView } from "../view/service-report.ts";
import type { PolicyNumbers } from "../metrics/record-policies.ts";

/** What a policy says of itself now; `policyReader` of `holdfast/resilience` gives these. */
export interface InstrumentedPolicy extends PolicyNumbers {
  /** The options that matter. */
  readonly options?: Readonly<Record<string, unknown>>;
}

/** Of the counts of a kind: which make up all calls, and which of them failed. What has no such counts is not here. */
const callCounts: Readonly<Record<string, { readonly all: readonly string[]; readonly failed: readonly string[] }>> = {
  circuitBreaker: { all: ["successes", "failures", "ignored", "rejected"], failed: ["failures", "rejected"] },
  rateLimiter: { all: ["granted", "rejected"], failed: ["rejected"] },
  cache: {
    all: ["hits", "misses", "joined", "staleWhileRevalidate", "staleWhileError", "negativeHits"],
    failed: ["loadFailures"],
  },
  degradableService: { all: ["fullCalls", "degradedCalls"], failed: ["fullFailures", "degradedFailures"] },
};

const forcedStates: readonly string[] = ["forcedOpen", "disabled", "metricsOnly"];

interface Sample {
  readonly atMs: number;
  /** All calls and the failed ones, by policy. */
  readonly totals: ReadonlyMap<string, readonly [all: number, failed: number]>;
}

const windowMs = 10_000;

/** How often policies were called in the last ten seconds, told from what they counted a second after the other. */
export class PolicyRates {
  #samples: Sample[] = [];

  /** Takes note of the counts as they are. */
  sample(atMs: number, policies: readonly InstrumentedPolicy[]): void {
    const totals = new Map(
      policies.flatMap((policy) => {
        const names = callCounts[policy.kind];
        return names === undefined ? [] : [[keyOf(policy), totalsOf(policy, names)] as const];
      }),
    );
    this.#samples.push({ atMs, totals });
    // One that is older than the window stays: from it on everything is in the window.
    while (this.#samples.length > 2 && atMs - this.#samples[1]!.atMs >= windowMs) this.#samples.shift();
  }

  /** As of the last sample. */
  of(policy: InstrumentedPolicy): Pick<PolicyView, "callsPerSecond" | "failureRatio"> | undefined {
    const names = callCounts[policy.kind];
    if (names === undefined) return undefined;
    const key = keyOf(policy);
    const first = this.#samples.find(({ totals }) => totals.has(key));
    const before = first?.totals.get(key);
    const last = this.#samples.at(-1);
    if (first === undefined || before === undefined || last === undefined)
      return { callsPerSecond: 0, failureRatio: null };
    const [all, failed] = totalsOf(policy, names);
    // Less than before: it was reset.
    const calls = Math.max(0, all - before[0]);
    const spanMs = Math.max(1_000, last.atMs - first.atMs);
    return {
      callsPerSecond: (calls * 1_000) / spanMs,
      failureRatio: calls === 0 ? null : Math.min(1, Math.max(0, failed - before[1]) / calls),
    };
  }
}

/** Words that say of one kind what they deny of another: an open bulkhead takes calls, an open breaker does not. */
const shownStates: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  bulkhead: { open: "free", full: "busy", closed: "shut" },
  degradableService: { full: "whole", degraded: "degraded" },
};

const calmStates: readonly (string | null)[] = [null, "closed", "normal", "free", "whole"];

/** A policy's state as people read it beside those of other kinds. */
export function shownState({ kind, state }: InstrumentedPolicy): string | null {
  return state === null ? null : (shownStates[kind]?.[state] ?? state);
}

export function isCalm(state: string | null): boolean {
  return calmStates.includes(state);
}

export function isForced(state: string | null): boolean {
  return state !== null && forcedStates.includes(state);
}

const maxOptions = 50;
const maxOptionLength = 200;

/** `window.size: 100`: what has a short text, at any depth. */
export function flatOptions(options: Readonly<Record<string, unknown>>): Record<string, string> {
  const flat: Record<string, string> = {};
  const visit = (path: string, value: unknown, depth: number): void => {
    if (Object.keys(flat).length >= maxOptions) return;
    if (typeof value === "function") flat[path] = "a function";
    else if (typeof value === "string") flat[path] = value.slice(0, maxOptionLength);
    else if (typeof value === "number" || typeof value === "boolean") flat[path] = String(value);
    else if (typeof value === "object" && value !== null && depth < 4) {
      for (const [name, inner] of Object.entries(value))
        visit(path === "" ? name : `${path}.${name}`, inner, depth + 1);
    }
  };
  visit("", options, 0);
  return flat;
}

function keyOf({ kind, name }: InstrumentedPolicy): string {
  return `${kind} ${name}`;
}

function totalsOf(
  { counts }: InstrumentedPolicy,
  { all, failed }: { readonly all: readonly string[]; readonly failed: readonly string[] },
): readonly [all: number, failed: number] {
  const total = (names: readonly string[]): number => names.reduce((sum, name) => sum + (counts[name] ?? 0), 0);
  return [total(all), total(failed)];
}
