import type { Operation } from "../history.ts";
import type { Model } from "../model.ts";
import { initialOf, isList, type ModelOptions } from "./model-options.ts";
import { nondeterministic, type NondeterministicRun, type NondeterministicTransition } from "./nondeterministic.ts";
import { NumberVectors } from "./number-vectors.ts";
import { TakeForesight, untaken } from "./take-foresight.ts";
import { tellingParts } from "./telling-parts.ts";
import { refuseFunction } from "./transitions.ts";
import { ValueNumbers } from "./value-numbers.ts";

/**
 * A queue without an order: `enqueue` adds, `dequeue` takes any element and gives it, or null when there was none. A
 * dequeue of unknown outcome may have taken any one.
 */
export function bag(options: ModelOptions = {}): Model {
  const initial = initialOf("bag", options, "a list", isList) ?? [];
  return nondeterministic({
    name: "bag",
    start: () => startBag(initial),
    startForeseeing: () => startBag(initial, new TakeForesight()),
    parts: (operations) => (initial.length === 0 ? tellingParts(operations) : []),
  });
}

const empty = 0;

/** A state is a vector: by item plus one, because they begin at -1, how often it is there. */
function startBag(initial: readonly unknown[], foresight?: TakeForesight): NondeterministicRun {
  const values = new ValueNumbers();
  const counts = new NumberVectors();
  for (const value of initial) foresight?.noteEnqueue(values.numberOf(value));

  const itemFor = (value: number): number => foresight?.itemFor(value) ?? value;

  const add = (state: number, item: number, change: 1 | -1): number =>
    counts.set(state, item + 1, counts.get(state, item + 1) + change);

  /** Everything that a dequeue that nobody heard of may have taken. */
  function takeUnknown(state: number): number[] {
    if (state === empty) return [state];
    const items = Array.from(counts.entries(state), ([index]) => index - 1);
    const takable = items.filter((item) => item === untaken || foresight?.isTakenUp(item) !== true);
    return takable.map((item) => add(state, item, -1));
  }

  function dequeue(operation: Operation): NondeterministicTransition {
    if (operation.outcome === "unknown") return { effect: "dequeue", apply: takeUnknown };
    if (operation.output === null) return { apply: (state) => (state === empty ? [state] : []) };
    const value = values.numberOf(operation.output);
    foresight?.noteDequeue(operation, value);
    return { apply: (state) => (counts.get(state, value + 1) === 0 ? [] : [add(state, value, -1)]) };
  }

  function transition(operation: Operation): NondeterministicTransition {
    if (operation.f === "dequeue") return dequeue(operation);
    if (operation.f !== "enqueue") return refuseFunction("bag", operation);
    const value = values.numberOf(operation.input);
    foresight?.noteEnqueue(value);
    return {
      apply: (state) => [add(state, itemFor(value), 1)],
      get effect() {
        return itemFor(value);
      },
    };
  }

  function describe(state: number): string {
    const held = [...counts.entries(state)].flatMap(([index, count]) =>
      Array<string>(count).fill(index === 0 ? "something" : values.textOf(index - 1)),
    );
    return `{${held.join(", ")}}`;
  }

  return {
    initial: [initial.reduce<number>((state, value) => add(state, values.numberOf(value), 1), empty)],
    transition,
    describe,
    get bytes() {
      return counts.bytes;
    },
  };
}
