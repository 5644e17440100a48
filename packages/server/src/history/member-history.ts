import type { Clock } from "holdfast/runtime";
import type { StatusDocument } from "../http/member-status.ts";
import { HistoryRing, historyStepMs, historySteps, setBackSteps, stepOf } from "./history-ring.ts";

/** What a member remembers of itself, in this order. */
export const memberColumns = ["commitIndex", "appliedIndex", "residentBytes"] as const;

export type MemberRing = HistoryRing<readonly Float64Array[]>;

export interface MemberHistory {
  readonly ring: MemberRing;
  close(): void;
}

/** 35 kB. */
export function memberRing(): MemberRing {
  return new HistoryRing(memberColumns.map(() => new Float64Array(historySteps)));
}

/** Remembers a member's own numbers for two hours, whether somebody watches or not: a look at every step of its clock. */
export function memberHistory(clock: Clock, read: () => StatusDocument["member"]): MemberHistory {
  const ring = memberRing();
  let timer = clock.setTimer(untilNext(clock), look);

  function look(): void {
    timer = clock.setTimer(untilNext(clock), look);
    const step = stepOf(clock.wallTime());
    if (step < ring.last - setBackSteps) ring.clear();
    const place = ring.place(step);
    if (place === undefined) return;
    const numbers = read();
    for (const [at, name] of memberColumns.entries()) ring.columns[at]![place] = numbers[name];
  }

  return { ring, close: () => timer.cancel() };
}

/** A millisecond more: a timer that comes too early would look at the same step twice, and leave out the next. */
function untilNext(clock: Clock): number {
  return historyStepMs - (clock.wallTime() % historyStepMs) + 1;
}
