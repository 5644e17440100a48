import type { Random } from "holdfast/runtime";

/** One machine, and the member that lives on it. What is true of it, whoever knows. */
export interface Machine {
  readonly id: string;
  kind: "voter" | "learner";
  /** The process runs, from this time on; infinity while it does not. */
  runsFrom: number;
  /** Nothing of it will ever come back. */
  isDestroyed: boolean;
  /** It stands still until then. */
  pausedUntil: number;
  slowUntil: number;
  fullUntil: number;
  /** A learner has everything from this time on. */
  caughtUpAt: number;
  /** The load it bears, if any is measured. */
  load: number | null;
}

export function newMachine(id: string, kind: Machine["kind"], runsFrom: number): Machine {
  return {
    id,
    kind,
    runsFrom,
    isDestroyed: false,
    pausedUntil: 0,
    slowUntil: 0,
    fullUntil: 0,
    caughtUpAt: 0,
    load: null,
  };
}

/** Whether it takes part now, could it be reached. */
export function isLive({ runsFrom, isDestroyed, pausedUntil }: Machine, nowMs: number): boolean {
  return runsFrom <= nowMs && !isDestroyed && pausedUntil <= nowMs;
}

/** Uniform. */
export function between(random: Random, least: number, most: number): number {
  return least + random.next() * (most - least);
}

export function pick<T>(random: Random, values: readonly T[]): T | undefined {
  return values.length === 0 ? undefined : values[random.integer(0, values.length - 1)];
}
