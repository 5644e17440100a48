import { configurationSet, configurationWords } from "./configuration-set.ts";
import type { Operation } from "./history.ts";
import { LongestOrders, type DeadEnd } from "./longest-orders.ts";
import { impossible, type ModelRun, type Transition } from "./model.ts";
import { PlacedOperations } from "./placed-operations.ts";
import { timeline } from "./timeline.ts";

export type SearchResult =
  | { readonly outcome: "found" | "timeout" | "memory"; readonly configurations: number }
  | {
      readonly outcome: "none";
      readonly configurations: number;
      /** The dead ends that got furthest, the longest first, at most 8, all blocked by the same operation. */
      readonly deadEnds: readonly DeadEnd[];
      readonly longest: readonly Operation[];
    };

export interface SearchLimits {
  readonly maxBytes: number;
  /** Asked every few thousand steps. */
  expired(): boolean;
}

/** Work between two looks at the limits, in operations looked at. */
const workBetweenChecks = 4096;
const operationsBetweenChecks = 256;

/**
 * Looks for an order of one object's operations that its model allows and that contradicts no real-time order.
 *
 * The search is Wing and Gong's ("Testing and verifying concurrent objects", 1993) with Lowe's memory of configurations
 * already refuted ("Testing for linearizability", 2017): depth first over a linked list of calls and returns, an
 * operation being eligible while no return stands before its call. Loops, not recursion. Four things of its own keep
 * histories with unknown outcomes tractable; each only skips what another branch covers:
 *
 * 1. An operation that never changes the state is placed as soon as it fits: moving it forward disturbs nobody.
 * 2. An operation of unknown outcome need never be placed; it is tried last, and only where it changes the state.
 * 3. If `o` after such an operation `u` leads to the same state as without `u`, the branch is left: the one without `u`
 *    reaches the same state and still has `u` to spare. So a doubtful write is placed only where somebody notices it.
 *
 * 4. Of operations of unknown outcome and equal effect the first is placed before the second: it fits wherever the
 *    second does.
 *
 * A remembered configuration is its state, the first operation not placed, and which of those that may overlap it are;
 * it takes 24 bytes, whatever the length of the history (see PlacedOperations).
 */
export function searchLinearization(
  model: ModelRun,
  operations: readonly Operation[],
  limits: SearchLimits,
): SearchResult {
  // Tables double: for a moment there are three times what there is now.
  const isFull = (bytes: number): boolean => bytes + 3 * (model.bytes ?? 0) > limits.maxBytes;
  const transitionOf: Transition[] = [];
  for (const operation of operations) {
    transitionOf.push(model.transition(operation));
    if (transitionOf.length % operationsBetweenChecks !== 0) continue;
    if (limits.expired()) return { outcome: "timeout", configurations: 0 };
    if (isFull(0)) return { outcome: "memory", configurations: 0 };
  }
  // Operations of unknown outcome that never change the state explain nothing: they are left out.
  const line = timeline(operations, (i) => operations[i]!.outcome === "ok" || !transitionOf[i]!.readOnly);
  const { known, doubtful, next, previous, operationAt, isReturn, callNode, returnNode, doubtfulPlace } = line;
  const transitions: Transition[] = [];
  for (let i = 0; i < line.order.length; i++) transitions.push(transitionOf[line.order[i]!]!);

  const visited = configurationSet(limits.maxBytes, () => model.bytes ?? 0);
  const placed = new PlacedOperations(line);
  const longest = new LongestOrders(line);
  const configuration = new Int32Array(configurationWords);
  const stack = new Int32Array(known + doubtful);
  const stateBefore = new Int32Array(known + doubtful);
  /** By operation: when it is tried. */
  const firstDoubtfulRank = 2 * next.length;
  const ranks = new Int32Array(known + doubtful);
  for (let operation = 0; operation < ranks.length; operation++) {
    ranks[operation] =
      operation >= known
        ? firstDoubtfulRank + operation - known
        : returnNode[operation]! + (transitions[operation]!.readOnly ? 0 : next.length);
  }
  const twins = twinsOf(transitions, known);
  let depth = 0;
  let state = model.initial;
  let work = 0;

  const unlink = (node: number): void => {
    next[previous[node]!] = next[node]!;
    previous[next[node]!] = previous[node]!;
  };

  const relink = (node: number): void => {
    next[previous[node]!] = node;
    previous[next[node]!] = node;
  };

  const place = (operation: number, after: number): void => {
    placed.flip(operation);
    stack[depth] = operation;
    stateBefore[depth++] = state;
    state = after;
    if (operation >= known) return;
    unlink(callNode[operation]!);
    unlink(returnNode[operation]!);
  };

  const takeBack = (): number => {
    const operation = stack[--depth]!;
    state = stateBefore[depth]!;
    longest.shorten(depth);
    placed.flip(operation);
    if (operation < known) {
      relink(returnNode[operation]!);
      relink(callNode[operation]!);
    }
    return operation;
  };

  const remember = (): "added" | "present" | "full" => {
    const first = next[0]!;
    if (first === 0) return "added";
    configuration[0] = state;
    placed.describe(operationAt[first]!, configuration);
    return visited.add(configuration);
  };

  /** Whether the operation placed last was in doubt and makes no difference to this one (rule 3). */
  const isSpared = (transition: Transition, after: number): boolean =>
    depth > 0 && stack[depth - 1]! >= known && transition.apply(stateBefore[depth - 1]!) === after;

  /**
   * The eligible operation of the lowest rank above `tried`; -1 for none. First those that only look, then the others,
   * the one that returns first before the rest, because it has the fewest places left; last those in doubt.
   */
  const nextCandidate = (tried: number): number => {
    let found = -1;
    let lowest = firstDoubtfulRank;
    let node = next[0]!;
    for (; isReturn[node] === 0; node = next[node]!) {
      work++;
      const operation = operationAt[node]!;
      const rank = ranks[operation]!;
      if (rank <= tried || rank >= lowest) continue;
      found = operation;
      lowest = rank;
    }
    if (found >= 0) return found;
    for (let i = Math.max(0, tried - firstDoubtfulRank + 1); i < doubtful && doubtfulPlace[i]! < node; i++) {
      work++;
      if (!placed.has(known + i) && (twins[i]! < 0 || placed.has(twins[i]!))) return known + i;
    }
    return -1;
  };

  let tried = -1;
  while (next[0] !== 0) {
    if (++work >= workBetweenChecks) {
      work = 0;
      if (limits.expired()) return { outcome: "timeout", configurations: visited.size };
      if (isFull(visited.bytes)) return { outcome: "memory", configurations: visited.size };
    }
    const operation = nextCandidate(tried);
    if (operation < 0) {
      longest.note(stack, depth, state);
    } else {
      tried = ranks[operation]!;
      const transition = transitions[operation]!;
      const after = transition.apply(state);
      if (after === impossible || (operation >= known && after === state) || isSpared(transition, after)) continue;
      place(operation, after);
      const memory = remember();
      if (memory === "full") return { outcome: "memory", configurations: visited.size };
      if (memory === "added") {
        tried = -1;
        continue;
      }
      takeBack();
      // Rule 1: with it placed this was refuted before, so it is without.
      if (!transition.readOnly) continue;
    }
    let undone: number;
    do {
      if (depth === 0) {
        const operationOf = (number: number): Operation => operations[line.order[number]!]!;
        return {
          outcome: "none",
          configurations: visited.size,
          deadEnds: longest.deadEnds(operationOf),
          longest: longest.longest(operationOf),
        };
      }
      undone = takeBack();
    } while (transitions[undone]!.readOnly);
    tried = ranks[undone]!;
  }
  return { outcome: "found", configurations: visited.size };
}

/** By operation in doubt: the one before it with the same effect, or -1 (rule 4). */
function twinsOf(transitions: readonly Transition[], known: number): Int32Array {
  const last = new Map<unknown, number>();
  const twins = new Int32Array(transitions.length - known).fill(-1);
  for (let operation = known; operation < transitions.length; operation++) {
    const { effect } = transitions[operation]!;
    if (effect === undefined) continue;
    twins[operation - known] = last.get(effect) ?? -1;
    last.set(effect, operation);
  }
  return twins;
}
