import type { RandomSource } from "../../runtime/system.ts";
import type { Direction, NetworkFault } from "./network-fault.ts";

/** A fault of one proxy, for all its connections. */
export interface ProxyFault {
  readonly fault: NetworkFault;
  /** Counts that it had an effect. */
  strike(): void;
}

/** A fault in one direction of one connection, with what it has to remember there. */
export interface DirectionFault extends ProxyFault {
  /** `bandwidth`: until when the line is busy. `slicer`: when the last piece left. */
  busyUntil: number;
  /** `limitData`: what has passed. */
  passedBytes: number;
}

/** Which of a proxy's faults strike one connection: drawn when it first meets each of them, and kept. */
export class StruckConnection {
  readonly #random: RandomSource;
  readonly #isStruck = new Map<string, boolean>();
  readonly #states = new Map<string, DirectionFault>();

  constructor(random: RandomSource) {
    this.#random = random;
  }

  /** Of the proxy's present faults, those that strike this connection. */
  meet(faults: Iterable<ProxyFault>): readonly ProxyFault[] {
    const present = [...faults];
    const ids = new Set(present.map(({ fault }) => fault.id));
    for (const id of this.#isStruck.keys()) if (!ids.has(id)) this.#forget(id);
    return present.filter(({ fault: { id, toxicity } }) => {
      const known = this.#isStruck.get(id);
      if (known !== undefined) return known;
      const isStruck = toxicity >= 1 || this.#random.next() < toxicity;
      this.#isStruck.set(id, isStruck);
      return isStruck;
    });
  }

  /** Of what `meet` gave, what goes on in one direction; the same objects each time. */
  inDirection(struck: readonly ProxyFault[], direction: Direction): readonly DirectionFault[] {
    return struck
      .filter(({ fault }) => fault.directions.includes(direction))
      .map((one) => {
        const key = `${direction} ${one.fault.id}`;
        const known = this.#states.get(key);
        if (known !== undefined) return known;
        const made = { ...one, strike: () => one.strike(), busyUntil: 0, passedBytes: 0 };
        this.#states.set(key, made);
        return made;
      });
  }

  #forget(id: string): void {
    this.#isStruck.delete(id);
    this.#states.delete(`up ${id}`);
    this.#states.delete(`down ${id}`);
  }
}
