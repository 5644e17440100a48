/** What load a drill puts on. What it means is up to the stage; both may be given. */
export interface DrillLoad {
  /** How long, each round. */
  readonly forMs: number;
  /** Clients that go on as fast as they are answered, and whose operations are recorded and checked. */
  readonly clients: number;
  /** On top: operations a second, whoever waits. 0: none. */
  readonly ratePerSecond: number;
}

/** One fault: which, whom, when, how long. */
export interface DrillFaultPlan {
  /** The name by which reports tell it: the kind and a number, where none was given. */
  readonly id: string;
  readonly kind: string;
  /** A name that the stage knows (`leader`, `one`, `all`, …) or names of its parts. */
  readonly targets: string | readonly string[];
  /** From the beginning of the load, each round. */
  readonly afterMs: number;
  /** Undefined: until the rest serves without what was struck, or at once when it cannot. */
  readonly forMs: number | undefined;
  /** What the kind takes. */
  readonly parameters: Readonly<Record<string, number | string | boolean>>;
}

export interface DrillTimeouts {
  readonly setupMs: number;
  /** Until the system is as it should be, before the faults and after them. */
  readonly steadyMs: number;
  /** Until a fault is there, and until it is taken back. */
  readonly faultMs: number;
  /** Until the system serves again after a fault. */
  readonly recoveryMs: number;
  /** Until what came in under load has arrived everywhere. */
  readonly settleMs: number;
  readonly checkMs: number;
  readonly teardownMs: number;
}

/** A drill as data. Rules are like `p99Ms < 50`; a name alone (`linearizable`) must be true. */
export interface DrillScenario {
  readonly name: string;
  /** One line. */
  readonly summary: string;
  /** Of which kind the stage is, and what it is to be like. */
  readonly stage: Readonly<Record<string, number | string | boolean>>;
  /** How often load and faults come, one round after the other. */
  readonly rounds: number;
  readonly load: DrillLoad;
  readonly faults: readonly DrillFaultPlan[];
  /** What must be true of the system before the faults, and again after them. */
  readonly steadyState: readonly string[];
  /** What must stay true of the system while faults go on; else all is taken back, and the drill has failed. */
  readonly abortUnless: readonly string[];
  /** What must be true at the end, whatever happened. */
  readonly invariants: readonly string[];
  /** What must be true at the end, if the faults happened. */
  readonly expect: readonly string[];
  readonly timeouts: DrillTimeouts;
}

export const defaultDrillTimeouts: DrillTimeouts = {
  setupMs: 60_000,
  steadyMs: 15_000,
  faultMs: 30_000,
  recoveryMs: 30_000,
  settleMs: 30_000,
  checkMs: 180_000,
  teardownMs: 30_000,
};

export const defaultDrillLoad: DrillLoad = { forMs: 5_000, clients: 8, ratePerSecond: 0 };
