import type { World } from "holdfast/runtime";

/** What happened, for a test to see that something did. */
export interface PlanTally {
  effects: number;
  /** Effects that came from one who had been overtaken, and were turned away. */
  stale: number;
  /** Effects that were had again, as their end had not been recorded. */
  repeated: number;
  takeovers: number;
  undone: number;
  completed: number;
  failed: number;
  cancelled: number;
}

interface Outside {
  /** The greatest token let in. */
  token: number;
  /** In the order of their first time: `do a`, `undo a`. */
  readonly effects: string[];
  /** Those whose end is recorded. */
  readonly recorded: Set<string>;
}

/** The outside that steps change: it outlives all processes, remembers keys and turns away those who are overtaken. */
export class PlanLedger {
  readonly tally: PlanTally = {
    effects: 0,
    stale: 0,
    repeated: 0,
    takeovers: 0,
    undone: 0,
    completed: 0,
    failed: 0,
    cancelled: 0,
  };
  readonly #world: World;
  readonly #executions = new Map<string, Outside>();

  constructor(world: World) {
    this.#world = world;
  }

  effectsOf(execution: string): readonly string[] {
    return this.#of(execution).effects;
  }

  /** False for one who has been overtaken. */
  admit(execution: string, token: number): boolean {
    const outside = this.#of(execution);
    if (token < outside.token) {
      this.tally.stale++;
      return false;
    }
    outside.token = token;
    return true;
  }

  /** @throws Error for what was recorded as done already */
  apply(execution: string, effect: string, token: number): void {
    if (!this.admit(execution, token)) return;
    const { effects, recorded } = this.#of(execution);
    if (recorded.has(effect)) throw new Error(`${effect} of ${execution} again, after it was recorded`);
    this.#world.note(`${execution}: ${effect} with ${token}`);
    this.tally.effects++;
    if (effects.includes(effect)) this.tally.repeated++;
    else effects.push(effect);
  }

  /** @throws Error for what has not been done */
  recorded(execution: string, effect: string): void {
    const outside = this.#of(execution);
    if (!outside.effects.includes(effect)) throw new Error(`${effect} of ${execution} is recorded and was not done`);
    if (outside.recorded.has(effect)) throw new Error(`${effect} of ${execution} is recorded twice`);
    outside.recorded.add(effect);
  }

  #of(execution: string): Outside {
    const found = this.#executions.get(execution) ?? { token: 0, effects: [], recorded: new Set<string>() };
    this.#executions.set(execution, found);
    return found;
  }
}
