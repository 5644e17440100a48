import type { DegradationMode } from "../../resilience/index.ts";

export interface FeatureDeclaration {
  /** Unique in the manager. */
  readonly name: string;
  /** The higher the longer it stays. */
  readonly priority: number;
}

/** A feature, and whether it is on. */
export interface Feature extends FeatureDeclaration {
  isOn: boolean;
}

export interface LadderOptions {
  readonly features: readonly FeatureDeclaration[];
  /** In partial mode features below this priority may be off. */
  readonly partialPriority: number;
  /** In full mode features below this priority are off. */
  readonly fullPriority: number;
  /** Between two levels on the way back. */
  readonly holdMs: number;
  readonly at: number;
}

/**
 * Features in levels, one a priority: shed from the lowest up, restored from the highest down. In partial mode one level
 * goes at once, and one more with each check that finds it still pressing; in full mode all that may go do so at once.
 */
export class FeatureLadder {
  readonly features: readonly Feature[];
  readonly #levels: readonly (readonly Feature[])[];
  readonly #options: LadderOptions;
  #shed = 0;
  #changedAt: number;

  constructor(options: LadderOptions) {
    this.#options = options;
    this.#changedAt = options.at;
    this.features = options.features.map(({ name, priority }) => ({ name, priority, isOn: true }));
    const byPriority = Map.groupBy(this.features, ({ priority }) => priority);
    this.#levels = [...byPriority.entries()].toSorted(([one], [other]) => one - other).map(([, level]) => level);
  }

  /** Levels that are off. */
  get level(): number {
    return this.#shed;
  }

  /** Goes where the mode wants it, and gives what was shed or restored. */
  follow(
    mode: DegradationMode,
    at: number,
    { pressing, atOnce }: { readonly pressing: boolean; readonly atOnce: boolean },
  ): readonly Feature[] {
    const wanted = this.#wanted(mode, pressing, atOnce);
    const isRestoring = wanted < this.#shed;
    if (wanted === this.#shed) return [];
    if (isRestoring && !atOnce && at < this.#changedAt + this.#options.holdMs) return [];
    const next = isRestoring && !atOnce ? this.#shed - 1 : wanted;
    const changed = this.#levels.slice(Math.min(next, this.#shed), Math.max(next, this.#shed)).flat();
    for (const feature of changed) feature.isOn = isRestoring;
    this.#shed = next;
    this.#changedAt = at;
    return isRestoring ? changed.toReversed() : changed;
  }

  /** When a level may come back; Infinity when none should. */
  dueAt(mode: DegradationMode): number {
    return this.#most(mode) < this.#shed ? this.#changedAt + this.#options.holdMs : Infinity;
  }

  /** How many levels may be off in a mode. */
  #most(mode: DegradationMode): number {
    if (mode === "normal") return 0;
    const { partialPriority, fullPriority } = this.#options;
    const cut = mode === "partial" ? partialPriority : fullPriority;
    return this.#levels.filter(([first]) => first !== undefined && first.priority < cut).length;
  }

  #wanted(mode: DegradationMode, pressing: boolean, atOnce: boolean): number {
    const most = this.#most(mode);
    if (mode !== "partial" || atOnce || most <= this.#shed) return most;
    return this.#shed === 0 || pressing ? this.#shed + 1 : this.#shed;
  }
}
