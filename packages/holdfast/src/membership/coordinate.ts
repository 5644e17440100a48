import type { RandomSource } from "../runtime/system.ts";

/** Where a member is in a space in which distances are round-trip times. All in milliseconds but `error`. */
export interface Coordinate {
  /** Eight numbers. */
  readonly vector: readonly number[];
  /** The time of the access link, which every path from the member pays. */
  readonly height: number;
  /** How far predictions are off, relative; 0 is perfect, 1.5 means nothing is known. */
  readonly error: number;
  /** Correction of the mean error against the members measured lately. */
  readonly adjustment: number;
}

export const coordinateDimensions = 8;

const maxError = 1.5;
const minHeightMs = 0.01;
/** How fast the error estimate follows (ce) and how far one sample moves the point (cc), as in the paper. */
const errorGain = 0.25;
const moveGain = 0.25;
/** Samples in the mean that `adjustment` is half of. */
const adjustmentWindow = 20;
/** Pulls the whole space towards its origin, so that it does not drift away; the strength falls off below this distance. */
const gravityMs = 150_000;
/** Below this two points lie on each other. */
const zeroMs = 1e-3;
/** A round trip beyond this is a stall, not a distance. */
const maxRoundTripMs = 10_000;

export function origin(): Coordinate {
  return {
    vector: Array.from({ length: coordinateDimensions }, () => 0),
    height: minHeightMs,
    error: maxError,
    adjustment: 0,
  };
}

/** Whether a coordinate from outside can be used: right size, finite numbers, sane heights. */
export function isCoordinate(value: Coordinate): boolean {
  return (
    value.vector.length === coordinateDimensions &&
    value.vector.every(Number.isFinite) &&
    Number.isFinite(value.height) &&
    value.height >= 0 &&
    Number.isFinite(value.error) &&
    value.error >= 0 &&
    Number.isFinite(value.adjustment)
  );
}

/** The round trip to expect between two members, milliseconds. */
export function estimateRoundTripMs(a: Coordinate, b: Coordinate): number {
  const raw = rawDistance(a, b);
  const adjusted = raw + a.adjustment + b.adjustment;
  return adjusted > 0 ? adjusted : raw;
}

/**
 * Learns a member's own coordinate from round trips: Vivaldi with heights (Dabek, Cox, Kaashoek and Morris, SIGCOMM
 * 2004, figure 3 and section 5.4), with the adjustment term of Lee, Guha, et al. ("On suitability of Euclidean
 * embedding for host-based network coordinate systems", section 4) and a weak gravity.
 */
export class CoordinateLearner {
  readonly #random: RandomSource;
  #own: Coordinate = origin();
  readonly #deviations: number[] = [];
  #next = 0;

  constructor(random: RandomSource) {
    this.#random = random;
  }

  get coordinate(): Coordinate {
    return this.#own;
  }

  /** Takes in one round trip to a member at `other`. False when the sample is of no use and was ignored. */
  observe(other: Coordinate, roundTripMs: number): boolean {
    if (!isCoordinate(other) || !(roundTripMs >= 0 && roundTripMs <= maxRoundTripMs)) return false;
    const rtt = Math.max(roundTripMs, zeroMs);
    const own = this.#own;
    const distance = rawDistance(own, other);
    // A confident member moves little for an uncertain one.
    const total = own.error + other.error;
    const weight = total === 0 ? 0.5 : own.error / total;
    const relative = Math.abs(distance - rtt) / rtt;
    const share = errorGain * weight;
    const error = Math.min(maxError, relative * share + own.error * (1 - share));
    let moved = this.#push(own, other, moveGain * weight * (rtt - distance));
    moved = this.#fall(moved);
    const next: Coordinate = { ...moved, error, adjustment: this.#adjust(rtt - rawDistance(moved, other)) };
    // Numbers that overflowed would poison every other member: begin again.
    this.#own = isCoordinate(next) ? next : origin();
    return true;
  }

  #adjust(deviation: number): number {
    this.#deviations[this.#next] = deviation;
    this.#next = (this.#next + 1) % adjustmentWindow;
    let sum = 0;
    for (const value of this.#deviations) sum += value;
    return sum / (2 * adjustmentWindow);
  }

  /** Moves `own` by `force` along the line from `other`. */
  #push(own: Coordinate, other: Coordinate, force: number): Coordinate {
    const direction = own.vector.map((value, at) => value - other.vector[at]!);
    let length = Math.hypot(...direction);
    if (length < zeroMs) {
      // Two members in one place part in any direction.
      for (let at = 0; at < direction.length; at++) direction[at] = this.#random.next() - 0.5;
      const random = Math.hypot(...direction);
      const unit = direction.map((value) => (random === 0 ? 0 : value / random));
      return { ...own, vector: own.vector.map((value, at) => value + unit[at]! * force) };
    }
    const vector = own.vector.map((value, at) => value + (direction[at]! / length) * force);
    length = Math.max(length, zeroMs);
    const height = Math.max(minHeightMs, ((own.height + other.height) * force) / length + own.height);
    return { ...own, vector, height };
  }

  #fall(own: Coordinate): Coordinate {
    const distance = Math.hypot(...own.vector);
    if (distance < zeroMs) return own;
    const force = -((distance / gravityMs) ** 2);
    return { ...own, vector: own.vector.map((value) => value + (value / distance) * force) };
  }
}

function rawDistance(a: Coordinate, b: Coordinate): number {
  let squares = 0;
  for (let at = 0; at < coordinateDimensions; at++) squares += (a.vector[at]! - b.vector[at]!) ** 2;
  return Math.sqrt(squares) + a.height + b.height;
}
