import { type Queued, PriorityQueue } from "./priority-queue.ts";
import { Trace } from "./trace.ts";

/** What the engine asks of a life: whether its callbacks may run, must wait, or never run again. */
export interface EventOwner {
  readonly alive: boolean;
  readonly paused: boolean;
  /** Events that came due while paused, in order. */
  readonly held: SimulationEvent[];
}

export interface SimulationEvent extends Queued {
  readonly kind: string;
  readonly host: string;
  /** Whose code it runs; undefined for what the machines and the network do by themselves. */
  readonly owner: EventOwner | undefined;
  /** Tells it from others of its kind in the trace, a byte count mostly. */
  readonly value: number;
  readonly run: () => void;
  cancelled: boolean;
}

export interface EngineLimits {
  readonly maxVirtualMs: number;
  readonly maxSteps: number;
  readonly traceLines: number;
}

/**
 * Where the steps of one turn of Node's event loop end. Each is an immediate of its own, because Node drains all
 * microtasks between two immediates; queueing many at once saves the turns.
 */
const stepsPerTurn = 64;

/**
 * One thread, one queue: takes the earliest event, runs it, drains every microtask it caused, and takes the next.
 * Nothing but the order of (time, sequence) decides what happens, and time passes only between events.
 */
export class SimulationEngine {
  readonly trace: Trace;
  readonly faults: Map<string, number> = new Map();
  readonly #queue = new PriorityQueue<SimulationEvent>();
  readonly #limits: EngineLimits;
  readonly #watchers = new Set<() => void>();
  #now = 0;
  #steps = 0;
  #sequence = 0;
  #failure: { readonly error: unknown } | undefined;
  #over = false;

  constructor(limits: EngineLimits) {
    this.#limits = limits;
    this.trace = new Trace(limits.traceLines);
  }

  /** True time, in virtual milliseconds since the start. */
  get now(): number {
    return this.#now;
  }

  get steps(): number {
    return this.#steps;
  }

  /** Runs `run` at `time`, or now if that has passed. */
  schedule(
    time: number,
    kind: string,
    host: string,
    owner: EventOwner | undefined,
    run: () => void,
    value = 0,
  ): SimulationEvent {
    const event = this.#event(time, kind, host, owner, run, value);
    if (!this.#over) this.#queue.add(event);
    return event;
  }

  cancel(event: SimulationEvent | undefined): void {
    if (event === undefined) return;
    event.cancelled = true;
    this.#queue.remove(event);
  }

  /** Keeps what a paused owner would have got. */
  hold(owner: EventOwner, kind: string, host: string, run: () => void, value = 0): SimulationEvent {
    const event = this.#event(this.#now, kind, host, owner, run, value);
    owner.held.push(event);
    return event;
  }

  /** Gives a resumed owner what was held for it, in order. */
  releaseHeld(owner: EventOwner): void {
    for (const event of owner.held.splice(0)) {
      if (event.cancelled) continue;
      // The same object, so that whoever holds it can still cancel it.
      Object.assign(event, { time: this.#now, sequence: this.#sequence++ });
      this.#queue.add(event);
    }
  }

  /** Counts a fault that has happened. */
  fault(kind: string, host: string, value = 0): void {
    this.faults.set(kind, (this.faults.get(kind) ?? 0) + 1);
    this.trace.event(kind, host, this.#now, value);
  }

  /** Calls into the code of `owner`: what it throws ends the run, unless the owner ended meanwhile. */
  guard(owner: EventOwner | undefined, call: () => void): void {
    try {
      call();
    } catch (error) {
      if (owner === undefined || owner.alive) this.fail(error);
    }
  }

  /** Ends the run with `error`; the first one counts. */
  fail(error: unknown): void {
    this.#failure ??= { error };
  }

  watch(callback: () => void): () => void {
    this.#watchers.add(callback);
    return () => {
      this.#watchers.delete(callback);
    };
  }

  /** Runs events until `isFinished`. @throws what failed the run */
  run(isFinished: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const step = (): void => {
        if (this.#over) return;
        if (this.#steps > 0) for (const watcher of this.#watchers) this.guard(undefined, watcher);
        if (this.#failure === undefined && !isFinished()) this.#dispatch();
        else {
          this.#over = true;
          if (this.#failure === undefined) resolve();
          else reject(this.#failure.error);
        }
      };
      const turn = (): void => {
        step();
        if (this.#over) return;
        for (let count = 1; count < stepsPerTurn; count++) setImmediate(step);
        setImmediate(turn);
      };
      setImmediate(turn);
    });
  }

  #dispatch(): void {
    for (;;) {
      const event = this.#queue.take();
      if (event === undefined) {
        this.fail(new Error(`nothing is left to happen at ${this.#now} ms, and the test waits for ever`));
        return;
      }
      const owner = event.owner;
      if (owner !== undefined && !owner.alive) continue;
      if (event.time > this.#limits.maxVirtualMs) {
        this.fail(new Error(`the run went on beyond maxVirtualMs (${this.#limits.maxVirtualMs})`));
        return;
      }
      if (this.#steps >= this.#limits.maxSteps) {
        this.fail(new Error(`the run went on beyond maxSteps (${this.#limits.maxSteps}) at ${this.#now} ms`));
        return;
      }
      this.#now = event.time;
      if (owner?.paused === true) {
        owner.held.push(event);
        continue;
      }
      this.#steps++;
      this.trace.event(event.kind, event.host, event.time, event.value);
      this.guard(owner, event.run);
      return;
    }
  }

  #event(
    time: number,
    kind: string,
    host: string,
    owner: EventOwner | undefined,
    run: () => void,
    value: number,
  ): SimulationEvent {
    return {
      time: time > this.#now ? time : this.#now,
      sequence: this.#sequence++,
      position: -1,
      kind,
      host,
      owner,
      value,
      run,
      cancelled: false,
    };
  }
}
