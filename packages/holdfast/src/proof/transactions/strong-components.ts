import type { Walk } from "./digraph.ts";

/** Called now and then by whatever may take long; throws when time is up. */
export type Pulse = () => void;

/** Which nodes lie on cycles with which. */
export interface Components {
  /** By node: the number of its component. */
  readonly of: Int32Array;
  /** By component: how many nodes it has. One of size 1 is no cycle, as no walk has edges from a node to itself. */
  readonly sizes: Int32Array;
}

const stepsBetweenPulses = 65_536;

/**
 * Tarjan's algorithm ("Depth-first search and linear graph algorithms", 1972) with a stack of its own instead of
 * recursion: time and memory are linear in nodes and edges.
 */
export function strongComponents(walk: Walk, pulse: Pulse): Components {
  const { nodes } = walk;
  const of = new Int32Array(nodes).fill(-1);
  /** By node: when it was met, from 1; 0 before. */
  const met = new Int32Array(nodes);
  const lowest = new Int32Array(nodes);
  const nextEdge = new Int32Array(nodes);
  const path = new Int32Array(nodes);
  const waiting = new Int32Array(nodes);
  const sizes: number[] = [];
  let depth = 0;
  let waitingCount = 0;
  let time = 0;
  let steps = 0;

  const enter = (node: number): void => {
    met[node] = lowest[node] = ++time;
    nextEdge[node] = walk.first(node);
    path[depth++] = node;
    waiting[waitingCount++] = node;
  };

  const close = (root: number): void => {
    const component = sizes.length;
    let size = 0;
    for (;;) {
      const node = waiting[--waitingCount]!;
      of[node] = component;
      size++;
      if (node === root) break;
    }
    sizes.push(size);
  };

  for (let start = 0; start < nodes; start++) {
    if (met[start] !== 0) continue;
    enter(start);
    while (depth > 0) {
      if (++steps % stepsBetweenPulses === 0) pulse();
      const node = path[depth - 1]!;
      if (nextEdge[node]! < walk.end(node)) {
        const target = walk.target(node, nextEdge[node]!++);
        if (target < 0) continue;
        if (met[target] === 0) enter(target);
        else if (of[target] === -1 && met[target]! < lowest[node]!) lowest[node] = met[target]!;
        continue;
      }
      depth--;
      if (lowest[node] === met[node]) close(node);
      const parent = depth > 0 ? path[depth - 1]! : -1;
      if (parent >= 0 && lowest[node]! < lowest[parent]!) lowest[parent] = lowest[node]!;
    }
  }
  return { of, sizes: Int32Array.from(sizes) };
}
