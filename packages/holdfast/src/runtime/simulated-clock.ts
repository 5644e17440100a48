import type { Clock, Random } from "./runtime.ts";
import type { EventOwner, SimulationEngine } from "./simulation-engine.ts";

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

  /** Milliseconds since the machine was made, as its oscillator counts them. */
  elapsed(): number {
    return this.#elapsed + (this.#engine.now - this.#since) * this.#rate();
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
    this.#since = this.#engine.now;
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
}

/** The truth. */
export function trueTime(engine: SimulationEngine): ClockReading {
  return {
    now: () => engine.now,
    wallTime: () => Math.floor(startOfTime + engine.now),
    trueDelay: (delayMs) => delayMs,
  };
}

/** A process reads its machine's clocks; `now` starts anew with every life, somewhere, as Node's does. */
export function machineTime(machine: MachineClock, originMs: number): ClockReading {
  const start = machine.elapsed();
  return {
    now: () => originMs + machine.elapsed() - start,
    wallTime: () => Math.floor(machine.wallTime()),
    trueDelay: (delayMs) => machine.trueDelay(delayMs),
  };
}

/** Virtual time; the callbacks belong to `owner`. */
export function simulatedClock(
  engine: SimulationEngine,
  host: string,
  owner: EventOwner | undefined,
  reading: ClockReading,
): Clock {
  function due(delayMs: number): number {
    return engine.now + reading.trueDelay(delayMs > shortestTimerMs ? delayMs : shortestTimerMs);
  }
  return {
    now: () => reading.now(),
    wallTime: () => reading.wallTime(),
    setTimer(delayMs, callback) {
      const event = engine.schedule(due(delayMs), "timer", host, owner, callback);
      return { cancel: () => engine.cancel(event) };
    },
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
          engine.cancel(event);
          reject(signal?.reason);
        };
        const event = engine.schedule(due(delayMs), "sleep", host, owner, () => {
          signal?.removeEventListener("abort", onAbort);
          resolve();
        });
        signal?.addEventListener("abort", onAbort, { once: true });
      }),
  };
}
