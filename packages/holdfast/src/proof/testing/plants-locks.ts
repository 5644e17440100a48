import type { DrawnOperation } from "./drawn-history.ts";
import { done, plant, precedes, type Change, type Plant } from "./plant.ts";

const acquired = (operations: readonly DrawnOperation[]): DrawnOperation[] =>
  done(operations, "acquire").filter(({ output }) => output !== false);

/** What the same caller did after it, in order. */
function after(operations: readonly DrawnOperation[], first: DrawnOperation): DrawnOperation[] {
  return operations
    .filter(({ caller, callNs }) => caller === first.caller && callNs > first.callNs)
    .sort((a, b) => a.callNs - b.callNs);
}

/** Whether something that the same caller called before may still happen. */
function hasPending(operations: readonly DrawnOperation[], { caller, callNs }: DrawnOperation): boolean {
  return operations.some((o) => o.caller === caller && o.callNs < callNs && (o.fate === "info" || o.fate === "open"));
}

/** Somebody else takes it between a caller's acquire and the call of its next release. */
function heldTwice(tokenFor: (tokens: readonly number[]) => number | null): Plant {
  return plant(function* (operations): Iterable<Change> {
    const taken = acquired(operations);
    const token = tokenFor(taken.map(({ output }) => output as number));
    for (const first of taken) {
      if (hasPending(operations, first)) continue;
      const until = after(operations, first).find(({ f }) => f === "release")?.callNs ?? Number.POSITIVE_INFINITY;
      for (const second of done(operations, "acquire")) {
        if (precedes(first, second) && second.returnNs < until) yield [second, token];
      }
    }
  });
}

/** A caller that has just given it back gives it back again. */
function releasedTwice(operations: readonly DrawnOperation[]): boolean {
  for (const release of done(operations, "release")) {
    const [next] = after(operations, release);
    if (next?.f !== "acquire" || next.fate !== "ok" || hasPending(operations, next)) continue;
    next.f = "release";
    next.output = null;
    return true;
  }
  return false;
}

export const mutexPlants: Readonly<Record<string, Plant>> = {
  "held twice": heldTwice(() => null),
  "released twice": releasedTwice,
};

export const fencedMutexPlants: Readonly<Record<string, Plant>> = {
  "held twice": heldTwice((tokens) => Math.max(...tokens) + 1),
  "released twice": releasedTwice,
  "token not higher": plant(function* (operations): Iterable<Change> {
    const taken = acquired(operations);
    for (const first of taken) {
      for (const second of taken) if (precedes(first, second)) yield [second, first.output];
    }
  }),
};
