import { Call, ScopedCall } from "./call.ts";
import type { ExecuteOptions, Operation } from "./policy.ts";
import { invoke, rejected, type Next } from "./stage.ts";

/** One load at a time for each key, shared by all who ask for it meanwhile. */
export interface SingleFlight<T> {
  /** How many loads are under way. */
  readonly size: number;
  /**
   * Joins the load of this key, or starts one. Whoever is aborted leaves alone; the load is aborted when nobody is
   * left to wait for it.
   *
   * @throws what the load throws, or the signal's reason
   */
  run(key: string, load: Operation<T>, options?: ExecuteOptions): Promise<T>;
  /** From now on whoever asks for this key starts a new load; who waits already gets the old one's result. */
  forget(key: string): void;
}

/** Loads by key, each at most once at a time. */
export function singleFlight<T>(): SingleFlight<T> {
  const flights = new Flights();
  return {
    get size() {
      return flights.size;
    },
    run(key, load, options) {
      const signal = options?.signal;
      if (signal?.aborted === true) return rejected(signal.reason);
      return flights.run(key, new Call(load, signal, 1, options), invoke) as Promise<T>;
    },
    forget: (key) => flights.forget(key),
  };
}

interface Flight {
  /** The load's own scope: it belongs to no single waiter. */
  readonly call: ScopedCall;
  readonly result: Promise<unknown>;
  waiters: number;
}

/** The loads under way, as policies use them. */
export class Flights {
  readonly #flights = new Map<string, Flight>();

  get size(): number {
    return this.#flights.size;
  }

  has(key: string): boolean {
    return this.#flights.has(key);
  }

  /** Whether this call is still the one that loads the key, neither forgotten nor abandoned. */
  isCurrent(key: string, call: Call): boolean {
    return this.#flights.get(key)?.call === call;
  }

  forget(key: string): void {
    this.#flights.delete(key);
  }

  clear(): void {
    this.#flights.clear();
  }

  /** The result of the load under way, or of one that starts now. */
  run(key: string, call: Call, load: Next): Promise<unknown> {
    const flight = this.#flights.get(key) ?? this.#start(key, call, load);
    flight.waiters++;
    return this.#wait(key, flight, call);
  }

  #start(key: string, first: Call, load: Next): Flight {
    const call = new ScopedCall(first.operation, undefined, 1, first.options);
    const flight: Flight = { call, result: load(call), waiters: 0 };
    this.#flights.set(key, flight);
    const landed = (): void => this.#remove(key, flight);
    flight.result.then(landed, landed);
    return flight;
  }

  #wait(key: string, flight: Flight, call: Call): Promise<unknown> {
    let giveUp: (reason: unknown) => void = () => undefined;
    const unlink = call.onAbort(() => {
      giveUp(call.reason);
      flight.waiters--;
      if (flight.waiters > 0) return;
      this.#remove(key, flight);
      flight.call.abort(call.reason);
    });
    // Nobody can take this one's interest back: the load goes on whoever else leaves.
    if (unlink === undefined) return flight.result;
    return new Promise((resolve, reject) => {
      giveUp = reject;
      flight.result.then(
        (value) => {
          unlink();
          resolve(value);
          return undefined;
        },
        (error: unknown) => {
          unlink();
          reject(error);
        },
      );
    });
  }

  #remove(key: string, flight: Flight): void {
    if (this.#flights.get(key) === flight) this.#flights.delete(key);
  }
}
