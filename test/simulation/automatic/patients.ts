import type { World } from "holdfast/runtime";

/** What happened, for a test to see that something did. */
export interface PatientTally {
  broken: number;
  repaired: number;
  /** Repairs by one who had been overtaken, turned away. */
  stale: number;
  /** Attempts that were begun again, in other hands. */
  again: number;
  takeovers: number;
  personsWanted: number;
}

interface Patient {
  isBroken: boolean;
  /** The greatest token let in. */
  token: number;
  /** Attempts that were begun, by their keys. */
  readonly keys: Set<string>;
}

/** The things that break and are repaired: they outlive all processes, and turn away those who are overtaken. */
export class Patients {
  readonly tally: PatientTally = { broken: 0, repaired: 0, stale: 0, again: 0, takeovers: 0, personsWanted: 0 };
  readonly names: readonly string[] = Array.from({ length: 60 }, (_, at) => `t${at}`);
  readonly #world: World;
  readonly #maxAttempts: number;
  readonly #patients: ReadonlyMap<string, Patient>;

  constructor(world: World, maxAttempts: number) {
    this.#world = world;
    this.#maxAttempts = maxAttempts;
    const whole = (): Patient => ({ isBroken: false, token: 0, keys: new Set() });
    this.#patients = new Map(this.names.map((name) => [name, whole()]));
  }

  /** The keys of all attempts that were begun. */
  get keys(): readonly string[] {
    return [...this.#patients.values()].flatMap(({ keys }) => [...keys]);
  }

  isBroken(name: string): boolean {
    return this.#of(name).isBroken;
  }

  break(name: string): void {
    const patient = this.#of(name);
    if (patient.isBroken) return;
    patient.isBroken = true;
    this.tally.broken++;
    this.#world.note(`${name} breaks`);
  }

  /** False for one who has been overtaken. @throws Error for one attempt more than there may be */
  begin(name: string, key: string, token: number): boolean {
    const patient = this.#of(name);
    if (token < patient.token) {
      this.tally.stale++;
      return false;
    }
    patient.token = token;
    if (patient.keys.has(key)) this.tally.again++;
    patient.keys.add(key);
    if (patient.keys.size > this.#maxAttempts) {
      throw new Error(`${name} is tried for the ${patient.keys.size}th time: ${[...patient.keys].join(", ")}`);
    }
    return true;
  }

  repair(name: string, token: number): void {
    const patient = this.#of(name);
    if (token < patient.token) {
      this.tally.stale++;
      return;
    }
    if (patient.isBroken) this.tally.repaired++;
    patient.isBroken = false;
    this.#world.note(`${name} is repaired with ${token}`);
  }

  #of(name: string): Patient {
    const patient = this.#patients.get(name);
    if (patient === undefined) throw new Error(`there is no ${name}`);
    return patient;
  }
}
