import type { Random } from "holdfast/runtime";
import type { FaultKind, Parameters } from "./parameters.ts";

/** One fault, at its moment and of its length. `targets` are member numbers; the leader's are chosen when it happens. */
export interface FaultEvent {
  readonly atMs: number;
  readonly kind: FaultKind;
  readonly targets: readonly number[];
  readonly forMs: number;
}

/** Draws what will go wrong, all of it before the run begins, so that faults can be left out one by one. */
export function drawSchedule(random: Random, parameters: Parameters): FaultEvent[] {
  const { members, busyMs, faultEveryMs, faultKinds } = parameters;
  const events: FaultEvent[] = [];
  if (faultKinds.length === 0) return events;
  for (let atMs = exponential(random, faultEveryMs); atMs < busyMs; atMs += exponential(random, faultEveryMs)) {
    const kind = faultKinds[random.integer(0, faultKinds.length - 1)]!;
    const some = Array.from({ length: members }, (_, member) => member).filter(() => random.next() < 0.5);
    const inGroups = kind === "partition" || kind === "oneWay" || kind === "bridge";
    const targets = inGroups ? some : [random.integer(0, members - 1)];
    const forMs = Math.round(exponential(random, parameters.electionTimeoutMs * [0.5, 2, 6][random.integer(0, 2)]!));
    events.push({ atMs: Math.round(atMs), kind, targets, forMs });
  }
  return events;
}

function exponential(random: Random, mean: number): number {
  return -Math.log(1 - random.next()) * mean;
}

const chosenLater: Partial<Record<FaultKind, string>> = {
  crashLeader: "the leader",
  isolateLeader: "the leader",
  slowLeader: "the leader",
  crashNewLeader: "the next leader",
  crashVoter: "the next to vote",
  crashAll: "all",
};

export function describeFault({ atMs, kind, targets, forMs }: FaultEvent): string {
  const whom = chosenLater[kind] ?? targets.map((target) => `n${target}`).join(" ");
  return `at ${atMs} ms: ${kind} ${whom} for ${forMs} ms`;
}
