import { HistoryError } from "../history-error.ts";
import type { Operation } from "../history.ts";
import { impossible, type Model, type ModelRun, type Transition } from "../model.ts";
import { initialOf, isAnything, type ModelOptions } from "./model-options.ts";
import { PairTable } from "./pair-table.ts";
import { demand, refuseFunction, step } from "./transitions.ts";
import { ValueNumbers } from "./value-numbers.ts";

/**
 * A lock: `acquire` takes it, `release` gives it back, both by the caller whom the operation's value names, or by its
 * process when the value is null. `acquire` gives false when somebody held it, `release` when the
 * caller did not.
 */
export function mutex(options: ModelOptions = {}): Model {
  const initial = initialOf("mutex", options, "anything", isAnything);
  return { name: "mutex", start: () => startMutex("mutex", initial, false) };
}

/** A lock whose `acquire` gives a token, an integer that is higher each time the lock is taken. */
export function fencedMutex(options: ModelOptions = {}): Model {
  const initial = initialOf("fenced-mutex", options, "anything", isAnything);
  return { name: "fenced-mutex", start: () => startMutex("fenced-mutex", initial, true) };
}

const nobody = 0;

/** A state is the number of a pair: the holder, and the lowest token that may come next. */
function startMutex(name: string, initial: unknown, isFenced: boolean): ModelRun {
  const callers = new ValueNumbers();
  const states = new PairTable();

  const holderOf = (state: number): number => states.firstOf(state);
  const callerOf = ({ input, process }: Operation): number => callers.numberOf(input ?? `process ${process}`);

  function acquire(operation: Operation): Transition {
    const { outcome, output, line } = operation;
    const caller = callerOf(operation);
    if (outcome === "unknown") {
      // The token that nobody saw was at least the next one.
      return step((state) => {
        const isFree = holderOf(state) === nobody;
        return isFree ? states.numberOf(caller, states.secondOf(state) + (isFenced ? 1 : 0)) : state;
      });
    }
    if (output === false) return demand((state) => holderOf(state) !== nobody);
    if (!isFenced) {
      return step((state) => (holderOf(state) === nobody ? states.numberOf(caller, 0) : impossible));
    }
    if (!isToken(output)) throw new HistoryError(line, `acquire gives a token (got ${JSON.stringify(output)})`);
    return step((state) =>
      holderOf(state) === nobody && output >= states.secondOf(state) ? states.numberOf(caller, output + 1) : impossible,
    );
  }

  function release(operation: Operation): Transition {
    const { outcome, output } = operation;
    const caller = callerOf(operation);
    if (output === false) return demand((state) => holderOf(state) !== caller);
    return step((state) => {
      if (holderOf(state) === caller) return states.numberOf(nobody, states.secondOf(state));
      return outcome === "unknown" ? state : impossible;
    });
  }

  function transition(operation: Operation): Transition {
    if (operation.f === "acquire") return acquire(operation);
    return operation.f === "release" ? release(operation) : refuseFunction(name, operation);
  }

  function describe(state: number): string {
    const holder = holderOf(state);
    const held = holder === nobody ? "free" : `held by ${String(callers.valueOf(holder))}`;
    return isFenced ? `${held}, the next token is at least ${states.secondOf(state)}` : held;
  }

  return { initial: states.numberOf(callers.numberOf(initial), 0), transition, describe };
}

/** Pairs hold 32 bits. */
function isToken(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 31 - 1;
}
