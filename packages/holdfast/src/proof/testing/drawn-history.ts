import type { Random } from "../../runtime/index.ts";
import type { HistoryEvent } from "../history.ts";
import { chance, pick } from "./draw.ts";
import type { AnyReference } from "./reference-object.ts";

/** An operation of a drawn history. */
export interface DrawnOperation {
  readonly client: number;
  readonly process: number;
  readonly key: string | undefined;
  readonly caller: string;
  readonly callNs: number;
  readonly returnNs: number;
  /** How it ends; `open` ones never do. */
  fate: "ok" | "fail" | "info" | "open";
  f: string;
  input: unknown;
  output: unknown;
}

export interface HistoryShape {
  readonly clients: number;
  readonly operations: number;
  /** How many keys there are, for objects that have them. */
  readonly keys: number;
  /** The share of operations of unknown outcome, and of failed ones. */
  readonly unknown: number;
  readonly failed: number;
  /** The longest operation, in nanoseconds; the pauses between two of a client are half as long at most. */
  readonly longestNs?: number;
}

/** A few clients, now and then a doubt. */
export function drawShape(random: Random): HistoryShape {
  return {
    clients: random.integer(2, 8),
    operations: random.integer(8, 60),
    keys: random.integer(1, 3),
    unknown: random.next() * 0.08,
    failed: 0.03,
  };
}

/** So few operations that the definition itself decides. */
export function drawSmallShape(random: Random): HistoryShape {
  return { clients: random.integer(2, 4), operations: 8, keys: 1, unknown: 0.1, failed: 0.05 };
}

interface Window {
  readonly operation: DrawnOperation;
  readonly happensAt: number;
  readonly happens: boolean;
}

/**
 * What clients of an object that answers in an instant see: each operation takes effect at one moment drawn between its
 * call and its return, or, if its outcome is unknown, perhaps. Linearizable, therefore.
 */
export function drawHistory(reference: AnyReference, shape: HistoryShape, random: Random): DrawnOperation[] {
  const windows = drawWindows(reference, shape, random);
  const states = new Map<string | undefined, unknown>();
  let drawn = 0;
  const fresh = (): number => ++drawn;
  for (const { operation, happens } of windows.toSorted((a, b) => a.happensAt - b.happensAt)) {
    const { key, caller } = operation;
    const object = reference.keys === "separate" ? key : undefined;
    const state = states.has(object) ? states.get(object) : reference.initial;
    const { f, input } = reference.draw(state, { random, caller, fresh });
    const call = { f, input, caller, ...(reference.keys === "shared" && key !== undefined ? { key } : {}) };
    operation.f = f;
    operation.input = input;
    const outcomes = reference.outcomes(state, call);
    if (outcomes.length === 0) throw new Error(`nothing can come of ${JSON.stringify(call)}`);
    const [after, output] = pick(random, outcomes);
    operation.output = output;
    if (happens) states.set(object, after);
  }
  return windows.map(({ operation }) => operation);
}

function drawWindows(reference: AnyReference, shape: HistoryShape, random: Random): Window[] {
  const { clients, operations, keys, unknown, failed, longestNs = 100 } = shape;
  const windows: Window[] = [];
  // Half of all histories name the caller, who then goes on as the same after an unknown outcome.
  const isNamed = chance(random, 0.5);
  const free = Array.from({ length: clients }, () => random.integer(0, longestNs));
  const processes = Array.from({ length: clients }, (_, client) => client);
  let nextProcess = clients;
  for (let i = 0; i < operations; i++) {
    const client = i % clients;
    const callNs = free[client]! + random.integer(1, 1 + (longestNs >> 1));
    const returnNs = callNs + random.integer(1, longestNs);
    free[client] = returnNs;
    const process = processes[client]!;
    const end = random.next();
    const fate = end < failed ? "fail" : end < failed + unknown ? pick(random, ["info", "open"] as const) : "ok";
    if (fate === "info" || fate === "open") processes[client] = nextProcess++;
    const operation: DrawnOperation = {
      client,
      process,
      key: reference.keys === undefined ? undefined : `k${random.integer(0, keys - 1)}`,
      caller: isNamed ? `client ${client}` : `process ${process}`,
      callNs,
      returnNs,
      fate,
      f: "",
      input: null,
      output: null,
    };
    const happens = fate === "ok" || (fate !== "fail" && chance(random, 0.5));
    windows.push({ operation, happens, happensAt: callNs + random.next() * (returnNs - callNs) });
  }
  return windows;
}

/** The history as it would have been recorded. */
export function eventsOf(operations: readonly DrawnOperation[]): HistoryEvent[] {
  const events = operations.flatMap(({ process, f, key, input, output, fate, callNs, returnNs }): HistoryEvent[] => {
    const shared = { process, f, ...(key === undefined ? {} : { key }) };
    const invoke: HistoryEvent = { ...shared, type: "invoke", value: input, timeNs: callNs };
    if (fate === "open") return [invoke];
    const value = fate === "ok" ? output : fate;
    return [invoke, { ...shared, type: fate, value, timeNs: returnNs }];
  });
  // A process that calls at the moment of its return does so after it: the sort is stable.
  return events.sort((a, b) => a.timeNs - b.timeNs);
}
