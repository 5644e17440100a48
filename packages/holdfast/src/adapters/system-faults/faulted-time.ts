/** Where real time comes from: taken before anything is patched. */
export interface RealTime {
  /** Milliseconds since 1970. */
  wall(): number;
  /** Milliseconds since the process began. */
  mono(): number;
}

/** What can go wrong with the clocks of a process. */
export type ClockFaultKind = "clockSkew" | "clockJump" | "clockDrift" | "clockStop";

interface ClockFault {
  readonly kind: ClockFaultKind;
  /** Of what time passes, how much the clocks show. */
  readonly rate: number;
  /** What the wall clock alone is off by. */
  readonly skewMs: number;
  struck: number;
}

/**
 * The two clocks of a process as faults have them. The wall clock is exact again as soon as no fault is left. The monotonic
 * one never goes back: where it was behind it catches up at once, as after a machine was asleep; where it was ahead it stays
 * so, and time passes at its real pace, which is all that such a clock can tell.
 */
export class FaultedTime {
  readonly #real: RealTime;
  readonly #faults = new Map<string, ClockFault>();
  readonly #onChange: () => void;
  /** The monotonic clock showed `shown` at the real time `at`, and goes on at `rate`. */
  #at = 0;
  #shown = 0;
  #rate = 1;
  /** What the wall clock showed at that time, but for its skew; undefined while it is right but for its skew. */
  #wallShown: number | undefined;
  #skewMs = 0;
  #isReal = true;

  constructor(real: RealTime, onChange: () => void) {
    this.#real = real;
    this.#onChange = onChange;
  }

  /** Whether both clocks show what they do without all this. */
  get isReal(): boolean {
    return this.#isReal;
  }

  /** How fast they go: 1 as ever, 0 not at all. */
  get rate(): number {
    return this.#rate;
  }

  mono(): number {
    const real = this.#real.mono();
    return this.#isReal ? real : this.#monoAt(real);
  }

  wall(): number {
    if (this.#isReal) return this.#real.wall();
    return Math.floor(this.#unskewedWallAt(this.#real.mono()) + this.#skewMs);
  }

  /** Counts a reading of one of the clocks for the faults that strike it. */
  strike(clock: "wall" | "mono"): void {
    for (const fault of this.#faults.values()) if (clock === "wall" || fault.kind !== "clockSkew") fault.struck++;
  }

  struck(id: string): number {
    return this.#faults.get(id)?.struck ?? 0;
  }

  add(id: string, kind: ClockFaultKind, parameters: Readonly<Record<string, unknown>>): void {
    const byMs = Number(parameters["byMs"] ?? 0);
    const rate = kind === "clockStop" ? 0 : 1 + Number(parameters["ppm"] ?? 0) / 1e6;
    this.#change(() => {
      if (kind === "clockJump") this.#shown += byMs;
      this.#faults.set(id, { kind, rate, skewMs: kind === "clockSkew" ? byMs : 0, struck: 0 });
    });
  }

  remove(id: string): void {
    if (this.#faults.has(id)) this.#change(() => this.#faults.delete(id));
  }

  #change(work: () => void): void {
    const real = this.#real.mono();
    const wall = this.#unskewedWallAt(real);
    const shown = this.#isReal ? real : this.#monoAt(real);
    this.#at = real;
    this.#shown = shown;
    work();
    this.#wallShown = wall + this.#shown - shown;
    const faults = [...this.#faults.values()];
    this.#rate = faults.reduce((rate, fault) => rate * fault.rate, 1);
    this.#skewMs = faults.reduce((sum, fault) => sum + fault.skewMs, 0);
    if (faults.every(({ kind }) => kind === "clockSkew")) {
      this.#shown = Math.max(this.#shown, real);
      this.#wallShown = undefined;
    }
    this.#isReal = faults.length === 0 && this.#shown === real;
    this.#onChange();
  }

  #unskewedWallAt(real: number): number {
    return this.#wallShown === undefined ? this.#real.wall() : this.#wallShown + (real - this.#at) * this.#rate;
  }

  #monoAt(real: number): number {
    return this.#shown + (real - this.#at) * this.#rate;
  }
}
