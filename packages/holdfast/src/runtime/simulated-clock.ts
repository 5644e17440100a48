import type { Clock, Random, Timer } from "./runtime.ts";
import type { EventOwner, SimulationEngine, SimulationEvent } from "./simulation-engine.ts";

/** What runs of the simulator do to clocks. Each process draws its own between minus and plus the bound. */
export interface ClockFaults {
  /** How far wall clocks start from the truth. Default 0. */
  readonly maxSkewMs?: number;
  /** How wrong the rate of clocks is, in millionths. Default 0. */
  readonly maxDriftPpm?: number;
}

/** The clock of one machine, as a test bends it. */
export interface SimulatedClock {
  /** How far the wall clock is from the truth now, in milliseconds. */
  readonly skewMs: number;
  readonly driftPpm: number;
  /** Moves the wall clock by `byMs`, backwards when negative; `now` does not notice. */
  jump(byMs: number): void;
  /** Changes the rate of both clocks; timers already set keep the old one. */
  setDrift(ppm: number): void;
  readonly isStopped: boolean;
  /** Both clocks stand still until `start`, and no timer comes due; what arrives from outside is still worked on. */
  stop(): void;
  start(): void;
}

/** The shortest a timer takes, as in Node: a loop of sleeps of no length must not stop time. */
const shortestTimerMs = 1;

/** What a turn of the event loop takes: a loop of `defer` must not stop time either. */
const deferMs = 0.01;

/** 2026-01-01T00:00:00Z, when every run starts. */
const startOfTime = 1_767_225_600_000;

/** The oscillator and the wall clock of a machine. */
export class MachineClock implements SimulatedClock {
  readonly #engine: SimulationEngine;
  readonly #host: string;
  #driftPpm: number;
  #offsetMs: number;
  #elapsed = 0;
  #since = 0;
  /** True time when it stopped. */
  #stoppedAt: number | undefined;
  #stoppedMs = 0;
  /** Timers that wait for the clock to go on, and how much of each is left. */
  #parked: { readonly leftMs: number; readonly schedule: (afterMs: number) => void }[] = [];

  constructor(engine: SimulationEngine, host: string, random: Random, faults: ClockFaults) {
    this.#engine = engine;
    this.#host = host;
    this.#offsetMs = (random.next() * 2 - 1) * (faults.maxSkewMs ?? 0);
    this.#driftPpm = (random.next() * 2 - 1) * (faults.maxDriftPpm ?? 0);
  }

  get skewMs(): number {
    return this.wallTime() - startOfTime - this.#engine.now;
  }

  get driftPpm(): number {
    return this.#driftPpm;
  }

  get isStopped(): boolean {
    return this.#stoppedAt !== undefined;
  }

  stop(): void {
    if (this.isStopped) return;
    this.#stoppedAt = this.#engine.now;
    this.#engine.fault("clock-stopped", this.#host);
  }

  start(): void {
    if (!this.isStopped) return;
    this.#elapsed = this.elapsed();
    this.#since = this.#engine.now;
    this.#stoppedMs = this.stoppedMs();
    this.#stoppedAt = undefined;
    for (const { leftMs, schedule } of this.#parked.splice(0)) schedule(leftMs);
  }

  /** How long it has stood still so far. */
  stoppedMs(): number {
    return this.#stoppedMs + (this.#stoppedAt === undefined ? 0 : this.#engine.now - this.#stoppedAt);
  }

  /** Schedules a timer of which so much is left, once the clock goes. */
  whenGoing(leftMs: number, schedule: (afterMs: number) => void): void {
    if (this.isStopped) this.#parked.push({ leftMs, schedule });
    else schedule(leftMs);
  }

  /** Milliseconds since the machine was made, as its oscillator counts them. */
  elapsed(): number {
    return this.#elapsed + ((this.#stoppedAt ?? this.#engine.now) - this.#since) * this.#rate();
  }

  wallTime(): number {
    return startOfTime + this.#offsetMs + this.elapsed();
  }

  /** How long the oscillator takes to count `delayMs`. */
  trueDelay(delayMs: number): number {
    return delayMs / this.#rate();
  }

  jump(byMs: number): void {
    if (!Number.isFinite(byMs)) throw new RangeError(`jump.byMs must be a finite number (got ${byMs})`);
    this.#offsetMs += byMs;
    this.#engine.fault("wall-jump", this.#host, byMs);
  }

  setDrift(ppm: number): void {
    if (!(Math.abs(ppm) < 1_000_000)) {
      throw new RangeError(`setDrift.ppm must be between -1000000 and 1000000, both excluded (got ${ppm})`);
    }
    this.#elapsed = this.elapsed();
    this.#since = this.#stoppedAt ?? this.#engine.now;
    this.#driftPpm = ppm;
    this.#engine.fault("clock-drift", this.#host, ppm);
  }

  #rate(): number {
    return 1 + this.#driftPpm / 1_000_000;
  }
}

/** How one process, or the test, reads time. */
export interface ClockReading {
  now(): number;
  wallTime(): number;
  trueDelay(delayMs: number): number;
  /** How long it has stood still so far. */
  stoppedMs(): number;
  /** Schedules a timer of which so much is left, once the clock goes. */
  whenGoing(leftMs: number, schedule: (afterMs: number) => void): void;
}

/** The truth. */
export function trueTime(engine: SimulationEngine): ClockReading {
  return {
    now: () => engine.now,
    wallTime: () => Math.floor(startOfTime + engine.now),
    trueDelay: (delayMs) => delayMs,
    stoppedMs: () => 0,
    whenGoing: (leftMs, schedule) => schedule(leftMs),
  };
}

/** A process reads its machine's clocks; `now` starts anew with every life, somewhere, as Node's does. */
export function machineTime(machine: MachineClock, originMs: number): ClockReading {
  const start = machine.elapsed();
  return {
    now: () => originMs + machine.elapsed() - start,
    wallTime: () => Math.floor(machine.wallTime()),
    trueDelay: (delayMs) => machine.trueDelay(delayMs),
    stoppedMs: () => machine.stoppedMs(),
    whenGoing: (leftMs, schedule) => machine.whenGoing(leftMs, schedule),
  };
}

/** Virtual time; the callbacks belong to `owner`. */
export function simulatedClock(
  engine: SimulationEngine,
  host: string,
  owner: EventOwner | undefined,
  reading: ClockReading,
): Clock {
  function start(kind: string, delayMs: number, callback: () => void): Timer {
    let event: SimulationEvent | undefined;
    let isCancelled = false;
    const schedule = (afterMs: number): void => {
      if (isCancelled) return;
      const stoppedMs = reading.stoppedMs();
      event = engine.schedule(engine.now + afterMs, kind, host, owner, () => {
        const leftMs = reading.stoppedMs() - stoppedMs;
        if (leftMs > 0) reading.whenGoing(leftMs, schedule);
        else callback();
      });
    };
    reading.whenGoing(reading.trueDelay(delayMs > shortestTimerMs ? delayMs : shortestTimerMs), schedule);
    return {
      cancel() {
        isCancelled = true;
        engine.cancel(event);
      },
    };
  }
  return {
    now: () => reading.now(),
    wallTime: () => reading.wallTime(),
    setTimer: (delayMs, callback) => start("timer", delayMs, callback),
    defer(callback) {
      engine.schedule(engine.now + deferMs, "defer", host, owner, callback);
    },
    sleep: (delayMs, options) =>
      new Promise((resolve, reject) => {
        const signal = options?.signal;
        if (signal?.aborted === true) {
          reject(signal.reason);
          return;
        }
        const onAbort = (): void => {
          timer.cancel();
          reject(signal?.reason);
        };
        const timer = start("sleep", delayMs, () => {
          signal?.removeEventListener("abort", onAbort);
          resolve();
        });
        signal?.addEventListener("abort", onAbort, { once: true });
      }),
  };
}
