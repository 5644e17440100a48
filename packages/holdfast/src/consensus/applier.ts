import type { Clock } from "../runtime/index.ts";
import type { Entry } from "./entry.ts";
import type { Raft } from "./raft.ts";
import type { StateMachine } from "./state-machine.ts";

/** How long entries are applied before other work gets its turn, so that heartbeats are never starved. */
const sliceMs = 4;
const entriesPerLook = 32;

export interface ApplierOptions {
  readonly raft: Raft;
  readonly stateMachine: StateMachine;
  readonly clock: Clock;
  readonly onApplied: ((entry: Entry, result: unknown) => void) | undefined;
  /** Called after each slice. */
  readonly onProgress: (applied: number) => void;
  readonly onError: (error: Error) => void;
}

/** Applies committed entries in order, in slices. */
export class Applier {
  readonly #options: ApplierOptions;
  #applied: number;
  #deferred = false;
  #held = false;

  constructor(options: ApplierOptions) {
    this.#options = options;
    this.#applied = options.raft.commit;
  }

  get applied(): number {
    return this.#applied;
  }

  /** Applies what is committed, now and in later turns. */
  advance(): void {
    const { raft, clock, onProgress, onError } = this.#options;
    if (this.#deferred || this.#held || this.#applied >= raft.commit) return;
    try {
      this.#applySlice();
    } catch (error) {
      this.#held = true;
      onError(error as Error);
      return;
    }
    onProgress(this.#applied);
    if (this.#applied >= raft.commit || this.#held) return;
    this.#deferred = true;
    clock.defer(() => {
      this.#deferred = false;
      this.advance();
    });
  }

  #applySlice(): void {
    const { raft, stateMachine, clock, onApplied } = this.#options;
    const until = clock.now() + sliceMs;
    do {
      const end = Math.min(raft.commit, this.#applied + entriesPerLook);
      while (this.#applied < end) {
        const entry = raft.log.at(this.#applied + 1);
        if (entry === undefined) throw new Error(`entry ${this.#applied + 1} is committed but not in the log`);
        if (entry.kind === "omitted" && !raft.witness) {
          throw new Error(`entry ${entry.index} came without its command, as to a witness, which this node is not`);
        }
        const result = entry.kind === "command" ? stateMachine.apply(entry) : undefined;
        this.#applied = entry.index;
        if (entry.kind === "command") onApplied?.(entry, result);
      }
    } while (this.#applied < raft.commit && clock.now() < until);
  }

  /** Stops applying while the state is being replaced. */
  hold(): void {
    this.#held = true;
  }

  /** Goes on from a state that stands at `applied`, unless the log begins later: then a newer state is on its way. */
  resume(applied: number): void {
    this.#applied = applied;
    this.#held = this.#options.raft.log.baseIndex > applied;
    this.#options.onProgress(applied);
    this.advance();
  }
}
