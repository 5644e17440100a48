import { HistoryError } from "../history-error.ts";
import type { Operation } from "../history.ts";
import { impossible, type Model, type ModelRun, type Transition } from "../model.ts";
import { initialOf, isInteger, type ModelOptions } from "./model-options.ts";
import { expect, nothing, refuseFunction, step } from "./transitions.ts";
import { ValueNumbers } from "./value-numbers.ts";

/**
 * A number: `add` adds to it, and what it gives is not looked at; `add-and-get` gives the number after that; `read`
 * gives the number. Numbers are safe integers.
 */
export function counter(options: ModelOptions = {}): Model {
  const initial = initialOf("counter", options, "an integer", isInteger);
  return { name: "counter", start: () => startCounter(initial ?? 0) };
}

function startCounter(initial: number): ModelRun {
  const numbers = new ValueNumbers();
  const add = (state: number, change: number): number => numbers.numberOf((numbers.valueOf(state) as number) + change);

  function transition(operation: Operation): Transition {
    const { f, input, output, outcome, line } = operation;
    if (f === "read")
      return outcome === "unknown" ? nothing : expect(numbers.numberOf(integer(output, "read gives", line)));
    if (f !== "add" && f !== "add-and-get") return refuseFunction("counter", operation);
    const change = integer(input, `${f} takes`, line);
    if (f === "add" || outcome === "unknown") return { ...step((state) => add(state, change)), effect: change };
    const before = numbers.numberOf(integer(output, `${f} gives`, line) - change);
    const after = numbers.numberOf(output);
    return step((state) => (state === before ? after : impossible));
  }

  return {
    initial: numbers.numberOf(initial),
    transition,
    describe: (state) => numbers.textOf(state),
    get bytes() {
      return 64 * numbers.size;
    },
  };
}

function integer(value: unknown, what: string, line: number): number {
  if (Number.isSafeInteger(value)) return value as number;
  throw new HistoryError(line, `${what} an integer (got ${JSON.stringify(value)})`);
}
