import type { DrillMeasures, DrillSeries } from "holdfast/proof";

/** One call of a service: times are monotonic milliseconds. */
export interface LoggedCall {
  /** When a user would have made it. */
  readonly dueMs: number;
  readonly endedMs: number;
  readonly isAnswered: boolean;
}

/** A fault, from its beginning until it was taken back. */
export interface FaultSpan {
  readonly fromMs: number;
  toMs: number;
  /** From then on the service was well again; undefined when that was not seen. */
  wellMs: number | undefined;
}

/** A service is well again once nothing that came due in so long has failed. */
const calmMs = 500;
const bucketMs = 250;
/** Beyond it calls are no longer kept one by one; they are counted all the same. */
const maxCalls = 400_000;

/** What the callers of a service have seen, told apart by what was going on. */
export class CallLog {
  readonly #calls: LoggedCall[] = [];
  readonly #spans: FaultSpan[] = [];
  #beganMs: number | undefined;

  /** In the order in which they end. */
  add(call: LoggedCall): void {
    this.#beganMs ??= call.dueMs;
    if (this.#calls.length < maxCalls) this.#calls.push(call);
  }

  get hasAnswer(): boolean {
    return this.#calls.some(({ isAnswered }) => isAnswered);
  }

  begin(fromMs: number): FaultSpan {
    const span: FaultSpan = { fromMs, toMs: Number.POSITIVE_INFINITY, wellMs: undefined };
    this.#spans.push(span);
    return span;
  }

  /** When the service was well again after a moment: what was called from then on was answered, for a while until now. */
  wellSince(sinceMs: number, nowMs: number): number | undefined {
    let lastFailureMs = sinceMs;
    let answeredMs = Number.NEGATIVE_INFINITY;
    for (let at = this.#calls.length - 1; at >= 0; at--) {
      const { dueMs, endedMs, isAnswered } = this.#calls[at]!;
      if (endedMs < sinceMs) break;
      // What fails may have been called long before, and tells of now.
      if (!isAnswered) {
        lastFailureMs = endedMs;
        break;
      }
      answeredMs = Math.max(answeredMs, dueMs);
    }
    return nowMs - lastFailureMs >= calmMs && answeredMs >= lastFailureMs ? lastFailureMs : undefined;
  }

  /** Those of faults, of what came after the last of them, and how long it took to get there. */
  measures(): DrillMeasures {
    const during = this.#calls.filter(({ dueMs }) =>
      this.#spans.some(({ fromMs, toMs }) => dueMs >= fromMs && dueMs < toMs),
    );
    const firstMs = Math.min(...this.#spans.map(({ fromMs }) => fromMs));
    const before = this.#calls.filter(({ dueMs }) => dueMs < firstMs);
    const recoveries = this.#spans.map(({ toMs, wellMs }) => (wellMs === undefined ? undefined : wellMs - toMs));
    const isWell = recoveries.length > 0 && recoveries.every((each) => each !== undefined);
    const wellMs = Math.max(...this.#spans.map((span) => span.wellMs ?? Number.POSITIVE_INFINITY));
    const after = isWell ? this.#calls.filter(({ dueMs }) => dueMs >= wellMs) : [];
    return {
      beforeP99Ms: quantile(before, 0.99),
      faultCalls: during.length,
      faultAnsweredRatio: ratio(during),
      faultP50Ms: quantile(during, 0.5),
      faultP99Ms: quantile(during, 0.99),
      recoveredMs: isWell ? rounded(Math.max(...recoveries)) : null,
      callsAfter: after.length,
      errorsAfter: after.length === 0 ? null : after.filter(({ isAnswered }) => !isAnswered).length,
      slowestCallMs: quantile(this.#calls, 1),
    };
  }

  series(): readonly DrillSeries[] {
    const began = this.#beganMs ?? 0;
    const buckets = Map.groupBy(this.#calls, ({ dueMs }) => Math.floor((dueMs - began) / bucketMs));
    const last = Math.max(-1, ...buckets.keys());
    const at = Array.from({ length: last + 1 }, (_, index) => [index * bucketMs, buckets.get(index) ?? []] as const);
    const perSecond = 1_000 / bucketMs;
    const count = (calls: readonly LoggedCall[], isAnswered: boolean): number =>
      calls.filter((call) => call.isAnswered === isAnswered).length * perSecond;
    return [
      { name: "answered", unit: "a second", points: at.map(([ms, calls]) => [ms, count(calls, true)] as const) },
      { name: "not answered", unit: "a second", points: at.map(([ms, calls]) => [ms, count(calls, false)] as const) },
      { name: "slowest", unit: "ms", points: at.map(([ms, calls]) => [ms, quantile(calls, 1) ?? 0] as const) },
    ];
  }
}

/** From when they were due, answered or not: whoever waits for a failure waits, too. */
function quantile(calls: readonly LoggedCall[], share: number): number | null {
  const waits = calls.map(({ dueMs, endedMs }) => endedMs - dueMs).sort((left, right) => left - right);
  const at = Math.max(0, Math.ceil(share * waits.length) - 1);
  return waits[at] === undefined ? null : rounded(waits[at]);
}

function ratio(calls: readonly LoggedCall[]): number | null {
  return calls.length === 0 ? null : calls.filter(({ isAnswered }) => isAnswered).length / calls.length;
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}
