import type { PolicyView, ServiceReport } from "holdfast/telemetry";
import type { StateTime } from "./state-times.ts";

/** One policy of a service, as all instances together have it. */
export interface PolicyGroup {
  /** Unique: service, kind and name. */
  readonly key: string;
  readonly service: string;
  readonly kind: string;
  readonly name: string;
  readonly instances: readonly PolicyInstance[];
  /** The worst state of any instance; null where there are no states. */
  readonly state: string | null;
  /** How many instances are in that state. */
  readonly inState: number;
  readonly isForced: boolean;
  readonly callsPerSecond: number;
  /** Of the calls of all instances; null when there were none. */
  readonly failureRatio: number | null;
  /** Of the slowest instance: quantiles of several cannot be added up. */
  readonly durationMs: PolicyView["durationMs"];
  readonly tone: PolicyTone;
  /** Since when it is in its state, as far as the page has seen; null until it knows. */
  readonly since: StateTime | null;
  /** When the first of the open breakers lets calls through again, by the page's clock; null where none is open. */
  readonly halfOpenAtMs: number | null;
}

export interface PolicyInstance {
  readonly instance: string;
  readonly policy: PolicyView;
}

export type PolicyTone = "bad" | "warn" | "good" | "idle";

/** Worst first; a state that is not here is somewhere between. */
const stateRanks: { readonly [state: string]: number } = {
  open: 4,
  forcedOpen: 4,
  full: 4,
  halfOpen: 3,
  rampUp: 3,
  partial: 3,
  degraded: 3,
  busy: 3,
  shut: 3,
  free: 1,
  whole: 1,
  closed: 1,
  normal: 1,
};

/** Groups the policies of all instances; the worst first, then the busiest, and what is alike by name. */
export function policyGroups(reports: readonly ServiceReport[]): PolicyGroup[] {
  const groups = new Map<string, PolicyInstance[]>();
  for (const { service, instance, policies } of reports) {
    for (const policy of policies) {
      const key = policyKey(service, policy.kind, policy.name);
      const instances = groups.get(key);
      if (instances === undefined) groups.set(key, [{ instance, policy }]);
      else instances.push({ instance, policy });
    }
  }
  return Array.from(groups, ([key, instances]) => groupOf(key, instances)).sort(
    (a, b) => weight(b) - weight(a) || byName.compare(a.name, b.name) || byName.compare(a.key, b.key),
  );
}

const byName = new Intl.Collator("en", { numeric: true });

export function policyKey(service: string, kind: string, name: string): string {
  return [service, kind, name].map(encodeURIComponent).join("/");
}

function groupOf(key: string, instances: readonly PolicyInstance[]): PolicyGroup {
  const [service = "", kind = "", name = ""] = key.split("/").map(decodeURIComponent);
  const policies = instances.map(({ policy }) => policy);
  const states = policies.flatMap(({ state }) => (state === null ? [] : [state]));
  const state = states.reduce<string | null>(
    (worst, each) => (rankOf(each) > rankOf(worst) ? each : worst),
    states[0] ?? null,
  );
  const callsPerSecond = policies.reduce((sum, policy) => sum + policy.callsPerSecond, 0);
  const failed = policies.reduce((sum, policy) => sum + policy.callsPerSecond * (policy.failureRatio ?? 0), 0);
  const failureRatio =
    callsPerSecond > 0
      ? failed / callsPerSecond
      : (policies.find((p) => p.failureRatio !== null)?.failureRatio ?? null);
  const isForced = policies.some((policy) => policy.isForced);
  return {
    key,
    service,
    kind,
    name,
    instances,
    state,
    inState: states.filter((each) => each === state).length,
    isForced,
    callsPerSecond,
    failureRatio,
    durationMs: slowest(policies),
    tone: toneOf(rankOf(state), failureRatio, callsPerSecond),
    since: null,
    halfOpenAtMs: null,
  };
}

function rankOf(state: string | null): number {
  if (state === null) return 0;
  return (Object.hasOwn(stateRanks, state) ? stateRanks[state] : undefined) ?? 2;
}

const failingFrom = { warn: 0.05, bad: 0.5 } as const;

function toneOf(rank: number, failureRatio: number | null, callsPerSecond: number): PolicyTone {
  if (rank >= 4 || (failureRatio ?? 0) >= failingFrom.bad) return "bad";
  if (rank === 3 || (failureRatio ?? 0) >= failingFrom.warn) return "warn";
  return callsPerSecond > 0 ? "good" : "idle";
}

function slowest(policies: readonly PolicyView[]): PolicyView["durationMs"] {
  let worst: PolicyView["durationMs"] = null;
  for (const { durationMs } of policies) {
    if (durationMs !== null && (worst === null || durationMs.p99 > worst.p99)) worst = durationMs;
  }
  return worst;
}

const toneWeights = { bad: 3, warn: 2, good: 1, idle: 0 } as const;

/** Powers of four only: tiles that are about as busy keep their places. */
function weight({ tone, failureRatio, callsPerSecond }: PolicyGroup): number {
  const failures = magnitude(callsPerSecond * (failureRatio ?? 0));
  return toneWeights[tone] * 10_000 + failures * 100 + magnitude(callsPerSecond);
}

/**
 * The same, and what is as well or as ill as before keeps its place: tiles move when something gets better or worse, not
 * with every call.
 */
export function keptInPlace(groups: readonly PolicyGroup[], before: readonly PolicyGroup[]): PolicyGroup[] {
  const places = new Map(before.map(({ key, tone }, at) => [`${tone} ${key}`, at]));
  const placeOf = ({ key, tone }: PolicyGroup): number => places.get(`${tone} ${key}`) ?? before.length;
  return groups.toSorted((a, b) => toneWeights[b.tone] - toneWeights[a.tone] || placeOf(a) - placeOf(b));
}

function magnitude(perSecond: number): number {
  return perSecond < 0.01 ? 0 : Math.min(20, Math.max(1, 5 + Math.floor(Math.log2(perSecond) / 2)));
}
