import type { HistoryMessage } from "holdfast/telemetry";
import type { ClusterHistory } from "./cluster-history.ts";
import { historyStepMs, historySteps, type HistoryRing } from "./history-ring.ts";
import { memberColumns, type MemberRing } from "./member-history.ts";

/** The latest ten minutes as they were; of what is older the greatest of each three steps, at which the page keeps it. */
const fineSteps = 120;
const coarseSteps = 3;
/** Of one message: about 120 kB. */
const policiesPerMessage = 8;
const [commitAt, appliedAt, residentAt] = (["commitIndex", "appliedIndex", "residentBytes"] as const).map((name) =>
  memberColumns.indexOf(name),
) as [number, number, number];

/** A point of a message: the steps that it stands for. */
interface Span {
  readonly from: number;
  readonly to: number;
}

type Value = number | null;

/** All that is remembered, in so many messages that none keeps a page, or whoever writes it, long. */
export function* historyMessages(
  { members, policies }: Pick<ClusterHistory, "members" | "policies">,
  newest: number,
): Generator<HistoryMessage> {
  const rings = [...members.values()];
  const remembered = policies.all().toReversed();
  const spans = spansOf([...rings, ...remembered.map(({ ring }) => ring)], newest);
  if (spans.length === 0) return;
  const times = spans.map(({ from }) => from * historyStepMs);
  const cluster = {
    commitsPerSecond: column(spans, (step) => commitsPerSecond(rings, step)),
    lagEntries: column(spans, (step) => greatestLag(rings, step)),
    residentBytes: column(spans, (step) => extreme(rings, residentAt, step, Math.max)),
  };
  yield { type: "history", times, cluster, policies: [] };
  for (let at = 0; at < remembered.length; at += policiesPerMessage) {
    const some = remembered.slice(at, at + policiesPerMessage).map(({ service, kind, name, ring }) => ({
      service,
      kind,
      name,
      callsPerSecond: valuesOf(ring, 0, spans),
      failedPerSecond: valuesOf(ring, 1, spans),
      p50: valuesOf(ring, 2, spans),
      p90: valuesOf(ring, 3, spans),
      p99: valuesOf(ring, 4, spans),
    }));
    yield { type: "history", times, cluster: null, policies: some };
  }
}

/** From the first step of which something is known to the last; what nobody knows in between is a point without values. */
function spansOf(rings: readonly HistoryRing<readonly (Float32Array | Float64Array)[]>[], newest: number): Span[] {
  const firsts = rings.map(({ first }) => first).filter((step) => !Number.isNaN(step));
  const lasts = rings.map(({ last }) => last).filter((step) => !Number.isNaN(step));
  const to = Math.min(newest, Math.max(...lasts));
  const spans: Span[] = [];
  for (let step = Math.max(Math.min(...firsts), newest - historySteps + 1); step <= to;) {
    const isFine = step > to - fineSteps;
    const end = isFine ? step : Math.min(to - fineSteps, step - (step % coarseSteps) + coarseSteps - 1);
    spans.push({ from: step, to: end });
    step = end + 1;
  }
  return spans;
}

function valuesOf(
  ring: HistoryRing<readonly (Float32Array | Float64Array)[]>,
  which: number,
  spans: readonly Span[],
): Value[] {
  return column(spans, (step) => ring.value(which, step));
}

function column(spans: readonly Span[], valueAt: (step: number) => number): Value[] {
  return spans.map(({ from, to }) => {
    let most = Number.NEGATIVE_INFINITY;
    for (let step = from; step <= to; step++) {
      const value = valueAt(step);
      // NaN is greater than nothing.
      if (value > most) most = value;
    }
    return most === Number.NEGATIVE_INFINITY ? null : Number(most.toPrecision(4));
  });
}

/** Since the step before; NaN where nobody knows one of them. */
function commitsPerSecond(rings: readonly MemberRing[], step: number): number {
  const more = extreme(rings, commitAt, step, Math.max) - extreme(rings, commitAt, step - 1, Math.max);
  return Math.max(0, (more * 1_000) / historyStepMs);
}

function greatestLag(rings: readonly MemberRing[], step: number): number {
  const committed = extreme(rings, commitAt, step, Math.max);
  return Math.max(0, committed - extreme(rings, appliedAt, step, Math.min));
}

function extreme(
  rings: readonly MemberRing[],
  which: number,
  step: number,
  pick: (one: number, other: number) => number,
): number {
  let found = Number.NaN;
  for (const ring of rings) {
    const value = ring.value(which, step);
    if (!Number.isNaN(value)) found = Number.isNaN(found) ? value : pick(found, value);
  }
  return found;
}
