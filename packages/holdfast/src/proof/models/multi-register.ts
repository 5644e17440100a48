import { HistoryError } from "../history-error.ts";
import type { Operation } from "../history.ts";
import { impossible, type Model, type ModelRun, type Transition } from "../model.ts";
import { initialOf, isRecord, type ModelOptions } from "./model-options.ts";
import { NumberVectors } from "./number-vectors.ts";
import { demand, nothing, refuseFunction, step } from "./transitions.ts";
import { ValueNumbers } from "./value-numbers.ts";

interface MicroOperation {
  readonly isWrite: boolean;
  readonly register: number;
  readonly value: number;
}

/**
 * Several registers that are read and written together: `txn` takes `[["r", "x", null], ["w", "y", 2]]` and gives the
 * same with what was read; its parts take effect in order, all at one moment. `read` and `write` are accepted, too, for
 * the names of the parts and, with one part, of the operation.
 */
export function multiRegister(options: ModelOptions = {}): Model {
  const initial = initialOf("multi-register", options, "an object of values by register", isRecord);
  return { name: "multi-register", start: () => startRegisters(initial ?? {}) };
}

/** A state is a vector: by register, the number of its value. */
function startRegisters(initial: Readonly<Record<string, unknown>>): ModelRun {
  const names = new ValueNumbers();
  const values = new ValueNumbers();
  const vectors = new NumberVectors();
  let first = 0;
  for (const [name, value] of Object.entries(initial)) {
    first = vectors.set(first, names.numberOf(name), values.numberOf(value));
  }

  function microOperations({ f, input, output, outcome, line }: Operation): MicroOperation[] {
    const done = outcome === "ok" && output !== null ? output : input;
    if (!Array.isArray(done) || (Array.isArray(input) && done.length !== input.length)) {
      throw new HistoryError(
        line,
        `${f} takes and gives [["r" | "w", register, value], …] (got ${JSON.stringify(done)})`,
      );
    }
    return done.map((part: unknown): MicroOperation => {
      const [kind, register, value] = Array.isArray(part) ? (part as unknown[]) : [];
      const isWrite = kind === "w" || kind === "write";
      if ((!isWrite && kind !== "r" && kind !== "read") || register === undefined || register === null) {
        throw new HistoryError(line, `${f} consists of ["r" | "w", register, value] (got ${JSON.stringify(part)})`);
      }
      return { isWrite, register: names.numberOf(register), value: values.numberOf(value) };
    });
  }

  function apply(state: number, parts: readonly MicroOperation[], checksReads: boolean): number {
    let after = state;
    for (const { isWrite, register, value } of parts) {
      if (isWrite) after = vectors.set(after, register, value);
      else if (checksReads && vectors.get(after, register) !== value) return impossible;
    }
    return after;
  }

  function transition(operation: Operation): Transition {
    if (!["txn", "read", "write"].includes(operation.f)) return refuseFunction("multi-register", operation);
    const parts = microOperations(operation);
    const isKnown = operation.outcome === "ok";
    if (parts.some(({ isWrite }) => isWrite)) return step((state) => apply(state, parts, isKnown));
    return isKnown ? demand((state) => apply(state, parts, true) !== impossible) : nothing;
  }

  function describe(state: number): string {
    const held = [...vectors.entries(state)].map(([register, value]) => [
      String(names.valueOf(register)),
      values.valueOf(value),
    ]);
    return JSON.stringify(Object.fromEntries(held));
  }

  return {
    initial: first,
    transition,
    describe,
    get bytes() {
      return vectors.bytes;
    },
  };
}
