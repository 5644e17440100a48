import type { Clock, Timer } from "../runtime/system.ts";

/** Slots of a ring; a deadline lies at most 129 ticks ahead when it is added, so no slot mixes rounds. */
const slots = 256;
const slotMask = slots - 1;
/** Ticks into which a delay is divided: a delay is met within 1/64 of itself, or one millisecond. */
const resolution = 64;
/** The tick of a timer that was taken out to be fired, and not stopped since. */
const isDue = -1;

/**
 * Something that a wheel fires once. What waits extends it instead of handing over a callback: no closure, no handle.
 * A timer belongs to one wheel and may be started again after it fired or was stopped.
 */
export abstract class WheelTimer {
  /** Owned by the wheel. */
  ring: Ring | undefined;
  tick = 0;
  before: WheelTimer | undefined;
  after: WheelTimer | undefined;

  /** The time is over. Runs from the clock's timer; must not throw. */
  abstract expire(): void;
}

/** All timers of one grain, by the tick at which they are due. */
class Ring {
  readonly grainMs: number;
  readonly heads: (WheelTimer | undefined)[] = Array.from({ length: slots });
  size = 0;
  /** Up to this tick everything has been fired. */
  done = 0;

  constructor(grainMs: number) {
    this.grainMs = grainMs;
  }

  link(timer: WheelTimer, tick: number): void {
    const slot = tick & slotMask;
    const head = this.heads[slot];
    timer.ring = this;
    timer.tick = tick;
    timer.before = undefined;
    timer.after = head;
    if (head !== undefined) head.before = timer;
    this.heads[slot] = timer;
    this.size++;
  }

  unlink(timer: WheelTimer): void {
    const { before, after } = timer;
    if (before === undefined) this.heads[timer.tick & slotMask] = after;
    else before.after = after;
    if (after !== undefined) after.before = before;
    timer.ring = undefined;
    timer.before = undefined;
    timer.after = undefined;
    this.size--;
  }

  /** Unlinks everything due at `tick` or before. */
  collect(tick: number, due: WheelTimer[]): void {
    const from = Math.max(this.done + 1, tick - slotMask);
    this.done = tick;
    for (let at = from; at <= tick && this.size > 0; at++) {
      let timer = this.heads[at & slotMask];
      while (timer !== undefined) {
        const after: WheelTimer | undefined = timer.after;
        // A clock that stood still (a blocked event loop) lets later ticks share a slot with overdue ones.
        if (timer.tick <= tick) {
          this.unlink(timer);
          timer.tick = isDue;
          due.push(timer);
        }
        timer = after;
      }
    }
  }

  /** The time of the earliest timer; only for a ring that has one. */
  next(): number {
    let at = this.done + 1;
    while (this.heads[at & slotMask] === undefined) at++;
    return at * this.grainMs;
  }
}

/**
 * Many timeouts on one timer of the clock, for calls that nearly always end in time: starting and stopping one is a few
 * pointer writes, where a timer of the platform's own costs more than the call it guards.
 *
 * A timer never fires early; it fires late by at most 1/64 of its delay or one millisecond, whichever is more, plus what
 * the platform's timers are late by. One timer of the clock is set while anything is waited for; it is left to run out
 * (once, holding no call, unref'd) when the last one is stopped.
 *
 * Hashed timing wheels, one ring per power of two of the delay: G. Varghese, A. Lauck, "Hashed and hierarchical timing
 * wheels", SOSP 1987, schemes 6 and 7; without cascading, as timeouts need no more precision than that.
 */
export class TimerWheel {
  readonly #clock: Clock;
  readonly #rings: Ring[] = [];
  readonly #byLevel = new Map<number, Ring>();
  /** The ring used last, and the delays that it takes: almost every policy has one delay. */
  #lastRing: Ring | undefined;
  #lastFrom = 0;
  #lastBelow = 0;
  #timer: Timer | undefined;
  #timerAt = Infinity;
  readonly #onTimer = (): void => this.#fire();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How many timers run. */
  get size(): number {
    return this.#rings.reduce((sum, ring) => sum + ring.size, 0);
  }

  /** Fires `timer` after `delayMs`; Infinity never does. @returns the clock's time now */
  start(timer: WheelTimer, delayMs: number): number {
    const now = this.#clock.now();
    if (delayMs === Infinity) return now;
    const ring =
      delayMs >= this.#lastFrom && delayMs < this.#lastBelow ? (this.#lastRing as Ring) : this.#ring(delayMs);
    if (ring.size === 0) ring.done = Math.floor(now / ring.grainMs) - 1;
    const tick = Math.ceil((now + Math.max(0, delayMs)) / ring.grainMs);
    ring.link(timer, tick);
    const at = tick * ring.grainMs;
    if (at < this.#timerAt) this.#arm(at, now);
    return now;
  }

  /** Stops it; one that does not run is fine. */
  stop(timer: WheelTimer): void {
    if (timer.ring === undefined) timer.tick = 0;
    else timer.ring.unlink(timer);
  }

  #ring(delayMs: number): Ring {
    const level = Math.max(0, Math.floor(Math.log2(delayMs / resolution)));
    let ring = this.#byLevel.get(level);
    if (ring === undefined) {
      ring = new Ring(2 ** level);
      this.#byLevel.set(level, ring);
      this.#rings.push(ring);
    }
    this.#lastRing = ring;
    this.#lastFrom = level === 0 ? 0 : resolution * 2 ** level;
    this.#lastBelow = resolution * 2 ** (level + 1);
    return ring;
  }

  #arm(at: number, now: number): void {
    this.#timer?.cancel();
    this.#timerAt = at;
    this.#timer = this.#clock.setTimer(at - now, this.#onTimer);
  }

  #fire(): void {
    this.#timer = undefined;
    this.#timerAt = Infinity;
    const now = this.#clock.now();
    const due: WheelTimer[] = [];
    let next = Infinity;
    for (const ring of this.#rings) {
      if (ring.size === 0) continue;
      ring.collect(Math.floor(now / ring.grainMs), due);
      if (ring.size > 0) next = Math.min(next, ring.next());
    }
    if (next < Infinity) this.#arm(next, now);
    for (const timer of due) {
      // One that fired before it may have stopped it, or stopped it and started it again.
      if (timer.tick !== isDue) continue;
      timer.tick = 0;
      timer.expire();
    }
  }
}

const wheels = new WeakMap<Clock, TimerWheel>();

/** The clock's wheel: all policies of one clock share it. */
export function wheelOf(clock: Clock): TimerWheel {
  let wheel = wheels.get(clock);
  if (wheel === undefined) {
    wheel = new TimerWheel(clock);
    wheels.set(clock, wheel);
  }
  return wheel;
}
