import type { Operation } from "../history.ts";
import { impossible, type Model, type ModelRun, type Transition } from "../model.ts";
import { initialOf, isList, type ModelOptions } from "./model-options.ts";
import { NumberQueues } from "./number-queues.ts";
import { TakeForesight, untaken } from "./take-foresight.ts";
import { tellingParts } from "./telling-parts.ts";
import { demand, refuseFunction, step } from "./transitions.ts";
import { ValueNumbers } from "./value-numbers.ts";

/**
 * A queue, first in first out: `enqueue` adds at the end, `dequeue` takes from the front and gives what it took, or null
 * when there was nothing. A dequeue of unknown outcome may have taken the first.
 */
export function queue(options: ModelOptions = {}): Model {
  const initial = initialOf("queue", options, "a list", isList) ?? [];
  return {
    name: "queue",
    start: () => startQueue(initial),
    startForeseeing: () => startQueue(initial, new TakeForesight()),
    // What is there at first would stand in the way of what a part takes.
    parts: (operations) => (initial.length === 0 ? tellingParts(operations) : []),
  };
}

function startQueue(initial: readonly unknown[], foresight?: TakeForesight): ModelRun {
  const values = new ValueNumbers();
  const queues = new NumberQueues();
  /** By state: the latest of the moments before which its items were not taken. */
  const latestEarliest = new Map<number, number>();
  for (const value of initial) foresight?.noteEnqueue(values.numberOf(value));

  function latestEarliestOf(state: number): number {
    const known = latestEarliest.get(state);
    if (known !== undefined) return known;
    let latest = Number.NEGATIVE_INFINITY;
    for (const value of queues.itemsOf(state)) latest = Math.max(latest, foresight!.earliestTake(value));
    latestEarliest.set(state, latest);
    return latest;
  }

  const itemFor = (value: number): number => foresight?.itemFor(value) ?? value;

  function append(state: number, value: number): number {
    if (foresight === undefined) return queues.append(state, value);
    const latest = latestEarliestOf(state);
    if (latest > foresight.latestTake(value)) return impossible;
    const item = itemFor(value);
    const after = queues.append(state, item);
    latestEarliest.set(after, Math.max(latest, foresight.earliestTake(item)));
    return after;
  }

  function takeFirst(state: number): number {
    const after = queues.dropFirst(state);
    if (foresight === undefined || after === state) return after;
    const latest = latestEarliestOf(state);
    if (foresight.earliestTake(queues.firstOf(state)!) < latest) latestEarliest.set(after, latest);
    return after;
  }

  function takeUnknown(state: number): number {
    const first = queues.firstOf(state);
    const isKnown = first !== undefined && first !== untaken && foresight?.isTakenUp(first) === true;
    return isKnown ? impossible : takeFirst(state);
  }

  function dequeue(operation: Operation): Transition {
    if (operation.outcome === "unknown") {
      foresight?.noteUnknownDequeue();
      return { ...step(takeUnknown), effect: "dequeue" };
    }
    if (operation.output === null) return demand((state) => queues.lengthOf(state) === 0);
    const value = values.numberOf(operation.output);
    foresight?.noteDequeue(operation, value);
    return step((state) => (queues.firstOf(state) === value ? takeFirst(state) : impossible));
  }

  function transition(operation: Operation): Transition {
    if (operation.f === "dequeue") return dequeue(operation);
    if (operation.f !== "enqueue") return refuseFunction("queue", operation);
    const value = values.numberOf(operation.input);
    foresight?.noteEnqueue(value);
    return {
      ...step((state) => append(state, value)),
      get effect() {
        return itemFor(value);
      },
    };
  }

  return {
    initial: initial.reduce<number>((state, value) => queues.append(state, values.numberOf(value)), 0),
    transition,
    describe: (state) =>
      `[${Array.from(queues.itemsOf(state), (item) => (item === untaken ? "something" : values.textOf(item))).join(", ")}]`,
    get bytes() {
      return queues.bytes + 48 * latestEarliest.size;
    },
  };
}
