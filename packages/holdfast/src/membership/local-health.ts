/**
 * How much a member trusts itself (Lifeguard: Dadgar, Phillips and Currey 2017, "local health aware probe"): 0 is well;
 * every probe that nobody answered, every accusation against itself and every hold-up of its process add, every probe
 * that was answered takes away. Probes slow down by the score plus one, so that a member that is itself slow accuses
 * others later.
 */
export class LocalHealth {
  readonly #most: number;
  #score = 0;

  /** The score stays below `maxMult`; 1 keeps it at 0. */
  constructor(maxMult: number) {
    this.#most = maxMult - 1;
  }

  get score(): number {
    return this.#score;
  }

  add(delta: number): void {
    this.#score = Math.min(this.#most, Math.max(0, this.#score + delta));
  }

  scale(ms: number): number {
    return ms * (this.#score + 1);
  }
}
