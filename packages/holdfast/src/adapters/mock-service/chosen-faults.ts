import type { ActiveFault } from "./active-fault.ts";
import type { MockFaultKind } from "./mock-fault.ts";

/** What strikes one request, by when it does. */
export interface ChosenFaults {
  /** One after the other, before anything else. */
  readonly waits: readonly ActiveFault[];
  /** What comes instead of the route's answer. */
  readonly instead: ActiveFault | undefined;
  /** What changes the answer. */
  readonly shapes: readonly ActiveFault[];
  /** How the answer breaks off. */
  readonly breakOff: ActiveFault | undefined;
  readonly pace: ActiveFault | undefined;
}

const waits: readonly MockFaultKind[] = ["latency", "hang"];
const insteads: readonly MockFaultKind[] = ["rateLimit", "status", "reset", "close", "garbage"];
const shapes: readonly MockFaultKind[] = ["wrongType", "malformedJson", "corruptBody"];
const breakOffs: readonly MockFaultKind[] = ["partialBody", "truncatedChunks", "reset"];

/**
 * All waits add up; of those that answer instead, and of those that break off, the one that began first has its way. What
 * has no place beside them is released.
 */
export function chooseFaults(drawn: readonly ActiveFault[]): ChosenFaults {
  const isLate = (fault: ActiveFault): boolean =>
    fault.kind === "reset" && fault.parameters["when"] !== "beforeHeaders";
  const instead = drawn.find((fault) => insteads.includes(fault.kind) && !isLate(fault));
  const hasAnswer = instead === undefined || instead.kind === "status" || instead.kind === "rateLimit";
  const rest = hasAnswer ? drawn : [];
  const chosen: ChosenFaults = {
    waits: drawn.filter(({ kind }) => waits.includes(kind)),
    instead,
    shapes: rest.filter(({ kind }) => shapes.includes(kind)),
    breakOff: rest.find((fault) => breakOffs.includes(fault.kind) && (fault.kind !== "reset" || isLate(fault))),
    pace: rest.find(({ kind }) => kind === "slowBody"),
  };
  const used = [...chosen.waits, ...chosen.shapes, chosen.instead, chosen.breakOff, chosen.pace];
  for (const fault of drawn) if (!used.includes(fault)) fault.release();
  return chosen;
}

/** What still strikes after the waits: not what has ended meanwhile, and nothing where nobody is left. */
export function stillChosen(chosen: ChosenFaults, isGone: boolean): ChosenFaults {
  const isOn = (fault: ActiveFault): boolean => {
    if (!isGone && !fault.ended.aborted) return true;
    fault.release();
    return false;
  };
  const on = (fault: ActiveFault | undefined): ActiveFault | undefined =>
    fault !== undefined && isOn(fault) ? fault : undefined;
  return {
    waits: [],
    instead: on(chosen.instead),
    shapes: chosen.shapes.filter(isOn),
    breakOff: on(chosen.breakOff),
    pace: on(chosen.pace),
  };
}
