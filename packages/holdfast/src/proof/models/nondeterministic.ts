import type { Operation } from "../history.ts";
import { impossible, type Model, type ModelRun, type Transition } from "../model.ts";
import { PairTable } from "./pair-table.ts";

/** A model in which an operation may lead from one state to several. */
export interface NondeterministicModel extends Pick<Model, "name" | "spansKeys" | "parts"> {
  start(): NondeterministicRun;
  /** As in `Model`. */
  startForeseeing?(): NondeterministicRun;
}

export interface NondeterministicRun extends Pick<ModelRun, "describe" | "bytes"> {
  /** The states in which the object may be at first. */
  readonly initial: readonly number[];
  /** @throws HistoryError for what the model does not know */
  transition(operation: Operation): NondeterministicTransition;
}

export interface NondeterministicTransition {
  /** The states that it may leave; none when in this state it cannot have had its result. */
  apply(state: number): readonly number[];
  /** As in `Transition`. */
  readonly effect?: unknown;
}

/**
 * The deterministic model whose states are the sets of states in which the other may be. The search needs to know
 * nothing of it, and models without choices pay nothing.
 */
export function nondeterministic(model: NondeterministicModel): Model {
  const { name, spansKeys = false } = model;
  return {
    name,
    spansKeys,
    start: () => startSets(model.start()),
    ...(model.startForeseeing === undefined ? {} : { startForeseeing: () => startSets(model.startForeseeing!()) }),
    ...(model.parts === undefined ? {} : { parts: (operations: readonly Operation[]) => model.parts!(operations) }),
  };
}

/** A state is a chain of the inner states, in order. */
function startSets(inner: NondeterministicRun): ModelRun {
  const chains = new PairTable();
  const none = 0;

  function setOf(states: readonly number[]): number {
    if (states.length === 1) return chains.numberOf(none, states[0]!);
    const sorted = [...new Set(states)].sort((a, b) => a - b);
    return sorted.reduce((chain, state) => chains.numberOf(chain, state), none);
  }

  function statesOf(set: number): number[] {
    const states: number[] = [];
    for (let chain = set; chain !== none; chain = chains.firstOf(chain)) states.push(chains.secondOf(chain));
    return states.reverse();
  }

  function transition(operation: Operation): Transition {
    const choices = inner.transition(operation);
    return {
      // Even what only looks tells apart in which of its states the object is: it must not be moved forward.
      readOnly: false,
      get effect() {
        return choices.effect;
      },
      apply(set) {
        const after = setOf(statesOf(set).flatMap((state) => choices.apply(state)));
        return after === none ? impossible : after;
      },
    };
  }

  return {
    initial: setOf(inner.initial),
    transition,
    describe: (set) =>
      statesOf(set)
        .map((state) => inner.describe(state))
        .join(" or "),
    get bytes() {
      return chains.bytes + (inner.bytes ?? 0);
    },
  };
}
