import { configurationSet } from "./configuration-set.ts";
import type { Operation } from "./history.ts";
import { impossible, type ModelRun, type Transition } from "./model.ts";
import { timeline, type Timeline } from "./timeline.ts";

/** An order that explains everything that returned before `blocked` did, but not `blocked` itself. */
export interface DeadEnd {
  /** The operation that fits nowhere any more. */
  readonly blocked: Operation;
  /** The end of the order: the last operations, at most 16. */
  readonly order: readonly Operation[];
  readonly state: number;
}

export type SearchResult =
  | { readonly outcome: "found" | "timeout" | "memory"; readonly configurations: number }
  /** The dead ends that got furthest, at most 8, all blocked by the same operation. */
  | { readonly outcome: "none"; readonly configurations: number; readonly deadEnds: readonly DeadEnd[] };

export interface SearchLimits {
  readonly maxBytes: number;
  /** Asked every few thousand steps. */
  expired(): boolean;
}

const stepsBetweenChecks = 4096;
const shownDeadEnds = 8;
const shownOperations = 16;

/**
 * Looks for an order of one object's operations that its model allows and that contradicts no real-time order.
 *
 * The search is Wing and Gong's ("Testing and verifying concurrent objects", 1993) with Lowe's memory of configurations
 * already refuted ("Testing for linearizability", 2017): depth first over a linked list of calls and returns, an
 * operation being eligible while no return stands before its call. Loops, not recursion. Three things of its own keep
 * histories with unknown outcomes tractable; each only skips what another branch covers:
 *
 * 1. An operation that never changes the state is placed as soon as it fits: moving it forward disturbs nobody.
 * 2. An operation of unknown outcome need never be placed; it is tried last, and only where it changes the state.
 * 3. If `o` after such an operation `u` leads to the same state as without `u`, the branch is left: the one without `u`
 *    reaches the same state and still has `u` to spare. So a doubtful write is placed only where somebody notices it.
 *
 * A remembered configuration is its state, the first operation not placed, and bits only for those that may overlap it,
 * so its size depends on the concurrency and the unknown outcomes, not on the length of the history.
 */
export function searchLinearization(
  model: ModelRun,
  operations: readonly Operation[],
  limits: SearchLimits,
): SearchResult {
  const { line, transitions } = prepare(model, operations);
  const { known, doubtful, next, previous, operationAt, isReturn, callNode, returnNode, doubtfulPlace } = line;
  const visited = configurationSet(limits.maxBytes);

  const placed = new Uint32Array(line.words);
  const record = new Uint32Array(line.words + 2);
  const stack = new Int32Array(known + doubtful);
  const stateBefore = new Int32Array(known + doubtful);
  /** By operation: when it is tried. */
  const firstDoubtfulRank = 2 * next.length;
  const ranks = Int32Array.from(transitions, ({ readOnly }, operation) => {
    if (operation >= known) return firstDoubtfulRank + operation - known;
    return returnNode[operation]! + (readOnly ? 0 : next.length);
  });
  let depth = 0;
  let state = model.initial;
  let hash = 0;
  let furthest = 0;
  let deadEnds: DeadEnd[] = [];

  const flip = (operation: number): void => {
    const word = line.wordOf(operation);
    placed[word] = (placed[word] ?? 0) ^ (1 << line.bitOf(operation));
    hash ^= scramble(operation + 1);
  };

  const isPlaced = (operation: number): boolean =>
    ((placed[line.wordOf(operation)]! >>> line.bitOf(operation)) & 1) === 1;

  const unlink = (node: number): void => {
    next[previous[node]!] = next[node]!;
    previous[next[node]!] = previous[node]!;
  };

  const relink = (node: number): void => {
    next[previous[node]!] = node;
    previous[next[node]!] = node;
  };

  const place = (operation: number, after: number): void => {
    flip(operation);
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
    flip(operation);
    if (operation < known) {
      relink(returnNode[operation]!);
      relink(callNode[operation]!);
    }
    return operation;
  };

  const remember = (): "added" | "present" | "full" => {
    const first = next[0]!;
    if (first === 0) return "added";
    const head = operationAt[first]!;
    record[0] = state;
    record[1] = head;
    let length = 2;
    for (let word = head >>> 5; word <= line.lastWord[head]!; word++) record[length++] = placed[word]!;
    for (let word = line.doubtfulWord; word < line.words; word++) record[length++] = placed[word]!;
    return visited.add(record, length, scramble(hash ^ scramble(state)));
  };

  /** Whether the operation placed last was in doubt and makes no difference to this one (rule 3). */
  const isSpared = (transition: Transition, after: number): boolean =>
    depth > 0 && stack[depth - 1]! >= known && transition.apply(stateBefore[depth - 1]!) === after;

  const noteDeadEnd = (): void => {
    let blocking = next[0]!;
    while (isReturn[blocking] === 0) blocking = next[blocking]!;
    if (blocking < furthest) return;
    if (blocking > furthest) deadEnds = [];
    furthest = blocking;
    if (deadEnds.length === shownDeadEnds || deadEnds.some((end) => end.state === state)) return;
    const order = Array.from(stack.subarray(Math.max(0, depth - shownOperations), depth), (o) => line.operations[o]!);
    deadEnds.push({ blocked: line.operations[operationAt[blocking]!]!, order, state });
  };

  /**
   * The eligible operation of the lowest rank above `tried`; -1 for none. First those that only look, then the others,
   * the one that returns first before the rest, because it has the fewest places left; last those in doubt.
   */
  const nextCandidate = (tried: number): number => {
    let found = -1;
    let lowest = firstDoubtfulRank;
    let node = next[0]!;
    for (; isReturn[node] === 0; node = next[node]!) {
      const operation = operationAt[node]!;
      const rank = ranks[operation]!;
      if (rank <= tried || rank >= lowest) continue;
      found = operation;
      lowest = rank;
    }
    if (found >= 0) return found;
    for (let i = Math.max(0, tried - firstDoubtfulRank + 1); i < doubtful && doubtfulPlace[i]! < node; i++) {
      if (!isPlaced(known + i)) return known + i;
    }
    return -1;
  };

  let tried = -1;
  for (let steps = 1; next[0] !== 0; steps++) {
    if (steps % stepsBetweenChecks === 0 && limits.expired()) {
      return { outcome: "timeout", configurations: visited.size };
    }
    const operation = nextCandidate(tried);
    if (operation < 0) {
      noteDeadEnd();
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
      if (depth === 0) return { outcome: "none", configurations: visited.size, deadEnds };
      undone = takeBack();
    } while (transitions[undone]!.readOnly);
    tried = ranks[undone]!;
  }
  return { outcome: "found", configurations: visited.size };
}

/** Operations of unknown outcome that never change the state explain nothing: they are left out. */
function prepare(
  model: ModelRun,
  operations: readonly Operation[],
): { readonly line: Timeline; readonly transitions: readonly Transition[] } {
  const transitionOf = new Map(operations.map((operation) => [operation, model.transition(operation)] as const));
  const line = timeline(operations.filter((o) => o.outcome === "ok" || transitionOf.get(o)?.readOnly === false));
  return { line, transitions: line.operations.map((operation) => transitionOf.get(operation)!) };
}

/** A 32-bit mixing function (murmur3's finaliser): single bits in, all bits out. */
function scramble(value: number): number {
  let h = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
