import { checkInteger, checkNumber, InvalidArgumentError } from "../errors/base.ts";

/** What a schedule is told when it must say how long to wait. */
export interface ScheduleInput {
  /** The try that has just failed: 1, 2, … */
  readonly attempt: number;
  /** Since the execution began, milliseconds. */
  readonly elapsedMs: number;
  /** What that try threw; undefined when its result was refused. */
  readonly error: unknown;
}

export interface ScheduleStep {
  /** How long to wait before the next try, milliseconds. */
  readonly delayMs: number;
  /** The schedule of everything after that try. */
  readonly rest: Schedule;
}

/**
 * When to try again, as a value: it has no clock and no state, so one schedule serves any number of executions at a time
 * and combines with others. Each step gives the next delay and the schedule that follows it; no step ends the tries.
 */
export interface Schedule {
  next(input: ScheduleInput): ScheduleStep | undefined;
  /** Whether it looks at `elapsedMs`; when nothing does, nobody reads the clock for it. */
  readonly timed: boolean;
}

/** A schedule that never tries again. */
export const never: Schedule = { timed: false, next: () => undefined };

/** A schedule from a state and what follows from it: `step` gives a delay and the next state. */
export function unfold<State>(state: State, step: (state: State) => readonly [delayMs: number, next: State]): Schedule {
  return {
    timed: false,
    next: () => {
      const [delayMs, following] = step(state);
      return { delayMs, rest: unfold(following, step) };
    },
  };
}

/** All of the first, then all of the next, and so on. `sequence()` is `never`. */
export function sequence(...schedules: readonly Schedule[]): Schedule {
  return schedules.reduceRight((after, first) => followedBy(first, after), never);
}

function followedBy(first: Schedule, after: Schedule): Schedule {
  if (after === never) return first;
  return {
    timed: first.timed || after.timed,
    next: (input) => {
      const step = first.next(input);
      return step === undefined ? after.next(input) : { delayMs: step.delayMs, rest: followedBy(step.rest, after) };
    },
  };
}

/** Goes on while either does, after the shorter delay. */
export function union(one: Schedule, other: Schedule): Schedule {
  return {
    timed: one.timed || other.timed,
    next: (input) => {
      const a = one.next(input);
      const b = other.next(input);
      if (a === undefined || b === undefined) return a ?? b;
      return { delayMs: Math.min(a.delayMs, b.delayMs), rest: union(a.rest, b.rest) };
    },
  };
}

/** Goes on while both do, after the longer delay. */
export function intersection(one: Schedule, other: Schedule): Schedule {
  return {
    timed: one.timed || other.timed,
    next: (input) => {
      const a = one.next(input);
      const b = a === undefined ? undefined : other.next(input);
      if (a === undefined || b === undefined) return undefined;
      return { delayMs: Math.max(a.delayMs, b.delayMs), rest: intersection(a.rest, b.rest) };
    },
  };
}

/**
 * At most the first `retries` steps: so many further tries.
 *
 * @throws InvalidArgumentError unless `retries` is an integer >= 0
 */
export function upToRetries(schedule: Schedule, retries: number): Schedule {
  return firstSteps(schedule, checkInteger("upToRetries.retries", retries, 0));
}

function firstSteps(schedule: Schedule, left: number): Schedule {
  if (left === 0) return never;
  return {
    timed: schedule.timed,
    next: (input) => {
      const step = schedule.next(input);
      return step && { delayMs: step.delayMs, rest: firstSteps(step.rest, left - 1) };
    },
  };
}

/**
 * As long as the next try begins less than `elapsedMs` after the execution began.
 *
 * @throws InvalidArgumentError unless `elapsedMs` is a number >= 0
 */
export function upToElapsed(schedule: Schedule, elapsedMs: number): Schedule {
  checkNumber("upToElapsed.elapsedMs", elapsedMs, 0);
  return {
    timed: true,
    next: (input) => {
      const step = schedule.next(input);
      if (step === undefined || input.elapsedMs + step.delayMs >= elapsedMs) return undefined;
      return { delayMs: step.delayMs, rest: upToElapsed(step.rest, elapsedMs) };
    },
  };
}

/** What may be given where a schedule is wanted: one, its delays one by one, or a function that says each. */
export type ScheduleLike = Schedule | Iterable<number> | ((input: ScheduleInput) => number | undefined);

/**
 * A schedule of what was given. Delays of an iterable are taken as they are needed and remembered, so that a generator
 * serves many executions; where it ends, the tries end. A function ends them by returning undefined.
 *
 * @throws InvalidArgumentError naming `name` for anything else
 */
export function toSchedule(name: string, given: ScheduleLike): Schedule {
  if (typeof given === "function") return byFunction(given);
  if (typeof given === "object" && given !== null) {
    if (Symbol.iterator in given) return fromIterator(given);
    if (typeof given.next === "function") return given;
  }
  throw new InvalidArgumentError(name, "must be a schedule, an iterable of delays or a function", given);
}

function byFunction(delayOf: (input: ScheduleInput) => number | undefined): Schedule {
  const schedule: Schedule = {
    timed: true,
    next: (input) => {
      const delayMs = delayOf(input);
      return delayMs === undefined ? undefined : { delayMs, rest: schedule };
    },
  };
  return schedule;
}

function fromIterator(delays: Iterable<number>): Schedule {
  let iterator: Iterator<number> | undefined;
  const node = (): Schedule => {
    let step: ScheduleStep | "end" | undefined;
    return {
      timed: false,
      next: () => {
        if (step === undefined) {
          iterator ??= delays[Symbol.iterator]();
          const { done, value } = iterator.next();
          step = done === true ? "end" : { delayMs: value, rest: node() };
        }
        return step === "end" ? undefined : step;
      },
    };
  };
  return node();
}
