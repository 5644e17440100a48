import { InvalidArgumentError } from "./invalid-argument.ts";
import { checkNumber, checkOptionNames } from "./check-options.ts";

export interface ThresholdOptions {
  /** Exceeded from so many in the window on: > 0. */
  readonly raiseAt: number;
  /** Exceeded until no more than so many are left: 0 up to below `raiseAt`. Default half of `raiseAt`. */
  readonly clearAt?: number;
}

/** When something is exceeded: two levels, so that a count around one of them does not flap. */
export class Threshold {
  readonly raiseAt: number;
  readonly clearAt: number;

  /** @throws InvalidArgumentError; `name` is the option's */
  constructor(name: string, options: ThresholdOptions) {
    checkOptionNames(name, options, ["raiseAt", "clearAt"]);
    this.raiseAt = checkNumber(`${name}.raiseAt`, options.raiseAt, Number.MIN_VALUE);
    this.clearAt = checkNumber(`${name}.clearAt`, options.clearAt ?? this.raiseAt / 2, 0);
    if (this.clearAt >= this.raiseAt) {
      throw new InvalidArgumentError(`${name}.clearAt`, `must be below raiseAt (${this.raiseAt})`, this.clearAt);
    }
  }

  /** Whether this count exceeds, for whoever did or did not exceed before. */
  holds(count: number, exceeded: boolean): boolean {
    return exceeded ? count > this.clearAt : count >= this.raiseAt;
  }
}
